"""Supplier and stock lists that people keep by hand: XLSX or CSV, Chinese or English headers, below any title."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.headers import find_labelled, with_unit
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.supplier_list import CONTRACT

_NEEDED = (("part_number",), ("stock", "unit_price", "lead_time", "qualified_suppliers"))


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per part.

    Args:
        path: an XLSX, XLS or CSV file.
        options: ``columns``, ``observed_on``, ``currency``, ``lead_time_unit``, ``encoding``.

    Raises:
        UnreadableFile: no table with such a header, two labels that mean one column, or no day the list describes.
    """
    parts = find_labelled(
        path, CONTRACT, _NEEDED, options, do="Bind the list of parts; option columns names headers of your own."
    ).repaired(ids=("part_number",), days=("observed_on",))
    if not parts.has("observed_on") and "observed_on" not in options:
        raise UnreadableFile(
            f"{path.name} does not say which day it describes",
            expected="a column 日期 or date, or observed_on in the source",
            got="neither",
            do="Add options = { observed_on = 'YYYY-MM-DD' } to the source in sources.toml.",
        )
    currency = parts.units.get("unit_price") or options.get("currency")
    lead_time_unit = parts.units.get("lead_time") or options.get("lead_time_unit")
    for chunk in parts.chunks():
        rows = with_unit(chunk.rows, "lead_time", lead_time_unit)
        rows = _unless_there(rows, "observed_on", options.get("observed_on"))
        yield Chunk(_unless_there(rows, "currency", currency), chunk.unreadable)


def _unless_there(rows: pl.DataFrame, name: str, value: Any) -> pl.DataFrame:
    """A column that the file does not have, with one value in every row."""
    if name in rows.columns or value is None:
        return rows
    return rows.with_columns(pl.lit(str(value)).alias(name))
