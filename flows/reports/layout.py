"""Where each report is: ``<site>/<period>.<language>.html``, ``compare/<period>.…``, ``index.…``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

COMPARISONS = "compare"


def file_name(identifier: str) -> str:
    """Return an identifier as a name every file system takes: anything unusual is percent-encoded.

    Letters of any script, digits, ``-``, ``_`` and ``.`` stay; a leading dot and the name of the comparisons' folder
    do not, so that no site can leave its folder or take another's.
    """
    name = "".join(sign if sign.isalnum() or sign in "-_." else quote(sign, safe="") for sign in identifier)
    if name.startswith(".") or name == COMPARISONS:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name or "%"


def scorecard_file(folder: Path, site_id: str, period: str, ending: str) -> Path:
    """Return the place of one site's report, ``ending`` being ``zh.html``, ``json`` and the like."""
    return folder / file_name(site_id) / f"{file_name(period)}.{ending}"


def comparison_file(folder: Path, period: str, ending: str) -> Path:
    """Return the place of one period's comparison."""
    return folder / COMPARISONS / f"{file_name(period)}.{ending}"


def index_file(folder: Path, ending: str) -> Path:
    """Return the place of the start page."""
    return folder / f"index.{ending}"


def scorecard_link(site_id: str, period: str, ending: str) -> str:
    """Return the address of a site's report, seen from the reports' folder."""
    return f"{quote(file_name(site_id))}/{quote(file_name(period))}.{ending}"


def comparison_link(period: str, ending: str) -> str:
    """Return the address of a period's comparison, seen from the reports' folder."""
    return f"{COMPARISONS}/{quote(file_name(period))}.{ending}"


def write_text(path: Path, text: str) -> Path:
    """Write a report, making its folder, and return its place."""
    with written_whole(path) as begun:
        begun.write_text(text, encoding="utf-8")
    return path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a place to write a report to, making its folder; the report takes its own place once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(path.name + ".part")
    yield begun
    begun.replace(path)
