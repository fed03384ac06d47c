"""Slurm accounting records: ``sacct --parsable2``, with or without a header."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.text import chunks, lines, refuse_repeated, wrong_field_count
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

FIELDS = (
    *("jobid", "jobidraw", "cluster", "partition", "qos", "account", "group", "gid", "user", "uid"),
    *("submit", "eligible", "start", "end", "elapsed", "exitcode", "state", "nnodes", "ncpus", "reqcpus"),
    *("reqmem", "reqtres", "alloctres", "timelimit", "nodelist", "jobname"),
)
"""The 26 fields that job-accounting exports commonly ask for, in their order."""

_TIMES = {"submit", "eligible", "start", "end"}
_NOT_SET = re.compile(r"0|(1970-01-0[12]|1969-12-31)T\d{2}:\d{2}:\d{2}\S*")
"""A time of 0, in whatever zone it was printed: Slurm writes it for one that has not come."""

_NEEDED = {"cluster", "jobidraw", "submit", "start", "end", "state"}


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read accounting records; a row is counted as its line.

    Args:
        path: what ``sacct --parsable2`` printed.
        options: ``fields``, the order of the fields where it is not the usual one and the file has no header,
            as a list or separated by commas; ``encoding``.

    Raises:
        UnreadableFile: the first line does not fit the fields.
    """
    numbered = lines(path, options)
    first = next(numbered, None)
    if first is None:
        return
    header = [label.lower() for label in first[1].split("|")]
    if {"jobidraw", "submit"} <= set(header):
        fields, records = header, numbered
    else:
        fields, records = _declared(options), chain([first], numbered)
        _refuse_other_width(path, first[1], fields)
    refuse_repeated(path, fields)
    if missing := _NEEDED - set(fields):
        raise UnreadableFile(
            f"{path.name} lacks {', '.join(sorted(missing))}",
            expected=f"at least the fields {', '.join(sorted(_NEEDED))}",
            got=", ".join(fields),
            do="Run sacct again with --format " + ",".join(FIELDS) + ".",
        )
    yield from chunks(_records(records, fields), fields)


def _declared(options: Mapping[str, Any]) -> list[str]:
    fields = options.get("fields", FIELDS)
    names = fields.split(",") if isinstance(fields, str) else fields
    return [name.strip().lower() for name in names]


def _refuse_other_width(path: Path, line: str, fields: Sequence[str]) -> None:
    width = len(_split(line, fields))
    if width != len(fields):
        raise UnreadableFile(
            f"{path.name} does not hold the expected fields",
            expected=f"{len(fields)} fields separated by |: {', '.join(fields)}",
            got=f"{width} fields: {line[:200]}",
            do='Leave --noheader out, or name the order in the source: options = { fields = "jobid,…" }.',
        )


def _records(numbered: Iterator[tuple[int, str]], fields: Sequence[str]) -> Iterator[tuple[Any, ...] | Unreadable]:
    times = [place for place, field in enumerate(fields) if field in _TIMES]
    for number, line in numbered:
        if not line.strip():
            continue
        values = _split(line, fields)
        if len(values) == len(fields):
            for place in times:
                if _NOT_SET.fullmatch(values[place]):
                    values[place] = ""
            yield (number, *values)
        else:
            yield wrong_field_count(number, values, len(fields), line)


def _split(line: str, fields: Sequence[str]) -> list[str]:
    """Split a line; a job's name may hold the separator, which is harmless where the name comes last."""
    return line.split("|", len(fields) - 1) if fields[-1] == "jobname" else line.split("|")
