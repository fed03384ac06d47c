"""What spreadsheets do to cells, undone: ids that became numbers, days that became serial numbers."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from suanheng.flows.sources.reading.spreadsheet import Table

_EXCEL_DAY_ZERO = date(1899, 12, 30)
_SERIAL_DAY = re.compile(r"\d{5}(\.\d+)?")
_NUMBER_AS_TEXT = re.compile(r"\d+(\.\d+)?[Ee]\+?\d{1,2}|\d+\.0+")
_AMERICAN_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def repaired(table: Table, repairs: Mapping[str, Callable[[str], str]]) -> Table:
    """A table whose cells under some labels were changed."""
    repair_at = {position: repairs[label] for position, label in enumerate(table.labels) if label in repairs}
    rows = [
        (number, [repair_at[at](cell) if cell and at in repair_at else cell for at, cell in enumerate(cells)])
        for number, cells in table.rows
    ]
    return Table(table.labels, rows)


def whole_number(text: str) -> str:
    """An id that a spreadsheet holds as a number: ``2.2178843E7`` is 22178843."""
    return str(int(Decimal(text))) if _NUMBER_AS_TEXT.fullmatch(text) else text


def iso_date(text: str) -> str:
    """A day that a spreadsheet counts from 1900: ``44927`` is 2023-01-01; four digits are a year."""
    if not _SERIAL_DAY.fullmatch(text):
        return text
    return (_EXCEL_DAY_ZERO + timedelta(days=int(float(text)))).isoformat()


def as_day(text: str | None) -> date | None:
    """A day written as ISO 8601, with or without a time, or month/day/year; ``None`` where it is neither.

    The last day of the calendar, which no day follows, is none that was meant.
    """
    stripped = (text or "").strip()
    if american := _AMERICAN_DAY.fullmatch(stripped):
        month, day, year = (int(part) for part in american.groups())
        stripped = f"{year:04}-{month:02}-{day:02}"
    try:
        found = date.fromisoformat(stripped[:10])
    except ValueError:
        return None
    return None if found == date.max else found
