"""OpenMetrics, Prometheus text exposition, and dumps of promtool, line by line.

The parsers of prometheus-client are not used: they gather all samples of a metric before they give any, know neither
``{__name__="…"}`` nor the number of a line, and give up a file at its first bad line. A test compares with them.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from suanheng.flows.sources.reading.files import bare_name
from suanheng.flows.sources.reading.prometheus import NAME, Sample, bounded_lines, chunks, microseconds, series
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

LINE_BYTES = 2**20
"""Longest line that is read."""

_LABEL = r'[a-zA-Z_]\w*\s*=\s*"(?:[^"\\]|\\.)*"'
_LINE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)?\s*"
    rf"(?:\{{\s*(?P<labels>(?:{_LABEL}\s*,\s*)*(?:{_LABEL})?)\s*\}})?"
    r"\s*(?<=[\s}])(?P<value>[^\s#]+)"
    r"(?:\s+(?P<time>[^\s#]+))?"
    r"(?:\s+#\s*\{.*)?\s*",
    re.ASCII | re.DOTALL,
)
_ONE_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"', re.ASCII | re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_END = b"# EOF"


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read samples; a row is counted as its line.

    Args:
        path: an exposition or a dump, compressed or not.
        options: ``scraped_at``, when lines without a time were scraped.

    Raises:
        UnreadableFile: a line has no time and the source names none, or a line is longer than 1 MiB.
    """
    yield from chunks(_samples(path, options))


def _samples(path: Path, options: Mapping[str, Any]) -> Iterator[Sample | Unreadable]:
    scraped_us = _scraped_us(path, options.get("scraped_at"))
    per_second = 1 if _ends_as_openmetrics(path) else 1000
    for number, line in _lines(path):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError as error:
            yield Unreadable(number, "encoding", f"no UTF-8: {error.reason}", line.decode(errors="replace").strip())
            continue
        if not text or text.startswith("#"):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            yield Unreadable(number, "exposition_line", "expected name{labels} value [time]", text)
            continue
        metric, labels = _series(match["name"], match["labels"] or "")
        if match["time"] is None:
            if scraped_us is None:
                _refuse_without_time(path, number)
            yield Sample(number, metric, labels, scraped_us, match["value"])
        elif (time_us := microseconds(match["time"], per_second)) is None:
            yield Unreadable(number, "time", f"expected {'' if per_second == 1 else 'milli'}seconds", text)
        else:
            yield Sample(number, metric, labels, time_us, match["value"])


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    return bounded_lines(path, LINE_BYTES, "Find out what wrote it: no label is that long.")


def _ends_as_openmetrics(path: Path) -> bool:
    """Whether the last line is ``# EOF``; the whole file is passed over, as a compressed one has no other end."""
    last = b""
    for _, line in _lines(path):
        last = line.strip() or last
    return last == _END


@lru_cache(maxsize=1024)
def _series(name: str | None, labels: str) -> tuple[str | None, str]:
    pairs = {label: _ESCAPED.sub(_unescaped, text) for label, text in _ONE_LABEL.findall(labels)}
    return series({NAME: name, **pairs} if name else pairs)


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def _scraped_us(path: Path, stated: Any) -> int | None:
    if stated is None:
        return None
    name = bare_name(path)
    try:
        at = datetime.strptime(name, stated) if "%" in str(stated) else datetime.fromisoformat(str(stated))
    except ValueError as error:
        raise _no_scrape_time(stated, f"{error}") from None
    if at.tzinfo is None:
        raise _no_scrape_time(stated, "a time without an offset")
    return round(at.astimezone(UTC).timestamp() * 1_000_000)


def _no_scrape_time(stated: Any, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"Option scraped_at = {stated!r} gives no time",
        expected="a time with an offset, or the form of the file's name with %z",
        got=got,
        do='Write e.g. scraped_at = "2024-06-01T12:00:00+08:00" or scraped_at = "node7_%Y%m%dT%H%M%S%z.prom".',
    )


def _refuse_without_time(path: Path, number: int) -> NoReturn:
    raise UnreadableFile(
        f"{path.name} does not say when it was scraped",
        expected="a time on every line, or option scraped_at in the source",
        got=f"no time on line {number}",
        do="Add options = { scraped_at = '…' } to the source in sources.toml; see docs/prometheus.md.",
    )
