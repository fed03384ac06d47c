"""A workspace: the folder that holds one operator's settings, landing zone, warehouse and reports."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS_FILE = "suanheng.toml"


class BadSettings(Exception):  # noqa: N818
    """Raised when a settings file is missing or says something that cannot be used."""


@dataclass(frozen=True)
class Storage:
    """Where an S3-compatible object store answers. What is not set is as at AWS.

    Attributes:
        endpoint: host and port, without ``https://``.
        region: its region.
        url_style: ``path`` where the bucket is part of the path, ``vhost`` where it is part of the host.
        use_ssl: whether to speak HTTPS.
    """

    endpoint: str | None = None
    region: str | None = None
    url_style: str | None = None
    use_ssl: bool = True


@dataclass(frozen=True)
class Workspace:
    """Where one operator's data lies and with what it is scored.

    Attributes:
        root: the folder that holds ``suanheng.toml``.
        catalog: DuckLake catalog, ``sqlite:<path>`` or ``postgres:<connection string>``.
        data_path: folder of the warehouse's Parquet files, or their place ``s3://<bucket>/<prefix>``.
        storage: where the object store of an ``s3://`` place answers.
        reports: folder the reports are written to.
        methodology: name of a methodology file in ``config/methodology`` or path of one's own.
        author: who is named on the warehouse's snapshots.
        threads: threads of the warehouse; all processors where it is not set.
        wait_s: seconds a writer waits for another one; without end where it is not set.
        dask: address of the scheduler whose workers survey large files; this process does where it is not set.
    """

    root: Path
    catalog: str
    data_path: str
    storage: Storage
    reports: Path
    methodology: str
    author: str
    threads: int | None
    wait_s: float | None
    dask: str | None

    @property
    def sources_file(self) -> Path:
        """What comes in: bindings of files to formats and sites."""
        return self.root / "sources.toml"

    @property
    def sites_file(self) -> Path:
        """The centres that are scored."""
        return self.root / "sites.toml"

    @property
    def pulls_file(self) -> Path:
        """What is asked for from servers before anything comes in; need not exist."""
        return self.root / "pulls.toml"

    @property
    def reference_folder(self) -> Path:
        """Reference facts of the operator's own, beside those that come with the package."""
        return self.root / "reference"

    @property
    def publications(self) -> Path:
        """Pages kept with publications, by site, period and revision."""
        return self.root / "publications"

    @property
    def corrections_folder(self) -> Path:
        """Corrections of known errors in what the operator's sources deliver."""
        return self.root / "corrections"

    @property
    def repairs_folder(self) -> Path:
        """Repaired records, by site, raw table and content of the file they belong to."""
        return self.root / "repairs"

    @property
    def file_hashes(self) -> Path:
        """Hashes of the files in the landing zone, remembered from one run to the next; may be deleted at any time."""
        return self.root / "lake" / "file_hashes.json"

    @property
    def writer_lock(self) -> Path:
        """Held by the one process that writes."""
        return self.root / "lake" / "writer.lock"


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        BadSettings: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettings(f"{path} does not exist. Create a workspace with: suanheng init {path.parent}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is not a TOML file: {error}. Repair the line it names.") from None


def open_workspace(folder: Path) -> Workspace:
    """Read the settings of a workspace.

    Raises:
        BadSettings: there is no workspace here, or a setting is unknown.
    """
    root = folder.resolve()
    path = root / SETTINGS_FILE
    settings = read_toml(path)
    known = {
        "warehouse": {"catalog", "data_path", "author", "threads", "wait_s"},
        "storage": {"endpoint", "region", "url_style", "use_ssl"},
        "workers": {"dask"},
        "scoring": {"methodology"},
        "reports": {"folder"},
    }
    for section, values in settings.items():
        unknown = set(values) - known.get(section, set()) if isinstance(values, dict) else {section}
        if section not in known or unknown:
            raise BadSettings(
                f"{path}: unknown setting {section}.{', '.join(sorted(unknown))}. "
                f"Known: {', '.join(f'{s}.{k}' for s, keys in known.items() for k in sorted(keys))}."
            )
    warehouse = settings.get("warehouse", {})
    return Workspace(
        root=root,
        catalog=_catalog(root, warehouse.get("catalog", "sqlite:lake/catalog.sqlite")),
        data_path=_data_path(root, warehouse.get("data_path", "lake/data")),
        storage=_storage(path, settings.get("storage", {})),
        reports=root / settings.get("reports", {}).get("folder", "reports"),
        methodology=settings.get("scoring", {}).get("methodology", "hqc-2024"),
        author=warehouse.get("author", "suanheng"),
        threads=_threads(path, warehouse.get("threads")),
        wait_s=_wait_s(path, warehouse.get("wait_s")),
        dask=_dask(path, settings.get("workers", {}).get("dask")),
    )


def _threads(path: Path, threads: object) -> int | None:
    if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise BadSettings(
            f"{path}: warehouse.threads is {threads!r}. Expected a whole number from 1, e.g. threads = 2."
        )
    return threads


def _wait_s(path: Path, wait_s: object) -> float | None:
    if wait_s is not None and (not isinstance(wait_s, int | float) or isinstance(wait_s, bool) or wait_s < 0):
        raise BadSettings(f"{path}: warehouse.wait_s is {wait_s!r}. Expected seconds from 0, e.g. wait_s = 600.")
    return wait_s


def _dask(path: Path, address: object) -> str | None:
    if address is not None and not re.fullmatch(r"(tcp|tls)://[^/\s]+:\d+", str(address)):
        raise BadSettings(
            f"{path}: workers.dask is {address!r}. "
            'Expected the address of a Dask scheduler, e.g. dask = "tcp://127.0.0.1:8786".'
        )
    return None if address is None else str(address)


def _catalog(root: Path, catalog: object) -> str:
    kind, _, location = str(catalog).partition(":")
    if kind == "sqlite" and location:
        return f"sqlite:{root / location}"
    if kind != "postgres" or "dbname=" not in location:
        raise BadSettings(
            f"{root / SETTINGS_FILE}: warehouse.catalog is {catalog!r}. Expected sqlite:<path>, e.g. "
            "sqlite:lake/catalog.sqlite, or postgres:<connection string>, e.g. postgres:host=db.example dbname=lake."
        )
    if "password" in location:
        raise BadSettings(
            f"{root / SETTINGS_FILE}: warehouse.catalog holds a password, and this file is no place for one. "
            "Remove it, and give it in the environment as PGPASSWORD or in ~/.pgpass."
        )
    return f"postgres:{location}"


def _data_path(root: Path, place: object) -> str:
    if "://" not in str(place):
        return str(root / str(place))
    if not re.fullmatch(r"s3://[^/]+(/[^/]+)*/?", str(place)):
        raise BadSettings(
            f"{root / SETTINGS_FILE}: warehouse.data_path is {place!r}. "
            "Expected a folder, or s3://<bucket>/<prefix>, e.g. s3://centres/lake."
        )
    return str(place).rstrip("/")


def _storage(path: Path, settings: dict[str, Any]) -> Storage:
    expected = {
        "endpoint": (lambda value: re.fullmatch(r"[^/\s]+", str(value)), "a host without https://", "s3.example:9000"),
        "region": (lambda value: isinstance(value, str), "a text", "eu-central-1"),
        "url_style": (lambda value: value in {"path", "vhost"}, "path or vhost", "path"),
        "use_ssl": (lambda value: isinstance(value, bool), "true or false", True),
    }
    for name, value in settings.items():
        is_good, meaning, example = expected[name]
        if not is_good(value):
            shown = f"{name} = {json.dumps(example)}"
            raise BadSettings(f"{path}: storage.{name} is {value!r}. Expected {meaning}, e.g. {shown}.")
    return Storage(**settings)
