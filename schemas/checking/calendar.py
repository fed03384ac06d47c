"""Days and instants that may be meant, by the numbers they are stored as.

Asked for the year or the text of an instant beyond its calendar, such as the ``infinity`` that DuckDB writes, Polars
panics. So no such time may reach a cast.
"""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

FIRST_DAY = date(1900, 1, 1)
LAST_INSTANT = datetime(2200, 12, 31, 23, 59, 59, 999_999)
"""Nothing is recorded later."""

LAST_DAY = date(9999, 12, 31)
"""People write it for a day that never comes."""

_EPOCH = datetime(1970, 1, 1)
FIRST_US, LAST_US = (
    (instant - _EPOCH) // timedelta(microseconds=1) for instant in (datetime(1900, 1, 1), LAST_INSTANT)
)
_US_PER_UNIT = {"ms": 1000, "us": 1}


def is_of_our_time(value: pl.Expr, dtype: Any) -> pl.Expr:
    """Whether a day is between 1900 and 9999, an instant between 1900 and 2200.

    Args:
        value: days or instants.
        dtype: their type; its unit of time decides what their numbers mean.
    """
    count = value.to_physical()
    if dtype == pl.Date:
        first, last = ((day - _EPOCH.date()).days for day in (FIRST_DAY, LAST_DAY))
        return count.is_between(first, last)
    unit = getattr(dtype, "time_unit", None) or "us"
    if unit == "ns":
        return count.is_between(FIRST_US * 1000, LAST_US * 1000 + 999)
    return count.is_between(-(-FIRST_US // _US_PER_UNIT[unit]), LAST_US // _US_PER_UNIT[unit])


def impossible_times(rows: pl.DataFrame) -> pl.DataFrame:
    """Which cells of each column of days or instants are of no such time; an empty cell is none."""
    kinds = {name: dtype for name, dtype in rows.schema.items() if dtype in (pl.Date, pl.Datetime)}
    return rows.select(
        (~is_of_our_time(pl.col(name), dtype)).fill_null(False).alias(name) for name, dtype in kinds.items()
    )


def as_stored(name: str, dtype: Any) -> pl.Expr:
    """The times of a column as text, by the numbers they are stored as: ``9223372036854775807 us since 1970``."""
    unit = "days" if dtype == pl.Date else dtype.time_unit
    return pl.format(f"{{}} {unit} since 1970", pl.col(name).to_physical())


def since_1970(text: pl.Expr) -> pl.Expr:
    """Times that are whole seconds or milliseconds since 1970; they need no zone and know no change of clocks."""
    number = text.cast(pl.Int64, strict=False)
    seconds, milliseconds = text.str.contains(r"^\d{10}$"), text.str.contains(r"^\d{13}$")
    micros = pl.when(seconds).then(number * 1_000_000).when(milliseconds).then(number * 1_000)
    return micros.cast(pl.Datetime("us"))
