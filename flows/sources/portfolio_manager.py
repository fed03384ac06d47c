"""Reader of ENERGY STAR Portfolio Manager meter entries: XLSX or CSV, on any sheet, below any title."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources._spreadsheet import Table, find_table
from suanheng.schemas.gate import Chunk, UnreadableFile

_LABELS = ("Portfolio Manager Meter ID", "Meter Type", "Start Date", "End Date", "Usage/Quantity", "Usage Units")
_IDS = ("Portfolio Manager ID", "Portfolio Manager Meter ID", "Meter Consumption ID")
_DATES = ("Start Date", "End Date", "Delivery Date", "Last Modified Date")
_CONVENTIONS = ("inclusive", "exclusive")
_CLEAR_MAJORITY = 0.75

_EXCEL_DAY_ZERO = date(1899, 12, 30)
_SERIAL_DAY = re.compile(r"\d{4,5}(\.\d+)?")
_NUMBER_AS_TEXT = re.compile(r"\d+(\.\d+)?[Ee]\+?\d{1,2}|\d+\.0+")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the meter entries, with the end-date convention of the file beside every row.

    Ids that a spreadsheet turned into numbers (``2.2178843E7``) are written as whole numbers again, serial days as
    dates. The second of two ``Cost ($)`` columns is ``Cost ($) (2)``.

    Raises:
        UnreadableFile: no sheet holds meter entries, or the file does not show which end-date convention it follows.
    """
    table = find_table(
        path, _LABELS, do="Export 'Meter Entries' from Portfolio Manager; property reports hold no bills."
    )
    entries = _repaired(table)
    convention = options.get("end_date") or _convention_of(entries)
    if convention not in _CONVENTIONS:
        raise UnreadableFile(
            f"Option end_date of {path.name}",
            expected=" or ".join(_CONVENTIONS),
            got=repr(convention),
            do="Correct the option in sources.toml.",
        )
    for chunk in entries.chunks():
        yield Chunk(
            chunk.rows.with_columns(
                end_date_convention=pl.lit(convention), currency=pl.lit(options.get("currency", "USD"))
            ),
            chunk.unreadable,
        )


def _repaired(table: Table) -> Table:
    """Undo what spreadsheets do to ids and dates."""
    repairs = dict.fromkeys(_IDS, _whole_number) | dict.fromkeys(_DATES, _iso_date)
    repair_at = {position: repairs[label] for position, label in enumerate(table.labels) if label in repairs}
    rows = [
        (number, [repair_at[at](cell) if cell and at in repair_at else cell for at, cell in enumerate(cells)])
        for number, cells in table.rows
    ]
    return Table(table.labels, rows)


def _whole_number(text: str) -> str:
    return str(int(Decimal(text))) if _NUMBER_AS_TEXT.fullmatch(text) else text


def _iso_date(text: str) -> str:
    if not _SERIAL_DAY.fullmatch(text):
        return text
    return (_EXCEL_DAY_ZERO + timedelta(days=int(float(text)))).isoformat()


def _convention_of(entries: Table) -> str:
    """Decide by what follows what: the next bill of a meter starts on the end date, or on the day after it.

    A file in which no bill follows another is decided by its calendar months: bills from the first to the last day
    of a month are inclusive, bills from a first to a first are exclusive.
    """
    periods = _periods_by_meter(entries)
    gaps = [(following[0] - before[1]).days for bills in periods for before, following in pairwise(bills)]
    inclusive, exclusive = gaps.count(1), gaps.count(0)
    if not inclusive and not exclusive:
        months = [(start, end) for bills in periods for start, end in bills if start.day == 1]
        inclusive = sum((end + timedelta(days=1)).day == 1 for _, end in months)
        exclusive = sum(end.day == 1 and end > start for start, end in months)
    decided = inclusive + exclusive
    if decided and max(inclusive, exclusive) / decided >= _CLEAR_MAJORITY:
        return "inclusive" if inclusive > exclusive else "exclusive"
    raise UnreadableFile(
        "The file does not show whether End Date is the last day billed or the day after it",
        expected="consecutive bills of one meter, or bills of whole calendar months, that agree",
        got=f"{inclusive} that speak for the last day and {exclusive} for the day after",
        do="Add options = { end_date = 'inclusive' } (or 'exclusive') to the source in sources.toml.",
    )


def _periods_by_meter(entries: Table) -> list[list[tuple[date, date]]]:
    meter, start, end = (entries.labels.index(label) for label in _LABELS[0:1] + _LABELS[2:4])
    periods: dict[str | None, set[tuple[date, date]]] = {}
    for _, cells in entries.rows:
        days = _day(cells, start), _day(cells, end)
        if days[0] and days[1]:
            periods.setdefault(cells[meter], set()).add((days[0], days[1]))
    return [sorted(bills) for bills in periods.values()]


def _day(cells: list[str | None], position: int) -> date | None:
    text = (cells[position] or "") if position < len(cells) else ""
    if american := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text.strip()):
        month, day, year = (int(part) for part in american.groups())
        text = f"{year:04}-{month:02}-{day:02}"
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
