"""Treat outliers: winsorise a few points, and where that is not enough transform the column instead.

The two steps and their limits are those of COINr (doi 10.21105/joss.04567): a column is skewed when both
|skewness| > 2 and kurtosis > 3.5.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suanheng.transforms.scoring.values import Values, extent

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
