"""What bills of materials of every standard have in common: they are true of a day."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suanheng.schemas.checking.records import UnreadableFile


def day_described(path: Path, timestamp: str | None, options: Mapping[str, Any], stated_in: str) -> str:
    """Day a document describes: that of its timestamp in UTC, else the one the source names.

    Args:
        path: the document.
        timestamp: when the document says it was written.
        options: ``observed_on``, for a document that does not say it.
        stated_in: where in the document it should stand.

    Raises:
        UnreadableFile: neither the document nor the source says it.
    """
    if timestamp:
        return _day(timestamp)
    if options.get("observed_on"):
        return str(options["observed_on"])
    raise UnreadableFile(
        f"{path.name} does not say when it was written",
        expected=f"{stated_in} in the document, or observed_on in the source",
        got="neither",
        do="Add options = { observed_on = 'YYYY-MM-DD' } to the source in sources.toml.",
    )


def _day(timestamp: str) -> str:
    """Day of an ISO 8601 time in UTC; what is no time stays as it is, for the gate to refuse."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return timestamp
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
