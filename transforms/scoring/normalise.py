"""Normalise: from an indicator's own unit to points, 100 being best.

Goalposts judge a unit by itself. All other methods place it among the units present: they re-rank old units when one
is added and are undefined for one unit, so they serve as a second view only.

Methods other than goalposts expect columns in which higher is better: see ``orient``.
"""

from typing import Literal

import numpy as np

from suanheng.transforms.scoring.values import UndefinedScore, Values, extent

Better = Literal["higher", "lower"]

FULL = 100.0
"""Points of the best score."""


def orient(values: Values, better: Better) -> Values:
    """Turn a column so that higher is better."""
    return values if better == "higher" else -values


def goalposts(values: Values, at_0: float | Values, at_100: float | Values) -> Values:
    """(x - at_0) ÷ (at_100 - at_0) in points, cut off at 0 and 100; at_100 lies below at_0 where lower is better.

    Raises:
        UndefinedScore: the goalposts of a value coincide.
    """
    if np.any(np.equal(at_0, at_100)):
        raise UndefinedScore("equal goalposts", "0 and 100 points are at the same value; set them apart")
    return np.clip(FULL * (values - at_0) / (at_100 - at_0), 0.0, FULL)


def min_max(values: Values, low: float = 0.0, high: float = FULL) -> Values:
    """The worst unit gets ``low``, the best ``high``."""
    smallest, largest = extent(values)
    return (values - smallest) / (largest - smallest) * (high - low) + low


def z_score(values: Values, mean: float = 0.0, standard_deviation: float = 1.0) -> Values:
    """Standard deviations (of the sample, n - 1) from the mean, moved and stretched as asked."""
    extent(values)
    return (values - np.nanmean(values)) / np.nanstd(values, ddof=1) * standard_deviation + mean


def rank(values: Values) -> Values:
    """1 for the best; equal units share the better place. Compared as they are, never rounded."""
    known = values[~np.isnan(values)]
    better_units = known.size - np.searchsorted(np.sort(known), values, side="right")
    return np.where(np.isnan(values), np.nan, better_units + 1.0)


def percentile(values: Values) -> Values:
    """Share of the other units that a unit outdoes, in points.

    Raises:
        UndefinedScore: fewer than two values are known.
    """
    known = values[~np.isnan(values)]
    if known.size < 2:
        raise UndefinedScore("single observation", "one unit outdoes no others; normalise by goalposts instead")
    outdone = np.searchsorted(np.sort(known), values, side="left")
    return np.where(np.isnan(values), np.nan, FULL * outdone / (known.size - 1))


def distance_to_target(values: Values, target: float) -> Values:
    """(x - min) ÷ (target - min) in points, at most 100.

    Raises:
        UndefinedScore: the target is not better than the worst unit.
    """
    return np.minimum(distance_to_reference(values, target), FULL)


def distance_to_reference(values: Values, reference: float) -> Values:
    """(x - min) ÷ (reference - min) in points; above 100 for units better than the reference.

    Raises:
        UndefinedScore: the reference is not better than the worst unit.
    """
    worst = float(np.nanmin(values)) if not np.isnan(values).all() else np.nan
    if not reference > worst:
        raise UndefinedScore(
            "reference not better than the worst", f"the distance from {worst:g} to {reference:g} is no yardstick"
        )
    return FULL * (values - worst) / (reference - worst)


def distance_to_maximum(values: Values) -> Values:
    """Distance to the best unit present: 100 for the best, 0 for the worst."""
    _, best = extent(values)
    return distance_to_reference(values, best)
