"""Samples of ``nvidia-smi --query-gpu=… --format=csv``: plain files, and captures that hold other sections too."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.text import as_text, chunks, lines, refuse_repeated, wrong_field_count
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_QUERIED = (
    "timestamp",
    "name",
    "uuid",
    "pci.bus_id",
    "index",
    "mig.mode.current",
    "memory.total [MiB]",
    "memory.used [MiB]",
    "utilization.gpu [%]",
    "temperature.gpu",
    "power.draw [W]",
    "power.draw.average [W]",
    "power.draw.instant [W]",
    "clocks.current.sm [MHz]",
    "clocks.sm [MHz]",
)
"""Columns that are used; a driver knows some two hundred, and every version other ones."""

_MEASURED = {"power.draw [W]", "power.draw.instant [W]", "utilization.gpu [%]", "memory.used [MiB]"}
_STATED = ("collected_at", "position_in_burst", "node", "sku")
_COLLECTED_AT = re.compile(r"collected_at:\s*(\S+)")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the samples of every query of GPUs in a file; a row is counted as its line.

    Args:
        path: a CSV file, or a capture in which the CSV is one section among others.
        options: ``node``, ``sku``, ``gpus_per_burst`` where the samples carry no GPU index, ``encoding``.

    Raises:
        UnreadableFile: the file holds no query of GPUs with its header, or ``gpus_per_burst`` is no count.
    """
    yield from chunks(_records(path, options), (*_QUERIED, *_STATED))


def _gpus_per_burst(options: Mapping[str, Any]) -> int | None:
    stated = options.get("gpus_per_burst")
    if stated is None or (isinstance(stated, int) and stated > 0):
        return stated
    raise UnreadableFile(
        "The source does not say how many GPUs a burst holds",
        expected="a whole number above 0 as option gpus_per_burst",
        got=repr(stated),
        do="Write e.g. gpus_per_burst = 8.",
    )


def _records(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[Any, ...] | Unreadable]:
    header: list[str] = []
    sections, above, position = 0, False, 0
    collected_at = None
    burst = _gpus_per_burst(options)
    node, sku = as_text(options.get("node")), as_text(options.get("sku"))
    for number, line in lines(path, options):
        if labels := _query_header(line):
            refuse_repeated(path, labels)
            header, sections, position = labels, sections + 1, 0
            is_capture = above
        elif not header:
            above = above or bool(line.strip())
            if collected := _COLLECTED_AT.match(line):
                collected_at = collected[1]
        elif is_capture and (not line.strip() or line.startswith("#")):
            header = []
        elif line.strip():
            fields = [field.strip() for field in line.split(",")]
            if len(fields) == len(header):
                values = dict(zip(header, fields, strict=True))
                place = str(position % burst) if burst else None
                yield number, *map(values.get, _QUERIED), collected_at, place, node, sku
            else:
                yield wrong_field_count(number, fields, len(header), line)
            position += 1
    if not sections:
        raise UnreadableFile(
            f"{path.name} holds no query of GPUs",
            expected=f"a header with timestamp and one of {', '.join(sorted(_MEASURED))}",
            got="no such line",
            do="Query with --format=csv, not with noheader, and ask for timestamp.",
        )


def _query_header(line: str) -> list[str]:
    """Labels of the header of a query of GPUs; empty for any other line, also the header of a query of processes."""
    if line.startswith("#") or "timestamp" not in line:
        return []
    labels = [label.strip() for label in line.split(",")]
    return labels if "timestamp" in labels and _MEASURED & set(labels) else []
