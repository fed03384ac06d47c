"""Energy counters of NVML read before and after every phase of an inference run."""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.text import chunks, lines, refuse_repeated, wrong_field_count
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_HEADER = ("Timestamp", "Phase", "Runtime (s)", "GPU-0 Energy (mJ)")
_EPOCH = datetime(1970, 1, 1)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the phases of a run; a row is counted as the line it begins in, since prompts run over several lines.

    ``Timestamp`` is the start of a phase: each phase begins where the one before ends, ``Runtime (s)`` later.

    Args:
        path: the CSV file.
        options: ``encoding``.

    Raises:
        UnreadableFile: the header is another one.
    """
    of_record: list[str] = []
    reader = csv.reader(_remembered(lines(path, options, newline=""), of_record), strict=True)
    try:
        header = next(reader, [])
    except csv.Error:
        header = of_record
    if not set(_HEADER) <= set(header):
        raise UnreadableFile(
            f"{path.name} is not a table of phases with NVML energy",
            expected=f"a header with {', '.join(_HEADER)}",
            got=", ".join(header)[:200] or "an empty file",
            do="Bind the file to the format it is in.",
        )
    refuse_repeated(path, header)
    for chunk in chunks(_records(reader, len(header), of_record), header):
        yield Chunk(_with_window(chunk.rows), chunk.unreadable)


def _remembered(numbered: Iterator[tuple[int, str]], of_record: list[str]) -> Iterator[str]:
    """The lines, each also kept for whoever has to show the record it belongs to."""
    for _, line in numbered:
        of_record.append(line)
        yield line


def _records(reader: Any, width: int, of_record: list[str]) -> Iterator[tuple[Any, ...] | Unreadable]:
    while True:
        of_record.clear()
        number = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Unreadable(number, "quotes", f"the quotes of the record do not match: {error}", "".join(of_record))
            continue
        if not fields:
            continue
        if len(fields) == width:
            yield (number, *fields)
        else:
            yield wrong_field_count(number, fields, width, "".join(of_record).rstrip())


def _with_window(rows: pl.DataFrame) -> pl.DataFrame:
    starts = [_epoch(value) for value in rows["Timestamp"]]
    ends = [_epoch(value, runtime) for value, runtime in rows.select("Timestamp", "Runtime (s)").iter_rows()]
    return rows.with_columns(
        pl.Series("started_at_utc", starts, pl.Datetime("us")), pl.Series("ended_at_utc", ends, pl.Datetime("us"))
    )


def _epoch(seconds: str | None, later: str = "0") -> datetime | None:
    """The instant so many seconds after the epoch; ``None`` where a text is no number, which the gate then names."""
    try:
        return _EPOCH + timedelta(seconds=float(seconds or "")) + timedelta(seconds=float(later))
    except (ValueError, OverflowError):
        return None
