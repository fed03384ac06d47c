"""Whether the end date of a bill is the last day billed or the day after it, as the bills of a file show themselves."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import chain, pairwise
from typing import Any

import polars as pl

from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.columns import ISO_DATES

CONVENTIONS = ("inclusive", "exclusive")
_CLEAR_MAJORITY = 0.75


def end_date_convention(bills: Iterable[tuple[Any, date, date]], stated: Any) -> str:
    """Decide by what follows what: the next bill of a meter starts on the end date, or on the day after it.

    A file in which no bill follows another is decided by its calendar months: bills from the first to the last day
    of a month are inclusive, bills from a first to a first are exclusive.

    Args:
        bills: what is billed together (a meter), first day and end date, of every bill of the file.
        stated: option ``end_date`` of the source, which comes first; ``None`` where it says nothing.

    Raises:
        UnreadableFile: the file does not show it, or the option says something else.
    """
    if stated is not None:
        _refuse_unknown(stated)
        return stated
    periods = _by_meter(bills)
    gaps = [(following[0] - before[1]).days for each in periods for before, following in pairwise(each)]
    inclusive, exclusive = gaps.count(1), gaps.count(0)
    if not inclusive and not exclusive:
        months = [(start, end) for each in periods for start, end in each if start.day == 1]
        inclusive = sum(end.day == monthrange(end.year, end.month)[1] for _, end in months)
        exclusive = sum(end.day == 1 and end > start for start, end in months)
    decided = inclusive + exclusive
    if decided and max(inclusive, exclusive) / decided >= _CLEAR_MAJORITY:
        return "inclusive" if inclusive > exclusive else "exclusive"
    raise UnreadableFile(
        "The file does not show whether its end dates are the last day billed or the day after it",
        expected="consecutive bills of one meter, or bills of whole calendar months, that agree",
        got=f"{inclusive} that speak for the last day and {exclusive} for the day after",
        do="Add options = { end_date = 'inclusive' } (or 'exclusive') to the source in sources.toml.",
    )


def _refuse_unknown(stated: Any) -> None:
    if stated not in CONVENTIONS:
        raise UnreadableFile(
            "Option end_date cannot be followed",
            expected=" or ".join(CONVENTIONS),
            got=repr(stated),
            do="Correct the option in sources.toml.",
        )


def _by_meter(bills: Iterable[tuple[Any, date, date]]) -> list[list[tuple[date, date]]]:
    periods: dict[Any, set[tuple[date, date]]] = {}
    for meter, start, end in bills:
        if start <= end:
            periods.setdefault(meter, set()).add((start, end))
    return [sorted(each) for each in periods.values()]


def with_exclusive_ends(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Bills of our template, which wants the day after the last day billed, where a file gives the last day instead.

    A file means the last day where most bills of a meter end the day before the next begins, or, where none follows
    another, where most that begin on a first end on the last day of a month. A file that shows neither is taken at the
    template's word. Its first chunk shows it for all: to look at the whole of a long file first, all of it would have
    to be held.
    """
    rest = iter(chunks)
    first = next(rest, None)
    if first is None:
        return
    is_inclusive = _means_last_day(first.rows)
    for chunk in chain([first], rest):
        is_meant = is_inclusive and _states_days(chunk.rows)
        yield replace(chunk, rows=chunk.rows.with_columns(_day_after())) if is_meant else chunk


def _means_last_day(rows: pl.DataFrame) -> bool:
    if not _states_days(rows):
        return False
    try:
        return end_date_convention(_stated(rows), None) == "inclusive"
    except UnreadableFile:
        return False


def _states_days(rows: pl.DataFrame) -> bool:
    """Whether its columns hold days or text; the number 20230131 is no day, and is for the record checks to refuse."""
    kinds = (pl.String, pl.Date, pl.Datetime)
    days = ("service_start", "service_end")
    return {"meter_id", *days} <= {*rows.columns} and all(isinstance(rows.schema[day], kinds) for day in days)


def _as_day(rows: pl.DataFrame, name: str) -> pl.Expr:
    if rows.schema[name] != pl.String:
        return pl.col(name).cast(pl.Date, strict=False)
    text = pl.col(name).str.strip_chars()
    return pl.coalesce(text.str.to_date(form, strict=False) for form in ISO_DATES)


def _stated(rows: pl.DataFrame) -> list[tuple[Any, date, date]]:
    """Account, first day and end of the bills of consumption; adjustments follow no period."""
    kind = pl.col("line_type").str.strip_chars() if "line_type" in rows.columns else pl.lit(None, pl.String)
    what = pl.col("commodity").cast(pl.String) if "commodity" in rows.columns else pl.lit("", pl.String)
    days = rows.filter(kind.is_null() | kind.is_in(["", "consumption"])).select(
        pl.struct("meter_id", what.alias("commodity")).struct.json_encode(),
        _as_day(rows, "service_start"),
        _as_day(rows, "service_end"),
    )
    return days.drop_nulls().rows()


def _day_after() -> pl.Expr:
    """The day after, in the way the cell was written as far as it can be; what is no day stays as it is."""
    text = pl.col("service_end").cast(pl.String).str.strip_chars()
    day = pl.coalesce(text.str.to_date(form, strict=False) for form in ISO_DATES)
    return pl.coalesce(day.dt.offset_by("1d").dt.strftime("%Y-%m-%d"), pl.col("service_end").cast(pl.String)).alias(
        "service_end"
    )
