"""Job traces of AI clusters as CSV, one row per job, in the layout of the Acme trace (trace_seren.csv)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import bare_name
from suanheng.flows.sources.reading.labelled_csv import labelled_records
from suanheng.flows.sources.reading.text import chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.acme_trace import CONTRACT

_LABELS = tuple(label for label in CONTRACT.columns if label != "cluster")
_NEEDED = ("job_id", "gpu_num", "state", "submit_time", "start_time", "end_time")
_NAME = re.compile(r"trace_(\w+)\.csv")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the jobs of a trace; a row is counted as its line. Columns other than the trace's own are left out.

    Args:
        path: a CSV file with a header.
        options: ``cluster``, by default what the file's name says: seren of trace_seren.csv; ``encoding``.

    Raises:
        UnreadableFile: the header lacks a column, or nothing names the cluster.
    """
    yield from chunks(_records(path, options, _cluster(path, options)), (*_LABELS, "cluster"))


def _records(path: Path, options: Mapping[str, Any], cluster: str) -> Iterator[tuple[Any, ...] | Unreadable]:
    do = "Bind the file to the format it is in; an acme_trace has one row per job."
    for record in labelled_records(path, options, _NEEDED, do):
        if isinstance(record, Unreadable):
            yield record
        else:
            line, fields = record
            yield line, *map(fields.get, _LABELS), cluster


def _cluster(path: Path, options: Mapping[str, Any]) -> str:
    if "cluster" in options:
        return str(options["cluster"])
    named = _NAME.fullmatch(bare_name(path))
    if named is None:
        raise UnreadableFile(
            f"Nothing names the cluster of {path.name}",
            expected="a file name like trace_seren.csv, or option cluster",
            got=path.name,
            do='Add options = { cluster = "…" } to the [[source]] in sources.toml.',
        )
    return named[1]
