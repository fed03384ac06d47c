"""Settings of a workspace: ``suanheng.toml``.

[warehouse]
catalog = "sqlite:lake/catalog.sqlite"
threads = 1

[scoring]
methodology = "hqc-2024"
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from suanheng.config.settings import Like, Table, Text, did_you_mean, read, refusal

METHODOLOGIES = Path(__file__).parent / "methodology"
DEFAULT_METHODOLOGY = "hqc-2024"


class Warehouse(Table):
    """Where the warehouse is stored, and how it is used."""

    catalog: str = Field(
        default="sqlite:lake/catalog.sqlite",
        description="DuckLake catalogue: sqlite:<path>, or postgres:<connection string> without a password.",
        examples=["sqlite:lake/catalog.sqlite"],
    )
    data_path: Text = Field(
        default="lake/data",
        description="Folder of the warehouse's Parquet files, or s3://<bucket>/<prefix>.",
        examples=["lake/data"],
    )
    author: Text = Field(default="suanheng", description="Who is named on snapshots.", examples=["suanheng"])
    threads: int | None = Field(default=None, ge=1, description="Threads; all processors if left out.", examples=[2])
    wait_s: float | None = Field(
        default=None,
        ge=0,
        description="Seconds a writer waits for another one; without end if left out.",
        examples=[600],
    )

    @field_validator("catalog")
    @classmethod
    def _file_or_server(cls, catalog: str) -> str:
        kind, _, location = catalog.partition(":")
        if "password" in location:
            raise refusal(
                "a connection without a password",
                "one with a password",
                "remove it, and give it in the environment as PGPASSWORD or in ~/.pgpass",
            )
        if not location or kind not in {"sqlite", "postgres"} or (kind == "postgres" and "dbname=" not in location):
            raise refusal("sqlite:<path>, or postgres:<connection string>, e.g. postgres:host=db.example dbname=lake")
        return catalog

    @field_validator("data_path")
    @classmethod
    def _folder_or_bucket(cls, place: str) -> str:
        if "://" in place and not re.fullmatch(r"s3://[^/]+(/[^/]+)*/?", place):
            raise refusal("a folder, or s3://<bucket>/<prefix>, e.g. s3://centres/lake")
        return place


class Storage(Table):
    """Where an S3-compatible object store answers. What is left out is as at AWS."""

    endpoint: Annotated[str, Like(r"[^/\s]+", "a host without https://")] | None = Field(
        default=None, description="Host and port, without https://.", examples=["s3.example:9000"]
    )
    region: Text | None = Field(default=None, description="Its region.", examples=["eu-central-1"])
    url_style: Literal["path", "vhost"] | None = Field(
        default=None, description="Whether the bucket is part of the path or of the host.", examples=["path"]
    )
    use_ssl: bool = Field(default=True, description="Whether to speak HTTPS.", examples=[True])


class Workers(Table):
    """Who surveys large files."""

    dask: Annotated[str, Like(r"(tcp|tls)://[^/\s]+:\d+", "the address of a Dask scheduler")] | None = Field(
        default=None,
        description="Scheduler whose workers do; this machine does if left out.",
        examples=["tcp://127.0.0.1:8786"],
    )


class Scoring(Table):
    """How centres are scored."""

    methodology: str = Field(
        default=DEFAULT_METHODOLOGY,
        description="Name of a methodology that ships, or path of a YAML file, seen from the workspace.",
        examples=["hqc-2024"],
    )

    @field_validator("methodology")
    @classmethod
    def _existing_methodology(cls, name: str, info: ValidationInfo) -> str:
        assert info.context is not None
        found = _methodology(info.context["root"], name)
        if found is None:
            shipped = _shipped()
            raise refusal(f"one of {', '.join(shipped)}, or the path of a YAML file", do=did_you_mean(name, shipped))
        return found


class Reports(Table):
    """Where scorecards are written to."""

    folder: Text = Field(default="reports", description="Folder of the reports.", examples=["reports"])


class SuanhengToml(Table):
    """suanheng.toml of a suanheng workspace. Paths are seen from the folder it is in."""

    warehouse: Warehouse = Field(default_factory=Warehouse, description="Where the warehouse is stored.")
    storage: Storage = Field(default_factory=Storage, description="Where the object store answers.")
    workers: Workers = Field(default_factory=Workers, description="Who surveys large files.")
    scoring: Scoring = Field(default_factory=Scoring, description="How centres are scored.")
    reports: Reports = Field(default_factory=Reports, description="Where scorecards are written to.")


def read_suanheng_toml(path: Path) -> SuanhengToml:
    """Read ``suanheng.toml``.

    Raises:
        BadSettings: the file is missing, or a setting is unknown or cannot be; with every fault.
    """
    return read(path, SuanhengToml, {"root": path.parent})


def stated_methodology(path: Path) -> str | None:
    """The methodology that a file names, whatever else of it cannot be used; ``None`` where there is none such."""
    try:
        name = tomllib.loads(path.read_text(encoding="utf-8"))["scoring"]["methodology"]
    except (OSError, ValueError, KeyError, TypeError):
        name = DEFAULT_METHODOLOGY
    return _methodology(path.parent, name) if isinstance(name, str) else None


def _methodology(root: Path, name: str) -> str | None:
    """The path of a file, or else the name of a methodology that ships."""
    own = root / name
    if own.is_file():
        return str(own)
    return name if name in _shipped() else None


def _shipped() -> list[str]:
    return sorted(path.stem for path in METHODOLOGIES.glob("*.yaml"))
