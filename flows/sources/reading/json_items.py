"""JSON read event by event, its values as the text of cells, and instants that JSON files count from 1970."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import ijson

DEEPEST = 64
"""Levels of nesting that are followed. ijson names every place by its whole path, so depth costs time by its square."""

_EPOCH = datetime(1970, 1, 1)


def events(file: BinaryIO) -> Iterator[tuple[str, str, Any]]:
    """Prefix, event and value of everything in a JSON file, as ``ijson.parse`` gives them.

    Raises:
        ijson.JSONError: the file is no JSON, is cut off, or is nested deeper than 64 levels.
    """
    return ijson.parse(_shallow(file))


def _shallow(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    depth = 0
    for event, value in ijson.basic_parse(file):
        depth += event in ("start_map", "start_array")
        depth -= event in ("end_map", "end_array")
        if depth > DEEPEST:
            raise ijson.JSONError(f"nested deeper than {DEEPEST} levels")
        yield event, value


def cell(value: Any) -> str | None:
    """A JSON value as the text of a cell; ``None`` for null and for what holds nothing."""
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def inside(document: Any, *keys: str) -> Any:
    """The value under a chain of keys; ``None`` where one of them is missing."""
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def instant_text(seconds: Any, per_second: int = 1) -> str | None:
    """An instant counted from 1970 in UTC, as ISO 8601; what is no such count stays as it is, for the gate to name.

    Args:
        seconds: the count.
        per_second: counts per second: 1000 for milliseconds.
    """
    try:
        return (_EPOCH + timedelta(seconds=float(seconds) / per_second)).isoformat() + "+00:00"
    except (TypeError, ValueError, OverflowError):
        return cell(seconds)
