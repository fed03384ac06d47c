"""JSON values as the text of cells, and instants that JSON files count from 1970."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1)


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
