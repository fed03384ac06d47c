"""Tables that people keep by hand: a header in Chinese or English, under any of the spellings a contract knows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.cells import iso_date, repaired, whole_number
from suanheng.flows.sources.reading.spreadsheet import Table, find_table_where
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.contract import Contract

_BRACKETS = str.maketrans("（）［］【】", "()()()")
_WITH_UNIT = re.compile(r"(.+?)\s*(?:\(([^()]*)\)|/\s*([A-Za-z]+))")
_NUMBER_WITH_UNIT = re.compile(r"([+-]?[\d,]*\.?\d+)\s*([^\d\s.,+-].*)")


@dataclass(frozen=True)
class Labelled:
    """A table under the names of a contract.

    Attributes:
        table: the rows; a column that the contract does not know has an empty label.
        units: unit by column, where the header states one: ``kW`` of ``额定功率(kW)``.
    """

    table: Table
    units: Mapping[str, str]

    def has(self, name: str) -> bool:
        """Whether the file has the column."""
        return name in self.table.labels

    def repaired(self, ids: Sequence[str] = (), days: Sequence[str] = ()) -> "Labelled":
        """Undo what spreadsheets do to identifiers and days."""
        repairs = dict.fromkeys(ids, whole_number) | dict.fromkeys(days, iso_date)
        return Labelled(repaired(self.table, repairs), self.units)

    def chunks(self) -> Iterator[Chunk]:
        """Bounded chunks of the table."""
        return self.table.chunks()


def find_labelled(
    path: Path, contract: Contract, needed: Sequence[Sequence[str]], options: Mapping[str, Any], do: str
) -> Labelled:
    """Find the table whose header names the needed columns, on whichever sheet and row it stands.

    Labels are matched whole, not by their beginning; case, spaces, and a unit in brackets do not matter.

    Args:
        path: an XLSX, XLS or CSV file.
        contract: columns with their spellings.
        needed: groups of columns of which the header must name at least one each.
        options: ``encoding`` of a CSV file; ``columns``, the header by column where the contract does not know it or
            the file has several that could be meant.
        do: advice for the person whose file holds no such table.

    Raises:
        UnreadableFile: no such table, or two labels that both mean one column.
    """
    spellings = _spellings(contract, options.get("columns", {}))

    def is_header(cells: Sequence[str]) -> bool:
        named = {_meaning(cell, spellings)[0] for cell in cells}
        return all(named & set(group) for group in needed)

    expected = "one row that names " + " and ".join(
        " or ".join(_shown(contract, name) for name in group) for group in needed
    )
    table = find_table_where(path, is_header, expected, do, options.get("encoding", "utf-8"))
    meanings = [_meaning(label, spellings) for label in table.labels]
    _refuse_ambiguous(path, table.labels, meanings)
    names = [name or "" for name, _ in meanings]
    return Labelled(Table(names, table.rows), {name: unit for name, unit in meanings if name and unit})


def with_unit(rows: pl.DataFrame, name: str, unit: str | None) -> pl.DataFrame:
    """A quantity and its unit as two columns, ``name`` and ``name_unit``.

    A unit within the cell counts first, then one in a column of its own.

    Args:
        rows: text columns.
        name: the quantity.
        unit: unit of all other cells, where it is known.
    """
    if name not in rows.columns:
        return rows
    beside = pl.col(f"{name}_unit") if f"{name}_unit" in rows.columns else pl.lit(None, pl.String)
    parts = rows[name].str.strip_chars().str.extract_groups(f"^(?:{_NUMBER_WITH_UNIT.pattern})$")
    number, stated = parts.struct.field("1"), parts.struct.field("2")
    return rows.with_columns(
        pl.coalesce(number, pl.col(name)).alias(name),
        pl.coalesce(stated.str.strip_chars(), beside, pl.lit(unit, pl.String)).alias(f"{name}_unit"),
    )


def _spellings(contract: Contract, given: Mapping[str, str]) -> dict[str, str]:
    """Column by plain spelling; a spelling from the source is the only one of its column."""
    known = {
        _plain(spelling): name
        for name, column in contract.columns.items()
        if name not in given
        for spelling in (name, *column.spellings)
    }
    return known | {_plain(label): name for name, label in given.items()}


def _meaning(label: str, spellings: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Column that a label means, and the unit in it."""
    plain = _plain(label)
    if plain in spellings:
        return spellings[plain], None
    if (split := _WITH_UNIT.fullmatch(label.translate(_BRACKETS).strip())) and _plain(split[1]) in spellings:
        return spellings[_plain(split[1])], (split[2] or split[3]).strip()
    return None, None


def _plain(label: str) -> str:
    return "".join(label.translate(_BRACKETS).split()).casefold()


def _shown(contract: Contract, name: str) -> str:
    spellings = contract.columns[name].spellings
    return f"{name} ({', '.join(spellings)})" if spellings else name


def _refuse_ambiguous(path: Path, labels: Sequence[str], meanings: Sequence[tuple[str | None, str | None]]) -> None:
    by_name: dict[str, list[str]] = {}
    for label, (name, _) in zip(labels, meanings, strict=True):
        if name:
            by_name.setdefault(name, []).append(label)
    for name, found in by_name.items():
        if len(found) > 1:
            raise UnreadableFile(
                f"{path.name} has {len(found)} columns that could be {name}",
                expected="one",
                got=", ".join(found),
                do=f"Say which: options = {{ columns = {{ {name} = '{found[0]}' }} }} in sources.toml.",
            )
