"""Screen: leave out units of which too little is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Screening:
    """Which units are left out.

    Attributes:
        minimum_availability: share of the indicators that must be known of a unit; 0 leaves none out.
        minimum_nonzero: share of the known values that must not be zero.
        exceptions: units that stay or go whatever their data say, by name.
    """

    minimum_availability: float = 0.0
    minimum_nonzero: float = 0.0
    exceptions: Mapping[str, bool] = field(default_factory=dict)


def screen(table: pl.DataFrame, unit: str, indicators: Sequence[str], how: Screening) -> pl.DataFrame:
    """Judge the units of a table by what is known of them.

    Returns:
        One row per unit in the order of the table: the unit, known, zeros, availability, nonzero (null where nothing
        is known), is_included.
    """
    values = [pl.col(indicator).cast(pl.Float64).fill_nan(None) for indicator in indicators]
    known = pl.sum_horizontal([value.is_not_null() for value in values])
    zeros = pl.sum_horizontal([(value == 0).fill_null(False) for value in values])
    counted = table.select(unit, known=known.cast(pl.Int64), zeros=zeros.cast(pl.Int64)).with_columns(
        availability=pl.col("known") / len(indicators),
        nonzero=pl.when(pl.col("known") > 0).then(1 - pl.col("zeros") / pl.col("known")),
    )
    passes = (pl.col("availability") >= how.minimum_availability) & (
        pl.col("nonzero").fill_null(0.0) >= how.minimum_nonzero
    )
    exceptions = pl.col(unit).replace_strict(dict(how.exceptions), default=None, return_dtype=pl.Boolean)
    return counted.with_columns(is_included=pl.coalesce(exceptions, passes))
