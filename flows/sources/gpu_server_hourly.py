"""Hourly means of a GPU server, tab separated, as a database client prints them: newest first, with a footer."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.text import as_text, chunks, lines, refuse_repeated, wrong_field_count
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_HEADER = ("name", "timestamp", "powerave", "tempave", "utilave")
_FOOTER = re.compile(r"\((?P<rows>\d+) rows? affected\)|Completion time: .*")
_FROM_BINDING = ("gpus_per_server", "sku")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the hours of a server; a row is counted as its line.

    Args:
        path: the exported text.
        options: ``gpus_per_server`` (required: the values are means over so many), ``sku``, ``encoding``.

    Raises:
        UnreadableFile: the header is another one, ``gpus_per_server`` is missing, or the footer counts other rows.
    """
    if "gpus_per_server" not in options:
        raise UnreadableFile(
            f"{path.name} holds means over the GPUs of a server, and does not say over how many",
            expected="option gpus_per_server",
            got="no such option",
            do="Add options = { gpus_per_server = 2 } to the [[source]] in sources.toml.",
        )
    numbered = lines(path, options)
    _, first = next(numbered, (0, ""))
    header = first.split("\t")
    if not set(_HEADER) <= set(header):
        raise UnreadableFile(
            f"{path.name} is not an hourly export of a GPU server",
            expected=f"a tab-separated header with {', '.join(_HEADER)}",
            got=first[:200] or "an empty file",
            do="Export it again with its header, or bind the file to the format it is in.",
        )
    refuse_repeated(path, (*header, *_FROM_BINDING))
    stated = tuple(as_text(options.get(name)) for name in _FROM_BINDING)
    yield from chunks(_records(path, numbered, len(header), stated), (*header, *_FROM_BINDING))


def _records(
    path: Path, numbered: Iterator[tuple[int, str]], width: int, stated: tuple[str | None, ...]
) -> Iterator[tuple[Any, ...] | Unreadable]:
    read_rows, counted_rows = 0, None
    for number, line in numbered:
        if not line.strip():
            continue
        if footer := _FOOTER.fullmatch(line.strip()):
            counted_rows = footer["rows"] or counted_rows
            continue
        read_rows += 1
        fields = line.split("\t")
        if len(fields) == width:
            yield (number, *fields, *stated)
        else:
            yield wrong_field_count(number, fields, width, line)
    if counted_rows is not None and int(counted_rows) != read_rows:
        raise UnreadableFile(
            f"{path.name} is not complete",
            expected=f"{counted_rows} rows, as its footer says",
            got=f"{read_rows} rows",
            do="Export it again.",
        )
