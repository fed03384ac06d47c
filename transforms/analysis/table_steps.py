"""Steps over the table of an index before it is normalised: screen units, denominate, impute, treat outliers.

No methodology asks for them: a scorecard is of one site, and these look at many. They serve the index that is computed
to vary it (``index.py``) and to reproduce published ones. Outliers are winsorised, and where that is not enough the
column is transformed; steps and limits are those of COINr (doi 10.21105/joss.04567): a column is skewed when both
|skewness| > 2 and kurtosis > 3.5.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suanheng.transforms.scoring.normalise import Better
from suanheng.transforms.scoring.values import UndefinedScore, Values, extent

HIGHEST_SKEWNESS = 2.0
HIGHEST_KURTOSIS = 3.5
FEWEST_POINTS = 4
"""Kurtosis needs as many known values; a shorter column is left alone."""

LOG_OFFSET = 0.01
"""Share of the extent that is added before taking logarithms, so that the smallest value has one."""

Transformation = Literal["none", "logarithm", "box_cox"]


@dataclass(frozen=True)
class Treatment:
    """How outliers are treated.

    Attributes:
        winsorise_at_most: values to winsorise in a column before giving up; 0 winsorises none.
        otherwise: what is done to the original column if it stays skewed.
    """

    winsorise_at_most: int = 5
    otherwise: Transformation = "logarithm"


class Treated(NamedTuple):
    """Treated columns; all but the values have one entry per column.

    Attributes:
        values: the columns after treatment.
        treatment: what was done: none, winsorised, logarithm or box_cox.
        raised: values at the low end that were raised.
        lowered: values at the high end that were lowered.
    """

    values: Values
    treatment: NDArray[np.str_]
    raised: NDArray[np.int64]
    lowered: NDArray[np.int64]


def skewness(values: Values) -> Values:
    """Sample skewness G1 of each column of at least three known values, corrected for bias as spreadsheets do."""
    n, deviations = _deviations(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        uncorrected = np.sqrt(n) * np.sum(deviations**3, axis=0) / np.sum(deviations**2, axis=0) ** 1.5
        return uncorrected * np.sqrt(n * (n - 1)) / (n - 2)


def kurtosis(values: Values) -> Values:
    """Sample excess kurtosis G2 of each column of at least four known values, corrected for bias likewise."""
    n, deviations = _deviations(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        uncorrected = n * np.sum(deviations**4, axis=0) / np.sum(deviations**2, axis=0) ** 2 - 3
        return ((n + 1) * uncorrected + 6) * (n - 1) / ((n - 2) * (n - 3))


def _deviations(values: Values) -> tuple[Values, Values]:
    """Number of known values of each column, and how far each is from their mean; an unknown one counts 0."""
    known = ~np.isnan(values)
    n = np.asarray(np.sum(known, axis=0, dtype=np.float64))
    mean = np.sum(np.where(known, values, 0.0), axis=0) / np.maximum(n, 1.0)
    return n, np.where(known, values - mean, 0.0)


def is_skewed(values: Values) -> NDArray[np.bool_]:
    """Whether a column is both skewed and heavy-tailed; never true of a short or constant one."""
    enough = np.sum(~np.isnan(values), axis=0) >= FEWEST_POINTS
    varies = np.fmin.reduce(values, axis=0) < np.fmax.reduce(values, axis=0)
    return enough & varies & (np.abs(skewness(values)) > HIGHEST_SKEWNESS) & (kurtosis(values) > HIGHEST_KURTOSIS)


def winsorise(values: Values, at_most: int = 5) -> Treated:
    """Set the most extreme values to the next one, at the end the skew points to, until the column is not skewed.

    Args:
        values: one column or several.
        at_most: values to change before giving up. Tied values change together, so it may be exceeded by the ties.
    """
    columns = values.reshape(len(values), -1).copy()
    raised, lowered = np.zeros((2, columns.shape[1]), dtype=np.int64)
    skewed = np.flatnonzero(is_skewed(columns))
    while (skewed := skewed[(raised + lowered)[skewed] < at_most]).size:
        for end, changed, direction in (
            (skewed[skewness(columns[:, skewed]) >= 0], lowered, 1),
            (skewed[skewness(columns[:, skewed]) < 0], raised, -1),
        ):
            # The low end of a column is the high end of its mirror image.
            mirrored = direction * columns[:, end]
            extreme = mirrored == np.nanmax(mirrored, axis=0, initial=-np.inf)
            following = np.nanmax(np.where(extreme, -np.inf, mirrored), axis=0, initial=-np.inf)
            columns[:, end] = direction * np.where(extreme, following, mirrored)
            changed[end] = extreme.sum(axis=0)
        skewed = skewed[is_skewed(columns[:, skewed])]
    shape = values.shape[1:]
    treatment = np.where(raised + lowered > 0, "winsorised", "none")
    return Treated(
        columns.reshape(values.shape), treatment.reshape(shape), raised.reshape(shape), lowered.reshape(shape)
    )


def logarithm(values: Values) -> Values:
    """ln(x - min + 0.01 (max - min)).

    Raises:
        UndefinedScore: the column is constant or has a single known value.
    """
    low, high = extent(values)
    return np.log(values - low + LOG_OFFSET * (high - low))


def box_cox(values: Values, power: float | None = None) -> Values:
    """(y^power - 1) ÷ power of y = x - min + 1, or ln y for a power of 0.

    Args:
        values: one column or several.
        power: the same for all columns; by default the one that makes each column most likely normal (Box and Cox
            1964, doi 10.1111/j.2517-6161.1964.tb00553.x).

    Raises:
        UndefinedScore: the column is constant or has a single known value.
    """
    from scipy import special, stats  # takes most of a second, and few tables need it

    low, _ = extent(values)
    above = values - low + 1.0
    if power is not None:
        return special.boxcox(above, power)
    columns = above.reshape(len(above), -1)
    powers = [stats.boxcox_normmax(column[~np.isnan(column)], method="mle") for column in columns.T]
    return special.boxcox(columns, powers).reshape(values.shape)


_TRANSFORMATIONS = {"logarithm": logarithm, "box_cox": box_cox}


def treat(values: Values, how: Treatment | None = None) -> Treated:
    """Winsorise a skewed column; if it stays skewed, transform the original instead."""
    how = how or Treatment()
    winsorised = winsorise(values, how.winsorise_at_most)
    skewed = is_skewed(winsorised.values)
    if how.otherwise == "none" or not skewed.any():
        return winsorised
    result = winsorised.values.copy()
    result[..., skewed] = _TRANSFORMATIONS[how.otherwise](values[..., skewed])
    return Treated(
        result,
        np.where(skewed, how.otherwise, winsorised.treatment),
        np.where(skewed, 0, winsorised.raised),
        np.where(skewed, 0, winsorised.lowered),
    )


def denominate(values: Values, denominators: Values) -> Values:
    """Divide each value by the size of its unit; unknown if either is unknown.

    Args:
        values: totals.
        denominators: sizes of the same units, positive.

    Raises:
        UndefinedScore: a size is zero or negative.
    """
    if np.any(denominators <= 0):
        raise UndefinedScore("denominator not above zero", "the size of a unit must be positive, or unknown")
    return values / denominators


Method = Literal["none", "mean", "median"]
PanelMethod = Literal["latest", "constant", "linear"]

_ESTIMATES: Mapping[str, Callable[..., Values]] = {"mean": np.nanmean, "median": np.nanmedian}


@dataclass(frozen=True)
class Imputation:
    """How gaps are filled.

    Attributes:
        method: ``none`` leaves the gaps.
        by: ``column`` takes the estimate from other units, ``row`` from the unit's other indicators, ``category`` from
            those of its other indicators that have the same parent.
        groups: column of the table with the group of each unit; the estimate by column is then taken within the group.
    """

    method: Method = "none"
    by: Literal["column", "row", "category"] = "column"
    groups: str | None = None


def impute(values: Values, method: Method = "none", groups: Sequence[str] | None = None) -> Values:
    """Replace unknown values by the mean or median of the known ones.

    Args:
        values: one column.
        method: ``none`` leaves the gaps.
        groups: group of each unit; the estimate is then taken within the group. A group in which nothing is known
            keeps its gaps; one in which one value is known gets that value.
    """
    filled = values.copy()
    if method == "none":
        return filled
    members = np.asarray(groups if groups is not None else [""] * len(values))
    for group in np.unique(members):
        in_group = members == group
        filled[in_group] = _with_gaps_filled(values[in_group], _estimate(values[in_group], method, axis=0))
    return filled


def impute_rows(
    columns: Mapping[str, Values], better: Mapping[str, Better], method: Method, categories: Mapping[str, str]
) -> dict[str, Values]:
    """Replace unknown values of a unit by where the unit stands in its other indicators of the same category.

    Indicators have different units, so the estimate is taken of their min–max positions, oriented, and read back on
    the indicator's own scale.

    Args:
        columns: indicators by name, each as of the same units.
        better: direction of each.
        method: ``none`` leaves the gaps.
        categories: category of each. A unit of which nothing is known in a category keeps its gaps there.

    Raises:
        UndefinedScore: a column is constant or has fewer than two known values.
    """
    filled = dict(columns)
    if method == "none":
        return filled
    for category in sorted(set(categories.values())):
        names = [name for name in columns if categories[name] == category]
        ends = {name: _worst_and_best(columns[name], better[name]) for name in names}
        positions = [(columns[name] - ends[name][0]) / (ends[name][1] - ends[name][0]) for name in names]
        estimate = _estimate(np.stack(positions, axis=-1), method, axis=-1)
        for name in names:
            worst, best = ends[name]
            filled[name] = _with_gaps_filled(columns[name], worst + estimate * (best - worst))
    return filled


def _worst_and_best(values: Values, better: Better) -> tuple[Values, Values]:
    low, high = extent(values)
    return (low, high) if better == "higher" else (high, low)


def _estimate(values: Values, method: Method, axis: int) -> Values:
    with warnings.catch_warnings():
        # Where nothing is known the estimate is unknown too, which is what is wanted.
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(_ESTIMATES[method](values, axis=axis))


def _with_gaps_filled(values: Values, estimate: Values) -> Values:
    return np.where(np.isnan(values), estimate, values)


def impute_panel(
    panel: pl.DataFrame,
    unit: str,
    time: str,
    indicators: Sequence[str],
    method: PanelMethod = "latest",
    at_most: int | None = None,
) -> pl.DataFrame:
    """Fill gaps of a unit from its own other times; a unit that was never observed keeps its gaps.

    latest: the last value before the gap; a gap before the first value stays. constant: the same, and a gap before the
    first value gets the first. linear: on the straight line between the values around the gap; before the first and
    after the last as constant, so a single value fills all.

    Args:
        panel: one row per unit and time.
        unit: column that names the unit; years are not units.
        time: column of the time, sortable and numeric or a date.
        indicators: columns to fill.
        method: see above.
        at_most: times that a value may be carried forward with ``latest``; without it, any number.

    Returns:
        The panel, sorted by unit and time.
    """
    ordered = panel.sort(unit, time)
    columns = [pl.col(indicator).cast(pl.Float64).fill_nan(None) for indicator in indicators]
    filled = {
        "latest": lambda column: column.forward_fill(limit=at_most),
        "constant": lambda column: column.forward_fill().backward_fill(),
        "linear": lambda column: column.interpolate_by(time).forward_fill().backward_fill(),
    }[method]
    return ordered.with_columns([filled(column).over(unit) for column in columns])


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
