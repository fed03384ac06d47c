"""Emission records of CodeCarbon (emissions.csv): one row per tracked run, columns by its version."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.labelled_csv import labelled_records
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable
from suanheng.schemas.raw.codecarbon import CONTRACT

_LABELS = tuple(label for label in CONTRACT.columns if label != "cluster")
_NEEDED = ("timestamp", "project_name", "run_id", "duration", "energy_consumed")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the runs of a file; a row is counted as its line. Columns that a version lacks are unknown.

    Args:
        path: the CSV file.
        options: ``cluster``, by default the project; ``encoding``.

    Raises:
        UnreadableFile: the header lacks a column without which no run is known.
    """
    yield from chunks(_records(path, options), (*_LABELS, "cluster"))


def _records(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[Any, ...] | Unreadable]:
    do = "Bind the emissions.csv that CodeCarbon 2.0 or later writes; older ones do not distinguish runs."
    for record in labelled_records(path, options, _NEEDED, do):
        if isinstance(record, Unreadable):
            yield record
        else:
            line, fields = record
            cluster = as_text(options.get("cluster", fields["project_name"]))
            yield line, *map(fields.get, _LABELS), cluster
