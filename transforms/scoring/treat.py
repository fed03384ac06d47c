"""Treat outliers: winsorise a few points, and where that is not enough take logarithms instead.

The two steps and their limits are those of COINr (doi 10.21105/joss.04567): a column is skewed when both
|skewness| > 2 and kurtosis > 3.5.
"""

import math
from typing import Literal, NamedTuple

import numpy as np

from suanheng.transforms.scoring.values import Values, extent

HIGHEST_SKEWNESS = 2.0
HIGHEST_KURTOSIS = 3.5
FEWEST_POINTS = 4
"""Kurtosis needs as many known values; a shorter column is left alone."""

LOG_OFFSET = 0.01
"""Share of the extent that is added before taking logarithms, so that the smallest value has one."""


class Treated(NamedTuple):
    """A treated column.

    Attributes:
        values: the column after treatment.
        treatment: what was done.
        raised: values at the low end that were raised.
        lowered: values at the high end that were lowered.
    """

    values: Values
    treatment: Literal["none", "winsorised", "logarithm"]
    raised: int
    lowered: int


def skewness(values: Values) -> float:
    """Sample skewness G1 of at least three known values, corrected for bias as spreadsheets do."""
    known = values[~np.isnan(values)]
    n = known.size
    deviations = known - known.mean()
    uncorrected = math.sqrt(n) * np.sum(deviations**3) / np.sum(deviations**2) ** 1.5
    return float(uncorrected * math.sqrt(n * (n - 1)) / (n - 2))


def kurtosis(values: Values) -> float:
    """Sample excess kurtosis G2 of at least four known values, corrected for bias as spreadsheets do."""
    known = values[~np.isnan(values)]
    n = known.size
    deviations = known - known.mean()
    uncorrected = n * np.sum(deviations**4) / np.sum(deviations**2) ** 2 - 3
    return float(((n + 1) * uncorrected + 6) * (n - 1) / ((n - 2) * (n - 3)))


def is_skewed(values: Values) -> bool:
    """Whether a column is both skewed and heavy-tailed; never true of a short or constant one."""
    known = values[~np.isnan(values)]
    if known.size < FEWEST_POINTS or known.min() == known.max():
        return False
    return abs(skewness(values)) > HIGHEST_SKEWNESS and kurtosis(values) > HIGHEST_KURTOSIS


def winsorise(values: Values, at_most: int = 5) -> Treated:
    """Set the most extreme values to the next one, at the end the skew points to, until the column is not skewed.

    Args:
        values: one column.
        at_most: values to change before giving up. Tied values change together, so it may be exceeded by the ties.
    """
    column = values.copy()
    raised = lowered = 0
    while is_skewed(column) and raised + lowered < at_most:
        if skewness(column) >= 0:
            top = column == np.nanmax(column)
            column[top] = np.nanmax(column[~top])
            lowered = int(top.sum())
        else:
            bottom = column == np.nanmin(column)
            column[bottom] = np.nanmin(column[~bottom])
            raised = int(bottom.sum())
    return Treated(column, "winsorised" if raised + lowered else "none", raised, lowered)


def logarithm(values: Values) -> Values:
    """ln(x - min + 0.01 (max - min)).

    Raises:
        UndefinedScore: the column is constant or has a single known value.
    """
    low, high = extent(values)
    return np.log(values - low + LOG_OFFSET * (high - low))


def treat(values: Values, winsorise_at_most: int = 5) -> Treated:
    """Winsorise a skewed column; if it stays skewed, take the logarithm of the original instead."""
    winsorised = winsorise(values, winsorise_at_most)
    if is_skewed(winsorised.values):
        return Treated(logarithm(values), "logarithm", 0, 0)
    return winsorised
