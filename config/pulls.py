"""Pulls: which Prometheus servers are asked, for what, in which windows, and by which credentials."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from suanheng.config.sources import SITE_ID
from suanheng.config.workspace import BadSettings, read_toml

MOST_POINTS = 11_000
"""Points per series that Prometheus answers a query with; it refuses a query for more."""

KEYS = {
    *("name", "site", "url", "exporter", "match", "query", "step", "window", "lookback", "start", "end", "landing"),
    *("token", "user", "password", "ca_file", "timeout"),
}
"""Keys of a ``[[pull]]``."""

_SECRETS = ("token", "password")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_REFERENCE = r"(env|block):\S+"
_ADVICE = (
    'a reference: "env:NAME" for an environment variable, or "block:NAME" for a Prefect Secret block. '
    "A secret does not belong into this file; if it was shared with it, change the secret"
)


@dataclass(frozen=True)
class Pull:
    """One ``[[pull]]`` of ``pulls.toml``.

    Attributes:
        name: names the pull, and its folder where ``landing`` is not given.
        site: site the answers are of.
        url: address of the server, to which ``/api/v1/query_range`` is appended.
        exporter: exporter whose mapped metrics are asked for; or ``None``.
        match: label matchers besides, e.g. ``cluster="a"``.
        query: PromQL in place of ``exporter``; or ``None``.
        step: time between two points of a series.
        window: time that one query and one file cover.
        lookback: how late samples may still arrive after a window's end.
        start: instant whose window is the first to be asked for, UTC.
        end: instant from which on no window begins, UTC; or ``None``. The window it lies in is asked for whole.
        folder: where answers are written.
        token: reference of a bearer token; or ``None``.
        user: user of basic authentication; or ``None``.
        password: reference of that user's password; or ``None``.
        ca_file: certificates that are trusted instead of the usual ones; or ``None``.
        timeout_s: seconds to wait for the server to say anything.
    """

    name: str
    site: str
    url: str
    exporter: str | None
    match: str
    query: str | None
    step: timedelta
    window: timedelta
    lookback: timedelta
    start: datetime
    end: datetime | None
    folder: Path
    token: str | None
    user: str | None
    password: str | None
    ca_file: Path | None
    timeout_s: float


def read_pulls(path: Path) -> list[Pull]:
    """Read and check ``pulls.toml``; no file, no pulls.

    Raises:
        BadSettings: a pull is incomplete, holds a secret, or could not be answered.
    """
    if not path.exists():
        return []
    pulls = [_pull(path, number, entry) for number, entry in enumerate(read_toml(path).get("pull", []), 1)]
    for attribute in ("name", "folder"):
        values = [str(getattr(pull, attribute)) for pull in pulls]
        if twice := {value for value in values if values.count(value) > 1}:
            raise BadSettings(f"{path}: two pulls have the {attribute} {', '.join(sorted(twice))}. Give each its own.")
    return pulls


def _pull(path: Path, number: int, entry: Mapping[str, Any]) -> Pull:
    entry = _Entry(f"{path}, [[pull]] number {number}", entry)
    entry.refuse_secrets()
    entry.refuse_unknown()
    name = entry.text("name", "small letters, digits, - and _", SITE_ID)
    site = entry.text("site", "small letters, digits, - and _", SITE_ID)
    exporter, query = entry.get("exporter"), entry.get("query")
    if (exporter is None) == (query is None) or not isinstance(exporter or query, str):
        entry.refuse("it does not say what to ask for", 'either exporter = "dcgm" or query = "…"')
    step, window = entry.duration("step"), entry.duration("window")
    if window % step or not 1 <= window // step <= MOST_POINTS:
        entry.refuse(
            f"window is {entry['window']!r} with step {entry['step']!r}",
            f"a whole number of steps, at most {MOST_POINTS} of them, which is what Prometheus answers",
        )
    if (entry.get("user") is None) != (entry.get("password") is None):
        entry.refuse("user and password go together", "both or none")
    if "token" in entry and "user" in entry:
        entry.refuse("it has a token and a user", "one way to authenticate")
    ca_file = entry.get("ca_file")
    landing = entry.get("landing", f"landing/{site}/{name}")
    if not isinstance(landing, str) or not isinstance(ca_file, str | None):
        entry.refuse("landing and ca_file are paths", 'text, e.g. landing = "landing/site-a/dcgm"')
    return Pull(
        name=name,
        site=site,
        url=entry.url(),
        exporter=exporter,
        match=str(entry.get("match", "")),
        query=query,
        step=step,
        window=window,
        lookback=entry.duration("lookback", "1h"),
        start=entry.instant("start"),
        end=entry.instant("end") if "end" in entry else None,
        folder=path.parent / landing,
        token=entry.get("token"),
        user=entry.get("user"),
        password=entry.get("password"),
        ca_file=path.parent / ca_file if ca_file else None,
        timeout_s=entry.duration("timeout", "2m").total_seconds(),
    )


class _Entry(dict[str, Any]):
    """One entry, and where it stands for whoever has to repair it."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._where = where

    def refuse(self, problem: str, expected: str) -> NoReturn:
        """Stop, and say why."""
        raise BadSettings(f"{self._where}: {problem}. Expected {expected}.")

    def refuse_secrets(self) -> None:
        """Refuse a secret that is written out, without repeating it."""
        for key in _SECRETS:
            if key in self and not (isinstance(self[key], str) and re.fullmatch(_REFERENCE, self[key])):
                self.refuse(f"{key} is written out", _ADVICE)
        address = urlsplit(str(self.get("url", "")))
        if address.username or address.password or address.query:
            self.refuse("url holds more than an address", f"no user, password or query in it, but {_ADVICE}")

    def refuse_unknown(self) -> None:
        """Refuse keys that mean nothing here; their values may be secrets and are not repeated."""
        if unknown := set(self) - KEYS:
            self.refuse(f"unknown key {', '.join(sorted(unknown))}", f"only {', '.join(sorted(KEYS))}")

    def text(self, key: str, expected: str, pattern: str) -> str:
        """A text of that form."""
        value = self.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            self.refuse(f"{key} is {value!r}", expected)
        return str(value)

    def url(self) -> str:
        """The address of the server."""
        value = self.text("url", "an address, e.g. http://prometheus.example:9090", r"https?://[^\s/?#]+(/[^\s?#]*)?")
        return value.rstrip("/")

    def duration(self, key: str, default: str | None = None) -> timedelta:
        """A length of time such as 30s, 6h or 1d."""
        value = self.get(key, default)
        match = re.fullmatch(r"(\d{1,6})([smhd])", value) if isinstance(value, str) else None
        if match is None:
            self.refuse(f"{key} is {value!r}", "a whole number and s, m, h or d, e.g. 30s or 6h")
        length = int(match[1]) * _SECONDS[match[2]]
        if length == 0 and key != "lookback":
            self.refuse(f"{key} is {value!r}", "more than nothing")
        return timedelta(seconds=length)

    def instant(self, key: str) -> datetime:
        """A day, which begins at midnight UTC, or a time with an offset."""
        value = self.get(key)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                self.refuse(f"{key} is {value}", "a day, or a time with an offset, e.g. 2024-06-01T00:00:00+08:00")
            return value.astimezone(UTC)
        if not isinstance(value, date):
            self.refuse(f"{key} is {value!r}", f"a day to ask from or to, e.g. {key} = 2024-06-01")
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
