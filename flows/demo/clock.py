"""The hours that are simulated, and how they are stated in local time and in UTC.

The centres keep China Standard Time, which has no summer time: local time is UTC plus eight hours all year.
Simulated time is counted in seconds since :data:`SIMULATED_FROM`, local.
"""

import zlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

TIME_ZONE = "Asia/Shanghai"
UTC_OFFSET = timedelta(hours=8)
HOUR_S = 3600
DAY_S = 24 * HOUR_S

DATA_FROM = date(2022, 1, 1)
DATA_TO = date(2024, 1, 1)
"""The eight quarters that are written, the end exclusive."""

SIMULATED_FROM = datetime(2021, 12, 1)
SIMULATED_TO = datetime(2024, 2, 1)
"""A month more on either side, so that bills that straddle the ends rest on load and queues are warm."""

HOURS = int((SIMULATED_TO - SIMULATED_FROM).total_seconds()) // HOUR_S

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Period(NamedTuple):
    """Days from the first to one before the end."""

    start: date
    end: date


def seconds_at(moment: date | datetime) -> int:
    """Simulated second of a local moment; of a day, its first second."""
    at = moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    return int((at - SIMULATED_FROM).total_seconds())


def hour_at(moment: date | datetime) -> int:
    """Index of the simulated hour that begins at or before a local moment."""
    return seconds_at(moment) // HOUR_S


def local_at(second: float) -> datetime:
    """Local moment of a simulated second."""
    return SIMULATED_FROM + timedelta(seconds=second)


def utc(seconds: npt.ArrayLike) -> pl.Series:
    """UTC instants, without a zone attached, of simulated seconds; NaN becomes null."""
    start = int((SIMULATED_FROM - UTC_OFFSET - datetime(1970, 1, 1)).total_seconds())
    instants = pl.Series(np.asarray(seconds, dtype=float), nan_to_null=True) + start
    return (instants * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us"))


def hours() -> Ints:
    """Indices of all simulated hours."""
    return np.arange(HOURS)


def hour_of_day() -> Ints:
    """Local hour of day, 0 to 23, of every simulated hour."""
    return hours() % 24


def season() -> Floats:
    """-1 in the coldest week (about 20 January) to 1 in the hottest, for every simulated hour."""
    day_of_year = SIMULATED_FROM.timetuple().tm_yday + hours() / 24
    return -np.cos(2 * np.pi * (day_of_year - 20) / 365.25)


def months(first: date = DATA_FROM, end: date = DATA_TO) -> Iterator[Period]:
    """Every month from ``first``, as long as it begins before ``end``."""
    start = first
    while start < end:
        following = next_month(start)
        yield Period(start, following)
        start = following


def quarters() -> Iterator[Period]:
    """Every quarter that is written."""
    starts = [month.start for month in months() if month.start.month % 3 == 1]
    yield from map(Period, starts, [*starts[1:], DATA_TO])


def next_month(day: date, months_later: int = 1) -> date:
    """The same day of a later month."""
    month = day.month - 1 + months_later
    return day.replace(year=day.year + month // 12, month=month % 12 + 1)


def quarter_name(day: date) -> str:
    """Name of the quarter a day is in, e.g. ``2022Q1``."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def stream(seed: int, *topic: str) -> np.random.Generator:
    """Random generator of one topic, e.g. ``stream(2024, "qinglan", "runs")``."""
    return np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in topic)])
