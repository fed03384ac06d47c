"""Reader of ENERGY STAR Portfolio Manager meter entries: XLSX or CSV, on any sheet, below any title."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.cells import as_day, iso_date, repaired, whole_number
from suanheng.flows.sources.reading.service_periods import end_date_convention
from suanheng.flows.sources.reading.spreadsheet import Table, find_table
from suanheng.schemas.checking.records import Chunk
from suanheng.schemas.raw.portfolio_manager import CONTRACT

_LABELS = ("Portfolio Manager Meter ID", "Meter Type", "Start Date", "End Date", "Usage/Quantity", "Usage Units")
_IDS = ("Portfolio Manager ID", "Portfolio Manager Meter ID", "Meter Consumption ID")
_DATES = ("Start Date", "End Date", "Delivery Date", "Last Modified Date")


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
    repairs = dict.fromkeys(_IDS, whole_number) | dict.fromkeys(_DATES, iso_date)
    entries = repaired(table.under(CONTRACT), repairs)
    convention = end_date_convention(_bills(entries), options.get("end_date"))
    for chunk in entries.chunks():
        yield Chunk(
            chunk.rows.with_columns(
                end_date_convention=pl.lit(convention), currency=pl.lit(options.get("currency", "USD"))
            ),
            chunk.unreadable,
        )


def _bills(entries: Table) -> Iterator[tuple[str | None, date, date]]:
    meter, start, end = (entries.labels.index(label) for label in _LABELS[0:1] + _LABELS[2:4])
    for _, cells in entries.rows:
        if len(cells) == len(entries.labels) and (first := as_day(cells[start])) and (last := as_day(cells[end])):
            yield cells[meter], first, last
