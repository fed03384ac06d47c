"""Reader of Chinese utility bills: XLSX or CSV, headers as the grid, water, gas and heat companies write them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.cells import iso_date, repaired, whole_number
from suanheng.flows.sources.reading.chinese_dates import chinese_day, days_from_to, last_of_month, months_from_to
from suanheng.flows.sources.reading.service_periods import end_date_convention
from suanheng.flows.sources.reading.spreadsheet import Table, find_table_where
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.chinese_utility_bill import CONTRACT, PARTS, QUANTITIES, WATER_TONNE
from suanheng.schemas.units import spellings

_COLUMN_OF = CONTRACT.names_by_label()
_ACCOUNT, _UNIT = "户号", "单位"
_PERIODS = (("计费周期",), ("起始日期", "截止日期"), ("上次抄表日期", "本次抄表日期"))
_IDS = (_ACCOUNT, "表号", "账单编号")
_DAYS = ("起始日期", "截止日期", "上次抄表日期", "本次抄表日期")
_READ_AT = ("start_of_day", "end_of_day")

_BRACKETS = str.maketrans("（）", "()")
_MEASURED_IN = re.compile(r"(?P<label>.+?)\s*\((?P<unit>[^()]+)\)")
_QUANTITY_UNITS = {*spellings("energy", "volume"), WATER_TONNE}
_OTHER_UNITS = {"元", "kW", "千瓦", "kvarh", "千乏时", "%"}
_SPEAKS_OF_A_PART_OF_THE_BILL = re.compile(r"电量|水量|气量|热量|用量|费|金额|代征|附加")

Period = tuple[str, str | None, str]
"""First day, end, and what they are: inclusive, exclusive or read_at_end_of_day."""


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the bills under one name per column, with first day, end, commodity and unit beside each.

    Labels are matched whole, with full-width brackets or others; a unit in brackets behind a label
    (``总电量(万千瓦时)``) becomes the unit of the quantities. A period is read from 计费周期, else from 起始日期 and
    截止日期, else from the days on which the meter was read.

    Raises:
        UnreadableFile: the table, the unit or the meaning of the dates cannot be determined, or an amount is in
            a column of unknown name.
    """
    found = find_table_where(
        path,
        _is_header,
        expected="one row with 户号, a period (计费周期, 起始日期 and 截止日期, or 抄表日期) and a quantity or charge",
        do="Export the bills with their header, one row per bill; the names of columns are in the manual.",
        encoding=options.get("encoding", "utf-8"),
    )
    labels, header_unit = _named_and_measured(path, found.labels)
    _refuse_unknown_parts(path, labels, options)
    repairs = dict.fromkeys(_IDS, whole_number) | dict.fromkeys(_DAYS, _as_iso)
    bills = repaired(Table(labels, found.rows).under(CONTRACT), repairs)
    periods = _periods(bills, options)
    beside = {
        "commodity": _commodity(path, bills, options),
        "gas_mj_per_m3": options.get("gas_mj_per_m3"),
        **({} if _UNIT in bills.labels else {_UNIT: _unit(path, header_unit, options)}),
    }
    for chunk in bills.chunks():
        numbers = chunk.rows["row_number"].to_list()
        yield Chunk(
            chunk.rows.with_columns(
                pl.Series(name, [periods[number][at] for number in numbers], pl.String)
                for at, name in enumerate(("起始日期", "截止日期", "dates_are"))
            ).with_columns(pl.lit(value, pl.String).alias(name) for name, value in beside.items()),
            chunk.unreadable,
        )


def _is_header(cells: Sequence[str]) -> bool:
    names = {_COLUMN_OF.get(_split_label(cell)[0]) for cell in cells}
    has_period = any(names.issuperset(period) for period in _PERIODS)
    return _ACCOUNT in names and has_period and not names.isdisjoint({*QUANTITIES, *PARTS, "用量", "电费合计"})


def _split_label(cell: str) -> tuple[str, str | None]:
    """A label and the unit in brackets behind it: ``总电量（kWh）`` holds both, ``有功电量（尖）`` is one label."""
    label = cell.translate(_BRACKETS).strip()
    measured = _MEASURED_IN.fullmatch(label)
    if label in _COLUMN_OF or not measured or measured["unit"] not in _QUANTITY_UNITS | _OTHER_UNITS:
        return label, None
    return measured["label"], measured["unit"]


def _named_and_measured(path: Path, cells: Sequence[str]) -> tuple[list[str], str | None]:
    split = [_split_label(cell) for cell in cells]
    units = {unit for _, unit in split if unit in _QUANTITY_UNITS}
    names = [_COLUMN_OF.get(label, label) for label, _ in split]
    if len(units) > 1 or (units and _UNIT in names):
        raise UnreadableFile(
            f"{path.name} states the unit of its quantities in more than one way",
            expected="one unit in the header, or a column 单位",
            got=", ".join(sorted(units)) + (" and a column 单位" if _UNIT in names else ""),
            do="Export each commodity to a file of its own, or take the column 单位 out.",
        )
    return [label for label, _ in split], next(iter(units), None)


def _refuse_unknown_parts(path: Path, labels: Sequence[str], options: Mapping[str, Any]) -> None:
    ignored = options.get("ignore", ())
    unknown = [
        label
        for label in labels
        if label not in _COLUMN_OF and label not in ignored and _SPEAKS_OF_A_PART_OF_THE_BILL.search(label)
    ]
    if unknown:
        raise UnreadableFile(
            f"{path.name} has a quantity or a charge in a column of unknown name",
            expected="names of columns that are in the manual",
            got=", ".join(unknown),
            do="Rename the column; or add options = { ignore = ['…'] } to the source if it is no part of the bill.",
        )


def _commodity(path: Path, bills: Table, options: Mapping[str, Any]) -> str:
    named = {commodity for label, commodity in QUANTITIES.items() if label in bills.labels}
    named |= {"electricity"} if not PARTS.keys().isdisjoint(bills.labels) else set()
    stated = {options["commodity"]} if "commodity" in options else set()
    if len(named | stated) != 1:
        raise UnreadableFile(
            f"{path.name} does not say what was delivered, or says several things",
            expected="one of the columns " + ", ".join(QUANTITIES) + ", or the option commodity",
            got=", ".join(sorted(named | stated)) or "none of them",
            do="Export each commodity to a file of its own, or add options = { commodity = 'water' } to the source.",
        )
    return next(iter(named | stated))


def _unit(path: Path, header_unit: str | None, options: Mapping[str, Any]) -> str:
    stated = {unit for unit in (header_unit, options.get("unit")) if unit}
    if len(stated) != 1:
        raise UnreadableFile(
            f"{path.name} does not say in which unit it counts, or contradicts its source",
            expected="a unit in the header (总电量(kWh)), a column 单位, or the option unit",
            got=" and ".join(sorted(stated)) or "none of them",
            do="Add options = { unit = 'kWh' } to the source in sources.toml.",
        )
    return stated.pop()


def _periods(bills: Table, options: Mapping[str, Any]) -> dict[int, Period]:
    """The period of every row, by its number; what is no period stays as it is, for the gate to refuse."""
    chosen = next(period for period in _PERIODS if set(period) <= set(bills.labels))
    at = [bills.labels.index(label) for label in chosen]
    written = {
        number: tuple(cells[position] or "" for position in at)
        for number, cells in bills.rows
        if len(cells) == len(bills.labels)
    }
    if chosen == _PERIODS[2]:
        return _between_readings(written, options)
    days = {number: pair for number, texts in written.items() if (pair := _days(texts))}
    account = bills.labels.index(_ACCOUNT)
    billed = [(cells[account], *days[number]) for number, cells in bills.rows if number in days]
    dates_are = end_date_convention(billed, options.get("end_date")) if billed else "inclusive"
    return {number: _period(texts, days.get(number), dates_are) for number, texts in written.items()}


def _days(texts: tuple[str, ...]) -> tuple[date, date] | None:
    if len(texts) == 1:
        return days_from_to(texts[0])
    first, last = (chinese_day(text) for text in texts)
    return (first, last) if first and last and first <= last else None


def _period(texts: tuple[str, ...], days: tuple[date, date] | None, dates_are: str) -> Period:
    """The days of a row; of whole months the last day is billed, whatever holds for the other rows of the file."""
    if days:
        return days[0].isoformat(), days[1].isoformat(), dates_are
    if len(texts) == 1 and (months := months_from_to(texts[0])):
        return months[0].isoformat(), months[1].isoformat(), "inclusive"
    return texts[0], texts[1] if len(texts) == 2 else None, dates_are


def _between_readings(written: Mapping[int, tuple[str, ...]], options: Mapping[str, Any]) -> dict[int, Period]:
    days = [day for texts in written.values() for text in texts if (day := chinese_day(text))]
    read_at = options.get("read_at") or _read_at(days)
    if read_at not in _READ_AT:
        raise UnreadableFile(
            "The file does not show at which end of the day its meters were read",
            expected="readings on first days of months, or on last days of months",
            got=f"readings on {', '.join(str(day) for day in days[:3]) or 'no day'}"
            if read_at is None
            else repr(read_at),
            do="Add options = { read_at = 'end_of_day' } (or 'start_of_day') to the source in sources.toml.",
        )
    dates_are = "exclusive" if read_at == "start_of_day" else "read_at_end_of_day"
    return {number: (texts[0], texts[1], dates_are) for number, texts in written.items()}


def _read_at(days: Sequence[date]) -> str | None:
    if days and all(day.day == 1 for day in days):
        return "start_of_day"
    return "end_of_day" if days and all(day == last_of_month(day) for day in days) else None


def _as_iso(text: str) -> str:
    day = chinese_day(text)
    return day.isoformat() if day else iso_date(text)
