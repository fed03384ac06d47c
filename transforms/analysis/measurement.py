"""Measurement: what a value can be, given how it was measured. Rows that every kind of input uncertainty is written in.

One row is one reason why one indicator of one unit may differ from its value:

| column | meaning |
| --- | --- |
| unit | whose value it is |
| indicator | which |
| cause | kind of reason, e.g. ``meter class``: sensitivity is distinguished by it |
| source | what errs. Rows with the same source err together: one meter, one factor, one data sheet |
| kind | how values between the ends are spread: ``uniform``, ``triangular`` (most likely the value), ``normal`` |
| low | value of the indicator with the source at its low end |
| high | value with the source at its high end; below ``low`` where the indicator falls as the source rises |

The ends of ``uniform`` and ``triangular`` cannot be exceeded; those of ``normal`` hold 95 % (GUM, JCGM 100:2008: a
limit of error without further knowledge is uniform, an expanded uncertainty with k = 2 is normal).
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from scipy import special

from suanheng.transforms.scoring.judge import ESTIMATE_ERROR, ESTIMATED
from suanheng.transforms.scoring.values import UndefinedScore, Values

Kind = Literal["uniform", "triangular", "normal"]
KINDS: tuple[Kind, ...] = get_args(Kind)

COLUMNS: dict[str, pl.DataType] = {
    "unit": pl.String(),
    "indicator": pl.String(),
    "cause": pl.String(),
    "source": pl.String(),
    "kind": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}

METER_CLASSES = {"0.1S": 0.001, "0.2S": 0.002, "0.5S": 0.005, "0.5": 0.005, "1": 0.01, "2": 0.02}
"""Limits of error of active-energy meters as a share of the reading, at rated load and power factor 1 (IEC 62053-21,
-22: the class is the limit in percent). At small loads a meter may err more."""

_COVERED_BY_NORMAL = special.ndtri(0.975)
"""Standard deviations from the mean to the ends of a normal row, which hold 95 %."""


def of_meter_class(values: pl.DataFrame, meter_class: str, source: str, power: int = 1) -> pl.DataFrame:
    """Values that rest on the reading of one meter.

    Args:
        values: unit, indicator, value.
        meter_class: accuracy class, a key of ``METER_CLASSES``.
        source: name of the meter.
        power: 1 where the value grows with the reading, -1 where the reading is its denominator.

    Raises:
        UndefinedScore: the class is not known.
    """
    if meter_class not in METER_CLASSES:
        known = ", ".join(METER_CLASSES)
        raise UndefinedScore("unknown meter class", f"expected one of {known}, but got {meter_class}")
    error = METER_CLASSES[meter_class]
    return of_range(values, Range(1.0, 1.0 - error, 1.0 + error), "meter class", source, power)


class Range(NamedTuple):
    """A number that values were computed with, and what it can be.

    Attributes:
        used: the number.
        low: least it can be.
        high: most it can be.
        kind: how what it can be is spread.
    """

    used: float
    low: float
    high: float
    kind: Kind = "uniform"


def of_range(values: pl.DataFrame, number: Range, cause: str, source: str, power: int = 1) -> pl.DataFrame:
    """Values that are proportional to a number with a range: an emission factor, a specification.

    Args:
        values: unit, indicator, value.
        number: the number, with its range.
        cause: kind of reason, e.g. ``factor range`` or ``specification range``.
        source: name of the factor or data sheet.
        power: 1 where values grow with the number, -1 where it is their denominator.

    Raises:
        UndefinedScore: the numbers are not positive, or the one used is outside the range.
    """
    used, low, high, kind = number
    if not 0 < low <= used <= high:
        raise UndefinedScore(
            "range without the value used", f"expected 0 < low ≤ used ≤ high, but got {low:g}, {used:g}, {high:g}"
        )
    return _rows(
        values.with_columns(
            cause=pl.lit(cause),
            source=pl.lit(source),
            kind=pl.lit(kind),
            low=pl.col("value") * (low / used) ** power,
            high=pl.col("value") * (high / used) ** power,
        )
    )


def of_coverage(values: pl.DataFrame) -> pl.DataFrame:
    """Values of which only a share was observed: the rest may be anywhere between two bounds.

    With coverage c the value is between c × value + (1 - c) × bound for the worst and the best bound. More coverage
    gives an interval within that of less. A value that is unknown, or withheld, is anywhere between the bounds.

    Args:
        values: unit, indicator, value (null if unknown), coverage (0 to 1), bound_low, bound_high.
    """
    share = pl.when(pl.col("value").is_null()).then(0.0).otherwise(pl.col("coverage").fill_null(0.0).clip(0.0, 1.0))
    known = share * pl.col("value").fill_null(0.0)
    ends = pl.col("bound_low"), pl.col("bound_high")
    lowest, highest = pl.min_horizontal(*ends, "value"), pl.max_horizontal(*ends, "value")
    return _rows(
        values.with_columns(
            cause=pl.lit("coverage"),
            source=pl.format("coverage/{}/{}", "unit", "indicator"),
            kind=pl.lit("uniform"),
            low=known + (1 - share) * lowest,
            high=known + (1 - share) * highest,
        ).filter(share < 1)
    )


def coverage_of(judged: pl.DataFrame) -> pl.DataFrame:
    """What coverage leaves open in the indicators of one period, with the goalposts as bounds.

    Args:
        judged: rows of ``judge`` of one period. An indicator that is not scored is anywhere between its goalposts.
    """
    return of_coverage(
        judged.select(
            "indicator",
            "coverage",
            unit="site_id",
            value=pl.when("is_scored").then("value"),
            bound_low=pl.min_horizontal("goalpost_at_0", "goalpost_at_100"),
            bound_high=pl.max_horizontal("goalpost_at_0", "goalpost_at_100"),
        )
    )


def estimates_of(judged: pl.DataFrame) -> pl.DataFrame:
    """What the estimated indicators of one period can be: as far from their values as ``judge`` allows them to be.

    Args:
        judged: rows of ``judge`` of one period.
    """
    is_estimated = pl.col("is_scored") & (pl.col("evidence_class") == ESTIMATED).fill_null(False)
    return _rows(
        judged.filter(is_estimated).with_columns(
            unit="site_id",
            cause=pl.lit("estimate"),
            source=pl.format("estimate/{}/{}", "site_id", "indicator"),
            kind=pl.lit("uniform"),
            low=pl.col("value") - ESTIMATE_ERROR * pl.col("value").abs(),
            high=pl.col("value") + ESTIMATE_ERROR * pl.col("value").abs(),
        )
    )


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def quantile(kind: Kind, value: float, low: float, high: float, uniforms: Values) -> Values:
    """What a row gives at points of the cumulative distribution between 0 and 1.

    Args:
        kind: as in the row.
        value: the value; NaN if it is unknown, which takes the middle for the most likely.
        low: value with the source at its low end.
        high: value with the source at its high end.
        uniforms: points between 0 and 1.
    """
    if kind == "uniform":
        return low + uniforms * (high - low)
    if kind == "triangular":
        peak = 0.5 if np.isnan(value) or high == low else (value - low) / (high - low)
        rising = np.sqrt(uniforms * peak)
        falling = 1.0 - np.sqrt((1.0 - uniforms) * (1.0 - peak))
        return low + np.where(uniforms < peak, rising, falling) * (high - low)
    middle, spread = (low + high) / 2, (high - low) / 2 / _COVERED_BY_NORMAL
    # 0 and 1 themselves would be infinite; no generator gives 1, and 0 once in 2^53.
    return middle + spread * special.ndtri(np.clip(uniforms, 1e-16, 1 - 1e-16))
