"""Reader of the bill upload template of ENERGY STAR Portfolio Manager: a workbook with one sheet per kind of meter."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.cells import as_day, iso_date, repaired, whole_number
from suanheng.flows.sources.reading.service_periods import end_date_convention
from suanheng.flows.sources.reading.spreadsheet import Table, every_table
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.portfolio_manager_template import CONTRACT

ROWS_PER_SHEET = 10_000_000
"""Row 7 of the third sheet is row 30000007: a workbook has more than one row 7."""

_TELLING = ("Meter ID (Pre-filled)", "Meter Type (Pre-filled)")
_HINT = re.compile(r" ?\((?:Pre-filled|Optional|Required)[^)]*\)$")
_IDS = ("Meter ID", "Meter Consumption ID", "Portfolio Manager ID")
_PERIOD = ("Start Date", "End Date")
_DATES = (*_PERIOD, "Delivery Date")
_MEASURED = ("IT Energy", "On-Site")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the entries of every ``Add Bills`` sheet, with the sheet and the end-date convention beside each.

    Header cells lose their hint: ``Usage (Required)`` is ``Usage``. Energy of IT equipment and of on-site generation is
    measured, not billed, so those rows also carry ``from`` and ``to``: the midnights between which it was.

    Raises:
        UnreadableFile: no sheet holds entries, or the file does not show which end-date convention it follows.
    """
    sheets = [
        (number, name.removeprefix("sheet Add Bills-"), _entries(table))
        for number, name, table in every_table(path, _TELLING, do="Fill in the template 'Add Bills to Meters'.")
        if name.startswith("sheet Add Bills-")
    ]
    if not any(table.rows for _, _, table in sheets):
        raise UnreadableFile(
            f"{path.name} holds no entry",
            expected="a row on one of the sheets whose names begin with 'Add Bills-'",
            got=", ".join(name for _, name, _ in sheets) or "no such sheet",
            do="Fill it in.",
        )
    convention = end_date_convention(_bills(sheets), options.get("end_date")) if _has_periods(sheets) else "inclusive"
    for number, name, table in sheets:
        for chunk in table.chunks():
            rows = chunk.rows.with_columns(
                sheet=pl.lit(name),
                end_date_convention=pl.lit(convention),
                currency=pl.lit(options.get("currency", "USD")),
                row_number=pl.col("row_number") + number * ROWS_PER_SHEET,
            )
            unreadable = [row._replace(row_number=row.row_number + number * ROWS_PER_SHEET) for row in chunk.unreadable]
            is_measured = name in _MEASURED and set(_PERIOD) <= set(rows.columns)
            yield Chunk(_with_midnights(rows, convention) if is_measured else rows, unreadable)


def _entries(table: Table) -> Table:
    labelled = Table([_HINT.sub("", label) for label in table.labels], table.rows)
    repairs = dict.fromkeys(_IDS, whole_number) | dict.fromkeys(_DATES, iso_date)
    return repaired(labelled.under(CONTRACT), repairs)


def _has_periods(sheets: list[tuple[int, str, Table]]) -> bool:
    return next(_bills(sheets), None) is not None


def _bills(sheets: list[tuple[int, str, Table]]) -> Iterator[tuple[tuple[str, str | None], date, date]]:
    for _, name, table in sheets:
        if not set(_PERIOD) <= set(table.labels):
            continue
        meter, start, end = (table.labels.index(label) for label in ("Meter ID", *_PERIOD))
        for _, cells in table.rows:
            if (first := as_day(cells[start])) and (last := as_day(cells[end])):
                yield (name, cells[meter]), first, last


def _with_midnights(rows: pl.DataFrame, convention: str) -> pl.DataFrame:
    days = timedelta(days=1) if convention == "inclusive" else timedelta()
    return rows.with_columns(
        pl.Series("from", [_midnight(as_day(text)) for text in rows["Start Date"]], pl.String),
        pl.Series("to", [_midnight(as_day(text), days) for text in rows["End Date"]], pl.String),
    )


def _midnight(day: date | None, later: timedelta = timedelta()) -> str | None:
    return f"{day + later} 00:00:00" if day else None
