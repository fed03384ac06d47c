"""Samples of ``dcgmi dmon``, each line with the time that ``ts`` puts before it: dmon itself prints none."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.text import as_text, chunks, lines
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_FIELDS = ("UUID#", "GPUTL", "GRACT", "TENSO", "POWER", "TOTEC", "TMPTR", "FBUSD", "FBTTL", "SMCLK", "XIDER")
"""Short names of the fields that are used; a query may hold others."""

_COLUMNS = ("timestamp", "entity", "entity_id", "gpu", "gpu_uuid", *_FIELDS, "node", "sku")

_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) (.*)")
_HEADER = re.compile(r"#\s*Entity\s")
_NO_SAMPLE = re.compile(r"ID(\s|$)|dmon was stopped")
_ENTITY = re.compile(r"(\S+(?: Core)?(?: \d+ LINK)?) (\d+)")
_ENTITY_COLUMN = "#Entity"
_INSTANCES = ("GPU-I", "GPU-CI")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the samples of a file; a row is counted as its line. Columns are where the last header put them.

    Args:
        path: what ``dcgmi dmon … | ts '%Y-%m-%dT%H:%M:%S%z'`` wrote.
        options: ``node``, ``sku``, ``encoding``.

    Raises:
        UnreadableFile: no line has a header of dmon with a time before it.
    """
    yield from chunks(_records(path, options), _COLUMNS)


def _columns(header: str) -> dict[str, slice]:
    """Where the columns under a header are, by short name; the first is the entity."""
    labels = list(re.finditer(r"(?:# )?\S+", header))
    ends = [*(label.start() for label in labels[1:]), None]
    names = [_ENTITY_COLUMN, *(label[0] for label in labels[1:])]
    return {name: slice(label.start(), end) for name, label, end in zip(names, labels, ends, strict=True)}


def _records(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[Any, ...] | Unreadable]:
    stated = (as_text(options.get("node")), as_text(options.get("sku")))
    columns: dict[str, slice] = {}
    gpu, gpu_uuid = None, None
    for number, line in lines(path, options):
        stamped = _STAMPED.fullmatch(line)
        timestamp, text = stamped.groups() if stamped else (None, line)
        if timestamp and _HEADER.match(text):
            columns, gpu = _columns(text), None
        elif columns and text.strip() and not _NO_SAMPLE.match(text):
            cells = {name: text[place].strip() or None for name, place in columns.items()}
            entity = _ENTITY.fullmatch(cells[_ENTITY_COLUMN] or "")
            if entity is None or timestamp is None:
                yield Unreadable(number, "sample", "expected a time, then e.g. GPU 0 and its values", line)
            elif entity[1] in _INSTANCES and gpu is None:
                yield Unreadable(number, "instance_without_gpu", "no line of its GPU stands above the instance", line)
            else:
                if entity[1] == "GPU":
                    gpu, gpu_uuid = entity[2], cells.get("UUID#")
                place = (gpu, gpu_uuid) if entity[1] in ("GPU", *_INSTANCES) else (None, None)
                yield number, timestamp, *entity.groups(), *place, *map(cells.get, _FIELDS), *stated
    if not columns:
        raise UnreadableFile(
            f"{path.name} holds no samples of dcgmi dmon with their times",
            expected="a line with a time with its offset, #Entity, and the short names of fields",
            got="no such line",
            do="dmon prints no times; let another program add them: dcgmi dmon … | ts '%Y-%m-%dT%H:%M:%S%z' > file.",
        )
