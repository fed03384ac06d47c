"""Exports of VictoriaMetrics: a series, or a part of one, per line of JSON."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.prometheus import Sample, bounded_lines, chunks, microseconds, series
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

LINE_BYTES = 16 * 2**20
"""Longest line that is read: half a million samples, or more."""

_SHOWN_CHARACTERS = 500


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read an export, one row per sample, counted through the file.

    Args:
        path: what ``/api/v1/export`` answered.
        options: none.

    Raises:
        UnreadableFile: the first line is no series, or a line is longer than 16 MiB.
    """
    yield from chunks(_samples(path))


def _samples(path: Path) -> Iterator[Sample | Unreadable]:
    row_number = 0
    for number, line in bounded_lines(path, LINE_BYTES, "Export it again with max_rows_per_line=10000."):
        if not line.strip():
            continue
        found = _series_of(line)
        if isinstance(found, str):
            if row_number == 0:
                raise UnreadableFile(
                    f"{path.name} is no export of VictoriaMetrics",
                    expected='lines of {"metric":{…},"values":[…],"timestamps":[…]}',
                    got=f"line {number}: {found}",
                    do="Export it with /api/v1/export.",
                )
            row_number += 1
            yield Unreadable(row_number, "json_line", f"line {number}: {found}", _shown(line))
            continue
        metric, labels = series({name: str(text) for name, text in found["metric"].items()})
        for time, value in zip(found["timestamps"], found["values"], strict=True):
            row_number += 1
            time_us = microseconds(time, 1000)
            if time_us is None or not isinstance(value, str | float | None):
                yield Unreadable(row_number, "point", "expected milliseconds and a value", json.dumps([time, value]))
            else:
                yield Sample(row_number, metric, labels, time_us, None if value is None else str(value))


def _series_of(line: bytes) -> dict[str, Any] | str:
    """The series a line holds, numbers as the text they were; or what is wrong with it."""
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    if not isinstance(found, dict) or not isinstance(found.get("metric"), dict):
        return "no object with a metric"
    times, values = found.get("timestamps"), found.get("values")
    if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        return "values and timestamps are not two lists of one length"
    return found


def _shown(line: bytes) -> str:
    return line[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
