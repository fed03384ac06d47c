"""Where an MLPerf submission keeps its logs: <system>/<benchmark>/<scenario>/performance/…"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from suanheng.flows.sources.reading.text import lines
from suanheng.schemas.checking.records import Unreadable


class Place(NamedTuple):
    """What the folders of a submission say about a log."""

    system: str | None
    benchmark: str | None
    scenario: str | None


def place(path: Path) -> Place:
    """System, benchmark and scenario by the folders above ``performance``; ``None`` where the log is elsewhere."""
    folders = path.parts[:-1]
    if "performance" not in folders:
        return Place(None, None, None)
    above = folders[: len(folders) - 1 - folders[::-1].index("performance")]
    return Place(*above[-3:]) if len(above) >= 3 else Place(None, None, None)


MARK = ":::MLLOG"


def messages(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]] | Unreadable]:
    """Line, its text, and the message in it; other lines, such as what the framework prints, are no messages.

    Launchers put the number of the process before the mark, and every process may repeat a message.
    """
    for number, line in lines(path, options):
        _, mark, text = line.partition(MARK)
        if not mark:
            continue
        try:
            message = json.loads(text)
            yield number, line, {**message, "key": str(message["key"]), "time_ms": message["time_ms"]}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            yield Unreadable(number, "broken_message", f"the message cannot be read: {error}", line)


def system_of(path: Path) -> str | None:
    """System by the folders of a submission: ``…/results/<system>/<benchmark>/…``."""
    folders = path.parts[:-1]
    if "results" not in folders:
        return None
    below = folders[len(folders) - folders[::-1].index("results") :]
    return below[0] if len(below) >= 2 else None
