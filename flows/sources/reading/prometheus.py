"""Samples of Prometheus, from whichever of its formats, in bounded chunks of one shape."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from suanheng.flows.sources.reading.files import opened
from suanheng.flows.sources.reading.text import CHUNK_ROWS
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

NAME = "__name__"
"""Label that holds the name of the metric."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SECONDS_OF_MANY_YEARS = 1e11
_SCHEMA = {
    "row_number": pl.Int64,
    "metric": pl.String,
    "labels": pl.String,
    "time": pl.Int64,
    "value": pl.String,
}


class Sample(NamedTuple):
    """One sample: its place in the file, name and labels of its series, microseconds since 1970, value as text."""

    row_number: int
    metric: str | None
    labels: str
    time_us: int
    value: str | None


def chunks(samples: Iterable[Sample | Unreadable]) -> Iterator[Chunk]:
    """Gather samples into chunks of at most 100,000."""
    rows: list[Sample] = []
    unreadable: list[Unreadable] = []
    for sample in samples:
        if isinstance(sample, Sample):
            rows.append(sample)
        else:
            unreadable.append(sample)
        if len(rows) + len(unreadable) == CHUNK_ROWS:
            yield _chunk(rows, unreadable)
            rows, unreadable = [], []
    if rows or unreadable:
        yield _chunk(rows, unreadable)


def series(labels: Mapping[str, str]) -> tuple[str | None, str]:
    """Name of a series, and its other labels as JSON that is equal where they are."""
    others = {name: labels[name] for name in sorted(labels) if name != NAME}
    return labels.get(NAME), json.dumps(others, ensure_ascii=False, separators=(",", ":"))


def microseconds(time: object, per_second: int) -> int | None:
    """Microseconds since 1970 of a time in seconds (1) or milliseconds (1000); ``None`` where it is no time."""
    try:
        seconds = float(time) / per_second  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return round(seconds * 1_000_000) if abs(seconds) < _SECONDS_OF_MANY_YEARS else None


def bounded_lines(path: Path, at_most: int, do: str) -> Iterator[tuple[int, bytes]]:
    """Number of every line, counted from 1, and its bytes.

    Raises:
        UnreadableFile: a line is longer than that many bytes; ``do`` says what to do about it.
    """
    with opened(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(at_most + 1), b""), start=1):
            if len(line) > at_most:
                raise UnreadableFile(
                    f"Line {number} of {path.name} is too long",
                    expected=f"at most {at_most // 2**20} MiB",
                    got="more",
                    do=do,
                )
            yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line


def _chunk(rows: list[Sample], unreadable: list[Unreadable]) -> Chunk:
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return Chunk(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), unreadable)
