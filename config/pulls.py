"""Pulls: which Prometheus servers are asked, for what, in which windows, and by which credentials: ``pulls.toml``.

[[pull]]
name = "gpus"
site = "my-centre"
url = "http://prometheus.example:9090"
exporter = "dcgm"
step = "30s"
window = "1h"
start = 2024-06-01
"""

import csv
import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from suanheng.config.settings import Like, Table, Text, did_you_mean, only_once, read, refusal
from suanheng.config.sites import SITE_ID, KnownSiteId

REFERENCE_FACTS = Path(__file__).parent / "reference"

MOST_POINTS = 11_000
"""Points per series that Prometheus answers a query with; it refuses a query for more."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = r"(\d{1,6})([smhd])"
_REFERENCE = r"(env|block):\S+"
_ADDRESS = r"https?://[^\s/?#]+(/[^\s?#]*)?"
_ADVICE = (
    'write where it is: "env:NAME" for an environment variable, or "block:NAME" for a Prefect Secret block. '
    "A secret does not belong into this file; if it was shared with it, change the secret"
)


def _duration(value: Any) -> timedelta:
    """A length of time such as 30s, 6h or 1d."""
    match = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if match is None:
        raise refusal("a whole number and s, m, h or d")
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def _more_than_nothing(length: timedelta) -> timedelta:
    if not length:
        raise refusal("more than nothing")
    return length


def _instant(value: Any) -> datetime:
    """A day, which begins at midnight UTC, or a time with an offset."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise refusal("a day, or a time with an offset such as 2024-06-01T00:00:00+08:00, without quotes")
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _address(value: Any) -> Any:
    """An address that can hold no secret: it would be shown in messages and logs."""
    if isinstance(value, str) and re.search(r"[@?]", value):
        raise refusal("an address without user, password and query", "more than an address", _ADVICE)
    return value


def _reference(value: Any) -> str:
    if not (isinstance(value, str) and re.fullmatch(_REFERENCE, value)):
        raise refusal("a reference to a secret", "a value that is written out", _ADVICE)
    return value


Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$"})
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]
Length = Annotated[Duration, AfterValidator(_more_than_nothing)]
Reference = Annotated[
    str, BeforeValidator(_reference), WithJsonSchema({"type": "string", "pattern": f"^{_REFERENCE}$"})
]


class Pull(Table):
    """One server that is asked, and for what."""

    name: Annotated[str, Like(SITE_ID, "small letters, digits, - and _"), AfterValidator(only_once)] = Field(
        description="Names the pull, and its folder where landing is left out.", examples=["gpus"]
    )
    site: KnownSiteId = Field(description="Site the answers are of.", examples=["my-centre"])
    url: Annotated[str, Like(_ADDRESS, "an address"), BeforeValidator(_address)] = Field(
        description="Address of the server, to which /api/v1/query_range is appended.",
        examples=["http://prometheus.example:9090"],
    )
    exporter: Text | None = Field(
        default=None, description="Exporter whose mapped metrics are asked for.", examples=["dcgm"]
    )
    match: str = Field(default="", description="Label matchers besides.", examples=['cluster="a"'])
    query: Text | None = Field(
        default=None, description="PromQL in place of exporter.", examples=["up"], validate_default=True
    )
    step: Length = Field(description="Time between two points of a series.", examples=["30s"])
    window: Length = Field(description="Time that one query and one file cover.", examples=["1h"])
    lookback: Duration = Field(
        default="1h",
        description="How late samples may come after a window's end; 1h if left out.",
        validate_default=True,
        examples=["1h"],
    )
    start: Instant = Field(description="First day to ask for, or a time with an offset.", examples=[date(2024, 6, 1)])
    end: Instant | None = Field(
        default=None,
        description="Day or time from which on no window begins; the one it is in is asked for whole.",
        examples=[date(2025, 1, 1)],
    )
    folder: Path = Field(
        default_factory=Path,
        alias="landing",
        strict=False,
        description="Folder of the files; landing/<site>/<name> if left out.",
        examples=["landing/my-centre/gpus"],
        validate_default=True,
    )
    token: Reference | None = Field(
        default=None, description="Where the bearer token is.", examples=["env:PROMETHEUS_TOKEN"]
    )
    user: Text | None = Field(default=None, description="User of basic authentication.", examples=["suanheng"])
    password: Reference | None = Field(
        default=None,
        description="Where that user's password is.",
        examples=["block:prometheus-password"],
        validate_default=True,
    )
    ca_file: Path | None = Field(
        default=None,
        strict=False,
        description="Certificates that are trusted instead of the usual ones, in PEM.",
        examples=["ca.pem"],
    )
    timeout: Length = Field(
        default="2m",
        description="How long to wait for a word of the server; 2m if left out.",
        validate_default=True,
        examples=["2m"],
    )

    @property
    def timeout_s(self) -> float:
        """Seconds to wait for the server to say anything."""
        return self.timeout.total_seconds()

    @field_validator("url")
    @classmethod
    def _without_a_slash_at_the_end(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("exporter")
    @classmethod
    def _mapped_exporter(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is not None and name not in (mapped := _mapped_exporters(_root(info))):
            raise refusal(
                f"an exporter that metric_mappings.csv has: {', '.join(sorted(mapped))}",
                do=did_you_mean(name, mapped) or "add rows of your own to reference/metric_mappings.csv",
            )
        return name

    @field_validator("query")
    @classmethod
    def _one_thing_to_ask_for(cls, query: str | None, info: ValidationInfo) -> str | None:
        if "exporter" in info.data and (query is None) == (info.data["exporter"] is None):
            got = "neither" if query is None else "both"
            raise refusal("either exporter or query", got, 'say what to ask for, e.g. exporter = "dcgm", and only once')
        return query

    @field_validator("window")
    @classmethod
    def _whole_number_of_steps(cls, window: timedelta, info: ValidationInfo) -> timedelta:
        step = info.data.get("step")
        if step and (window % step or window // step > MOST_POINTS):
            raise refusal(
                f"a whole number of steps, at most {MOST_POINTS} of them, which is what Prometheus answers",
                f"{window / step:g} steps of {step.total_seconds():g} s",
            )
        return window

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        if end is not None and "start" in info.data and end <= info.data["start"]:
            raise refusal("a day or time after start")
        return end

    @field_validator("folder")
    @classmethod
    def _from_the_workspace(cls, folder: Path, info: ValidationInfo) -> Path:
        if folder == Path():
            if not {"site", "name"} <= info.data.keys():
                return folder
            folder = Path("landing", info.data["site"], info.data["name"])
        return only_once(_root(info) / folder, info)

    @field_validator("user")
    @classmethod
    def _one_way_to_authenticate(cls, user: str | None, info: ValidationInfo) -> str | None:
        if user is not None and info.data.get("token") is not None:
            raise refusal("one way to authenticate", "a token and a user", "keep one of them")
        return user

    @field_validator("password")
    @classmethod
    def _with_its_user(cls, password: str | None, info: ValidationInfo) -> str | None:
        if "user" in info.data and (password is None) != (info.data["user"] is None):
            missing = "password" if password is None else "user"
            raise refusal("user and password, or none of them", f"no {missing}", f"add {missing}")
        return password

    @field_validator("ca_file")
    @classmethod
    def _seen_from_the_workspace(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        return _root(info) / file if file else None


class PullsFile(Table):
    """pulls.toml of a suanheng workspace: which Prometheus servers are asked, and for what."""

    pull: list[Pull] = Field(default=[], description="One entry per server and exporter.")


def read_pulls(path: Path, sites: Collection[str] | None = None) -> list[Pull]:
    """Read ``pulls.toml``; no file, no pulls.

    Args:
        path: the file.
        sites: ids of the sites that exist; any will do where it is not given.

    Raises:
        BadSettings: a pull is incomplete, holds a secret, or could not be answered; with every fault.
    """
    return read(path, PullsFile, {"root": path.parent, "sites": sites}).pull if path.exists() else []


def _root(info: ValidationInfo) -> Path:
    """Folder of the workspace, from which paths are seen."""
    assert info.context is not None
    return info.context["root"]


def _mapped_exporters(root: Path) -> set[str]:
    """Exporters of which some metric is mapped to a dataset, by the package or the workspace."""
    found = set()
    for folder in (REFERENCE_FACTS, root / "reference"):
        path = folder / "metric_mappings.csv"
        if path.exists():
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                found |= {row["exporter"] for row in csv.DictReader(file) if row.get("dataset") and row.get("exporter")}
    return found
