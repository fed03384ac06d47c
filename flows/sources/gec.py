"""Reader of Chinese green electricity certificates: XLSX or CSV, as the issuing and trading platforms export them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.cells import iso_date, repaired, whole_number
from suanheng.flows.sources.reading.chinese_dates import chinese_day, days_from_to, months_from_to
from suanheng.flows.sources.reading.spreadsheet import Table, find_table_where
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.gec import CONTRACT
from suanheng.schemas.units import spellings

_COLUMN_OF = CONTRACT.names_by_label()
_NUMBER, _MONTH, _PIECES, _ENERGY, _UNIT, _DAY = "证书编号", "电量生产年月", "张数", "电量", "单位", "核销日期"
_BRACKETS = str.maketrans("（）", "()")
_MEASURED_IN = re.compile(r"(?P<label>.+?)\s*\((?P<unit>[^()]+)\)")
_PIECE = {"张", "个"}


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the certificates under one name per column, with first and last day of generation beside each.

    Raises:
        UnreadableFile: the table or the unit of its energy cannot be determined.
    """
    found = find_table_where(
        path,
        _is_header,
        expected="one row with 证书编号, 电量生产年月 and 张数 or 电量",
        do="Export the certificates with their header; the names of columns are in the manual.",
        encoding=options.get("encoding", "utf-8"),
    )
    split = [_split_label(cell) for cell in found.labels]
    named = Table([label for label, _ in split], found.rows).under(CONTRACT)
    certificates = repaired(named, {_NUMBER: whole_number, _DAY: _as_iso})
    beside = {"declared_beneficiary": options.get("beneficiary")}
    if _ENERGY in certificates.labels and _UNIT not in certificates.labels:
        beside[_UNIT] = _unit(path, {unit for _, unit in split if unit} - _PIECE, options)
    for chunk in certificates.chunks():
        days = [_days(text) for text in chunk.rows[_MONTH]]
        yield Chunk(
            chunk.rows.with_columns(
                pl.Series("生产开始日期", [first for first, _ in days], pl.String),
                pl.Series("生产结束日期", [last for _, last in days], pl.String),
                *(pl.lit(value, pl.String).alias(name) for name, value in beside.items()),
            ),
            chunk.unreadable,
        )


def _is_header(cells: Sequence[str]) -> bool:
    names = {_COLUMN_OF.get(_split_label(cell)[0]) for cell in cells}
    return {_NUMBER, _MONTH} <= names and not names.isdisjoint({_PIECES, _ENERGY})


def _split_label(cell: str) -> tuple[str, str | None]:
    """A label and the unit in brackets behind it: ``交易量（张）`` counts certificates, ``交易量(MWh)`` energy."""
    label = cell.translate(_BRACKETS).strip()
    measured = _MEASURED_IN.fullmatch(label)
    if label in _COLUMN_OF or not measured or measured["unit"] not in {*spellings("energy"), *_PIECE}:
        return label, None
    name = measured["label"]
    counts_energy = _COLUMN_OF.get(name) == _PIECES and measured["unit"] not in _PIECE
    return (_ENERGY if counts_energy else name), measured["unit"]


def _unit(path: Path, units: set[str], options: Mapping[str, Any]) -> str:
    stated = units | ({str(options["unit"])} if "unit" in options else set())
    if len(stated) != 1:
        raise UnreadableFile(
            f"{path.name} does not say in which unit its energy is, or contradicts itself",
            expected="a unit in the header (电量(兆瓦时)), a column 单位, or the option unit",
            got=" and ".join(sorted(stated)) or "none of them",
            do="Add options = { unit = '兆瓦时' } to the source in sources.toml.",
        )
    return stated.pop()


def _days(text: str | None) -> tuple[str | None, str | None]:
    """First and last day; what is no period stays as it is, for the gate to refuse."""
    written = iso_date(text) if text else ""
    day = chinese_day(written)
    months = months_from_to(written) or days_from_to(written) or (day and months_from_to(f"{day:%Y-%m}"))
    return (months[0].isoformat(), months[1].isoformat()) if months else (text, text)


def _as_iso(text: str) -> str:
    day = chinese_day(text.split(" ", maxsplit=1)[0])
    return day.isoformat() if day else iso_date(text)
