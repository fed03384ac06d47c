"""Reader of I-REC redemptions: the table of certificates of a redemption statement, as XLSX or CSV."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.cells import as_day, iso_date, repaired
from suanheng.flows.sources.reading.service_periods import end_date_convention
from suanheng.flows.sources.reading.spreadsheet import Table, find_table_where
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.irec import CONTRACT

_COLUMN_OF = CONTRACT.names_by_label()
_NEEDED = {"From Certificate ID", "Number of Certificates"}
_PERIOD, _START, _END, _REDEEMED = "Period of Production", "Production Start", "Production End", "Redemption Date"
_TWO_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})\s*(?:-|–|—|to|/)\s*(\d{4}-\d{2}-\d{2})", re.IGNORECASE)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the redeemed certificates, with first day, end and the end-date convention of the file beside each.

    Raises:
        UnreadableFile: the table, the day of redemption or the meaning of the end of production cannot be determined.
    """
    found = find_table_where(
        path,
        _is_header,
        expected="one row with From Certificate ID, Number of Certificates and Period of Production",
        do="Export or copy the table of certificates of the redemption statement with its header.",
        encoding=options.get("encoding", "utf-8"),
    )
    named = repaired(found.under(CONTRACT), dict.fromkeys((_START, _END, _REDEEMED), iso_date))
    certificates = named if {_START, _END} <= set(named.labels) else _with_days(named)
    beside = {
        "end_date_convention": end_date_convention(_periods(certificates), options.get("end_date")),
        "declared_beneficiary": options.get("beneficiary"),
    }
    if _REDEEMED not in certificates.labels:
        beside[_REDEEMED] = _redeemed_on(path, options)
    for chunk in certificates.chunks():
        stated = (pl.lit(value, pl.String).alias(name) for name, value in beside.items())
        yield Chunk(chunk.rows.with_columns(stated), chunk.unreadable)


def _is_header(cells: Sequence[str]) -> bool:
    names = {_COLUMN_OF.get(cell) for cell in cells}
    return names >= _NEEDED and (_PERIOD in names or {_START, _END} <= names)


def _with_days(table: Table) -> Table:
    """The two days of the period in columns of their own; what is no period stays as it is, for the gate to refuse."""
    at = table.labels.index(_PERIOD)
    rows = [(number, [*cells, *_days(cells[at] if at < len(cells) else None)]) for number, cells in table.rows]
    return Table([*table.labels, _START, _END], rows)


def _days(text: str | None) -> tuple[str | None, str | None]:
    days = _TWO_DAYS.fullmatch((text or "").strip())
    return (days[1], days[2]) if days else (text, text)


def _periods(table: Table) -> Iterator[tuple[str | None, date, date]]:
    start, end = table.labels.index(_START), table.labels.index(_END)
    device = table.labels.index("Production Device") if "Production Device" in table.labels else start
    for _, cells in table.rows:
        if len(cells) == len(table.labels) and (first := as_day(cells[start])) and (last := as_day(cells[end])):
            yield cells[device], first, last


def _redeemed_on(path: Path, options: Mapping[str, Any]) -> str:
    if "redeemed_on" not in options:
        raise UnreadableFile(
            f"{path.name} does not say when its certificates were redeemed",
            expected="a column Redemption Date, or the option redeemed_on",
            got="neither",
            do="Add options = { redeemed_on = '2024-03-31' } to the source in sources.toml.",
        )
    return str(options["redeemed_on"])
