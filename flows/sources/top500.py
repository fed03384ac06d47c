"""Reader of TOP500 lists: the sheet with one system per row; transposed copies of it are passed over."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.spreadsheet import find_table
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.top500 import CONTRACT

_LABELS = ("Rank", "Computer", "Rmax [TFlop/s]", "Rpeak [TFlop/s]", "System ID")
_YEAR_AND_MONTH = re.compile(r"(?<!\d)(19|20)(\d\d)-?(0[1-9]|1[0-2])(?!\d)")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the systems of the list; columns renamed over the years come under their present label.

    Raises:
        UnreadableFile: no sheet has a header of the list with units, or nothing says of which month the list is.
    """
    table = find_table(
        path, _LABELS, do="Lists before 2017 state no units in their header: add them, or use a later list."
    )
    listed = pl.lit(_list_date(path, options))
    for chunk in table.chunks():
        yield Chunk(_relabelled(chunk.rows).with_columns(list_date=listed), chunk.unreadable)


def _relabelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Give columns that were renamed over the years their present label."""
    present = {
        label: next((spelling for spelling in column.spellings if spelling in rows.columns), label)
        for label, column in CONTRACT.columns.items()
        if label not in rows.columns
    }
    return rows.rename({spelling: label for label, spelling in present.items() if spelling in rows.columns})


def _list_date(path: Path, options: Mapping[str, Any]) -> str:
    if "list_date" in options:
        return str(options["list_date"])
    if found := _YEAR_AND_MONTH.search(path.stem):
        century, year, month = found.groups()
        return f"{century}{year}-{month}-01"
    raise UnreadableFile(
        f"{path.name} does not say of which month the list is",
        expected="year and month in the file's name, as in TOP500_202311.xlsx, or list_date in the source",
        got="neither",
        do="Add options = { list_date = 'YYYY-MM-DD' } to the source in sources.toml.",
    )
