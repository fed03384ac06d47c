"""Where an MLPerf submission keeps its logs: <system>/<benchmark>/<scenario>/performance/…"""

from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """What the folders of a submission say about a log."""

    system: str | None
    benchmark: str | None
    scenario: str | None


def place(path: Path) -> Place:
    """System, benchmark and scenario by the folders above ``performance``; ``None`` where the log lies elsewhere."""
    folders = path.parts[:-1]
    if "performance" not in folders:
        return Place(None, None, None)
    above = folders[: len(folders) - 1 - folders[::-1].index("performance")]
    return Place(*above[-3:]) if len(above) >= 3 else Place(None, None, None)
