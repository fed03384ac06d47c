"""Normalise: from an indicator's own unit to points, 100 being best.

Goalposts judge a unit by itself. All other methods place it among the units present: they re-rank old units when one
is added and are undefined for one unit, so they serve as a second view only.

Methods other than goalposts expect columns in which higher is better: see ``orient``. The definitions are those of
COINr (doi 10.21105/joss.04567), in points instead of shares.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suanheng.transforms.scoring.values import UndefinedScore, Values, extent, require_observations

Better = Literal["higher", "lower"]

Method = Literal[
    "goalposts",
    "min_max",
    "z_score",
    "rank",
    "borda",
    "percentile",
    "distance_to_target",
    "distance_to_reference",
    "distance_to_maximum",
    "fraction_of_maximum",
]

FULL = 100.0
"""Points of the best score."""


@dataclass(frozen=True)
class Yardstick:
    """What an indicator is held against.

    Attributes:
        better: direction that is better.
        at_0: value of 0 points.
        at_100: value of 100 points.
        target: value that the distances to a target or reference are taken to.
    """

    better: Better = "higher"
    at_0: float | None = None
    at_100: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class Normalisation:
    """How columns become points.

    Attributes:
        method: the method.
        scale: of ``min_max`` the lowest and highest points, of ``z_score`` the mean and standard deviation.
    """

    method: Method = "goalposts"
    scale: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.scale and self.method not in {"min_max", "z_score"}:
            raise ValueError(f"{self.method} has no scale to choose, but got {self.scale}")

    @property
    def is_relative(self) -> bool:
        """Whether points depend on the other units present."""
        return self.method != "goalposts"


def normalise(values: Values, how: Normalisation, yardstick: Yardstick) -> Values:
    """One column in points.

    Raises:
        UndefinedScore: the method is not defined on the column, or the yardstick lacks what the method needs.
    """
    if how.method == "goalposts":
        return goalposts(values, _stated(yardstick.at_0, "goalpost at 0"), _stated(yardstick.at_100, "goalpost at 100"))
    oriented = orient(values, yardstick.better)
    if how.method in {"min_max", "z_score"}:
        return {"min_max": min_max, "z_score": z_score}[how.method](oriented, *(how.scale or ()))
    if how.method in _DISTANCES:
        sign = 1 if yardstick.better == "higher" else -1
        return _DISTANCES[how.method](oriented, sign * _stated(yardstick.target, "target"))
    return _AMONG_UNITS[how.method](oriented)


def _stated(number: float | None, what: str) -> float:
    if number is None:
        raise UndefinedScore(f"no {what}", "the method needs it; state it or choose another method")
    return number


def orient(values: Values, better: Better) -> Values:
    """Turn a column so that higher is better."""
    return values if better == "higher" else -values


def goalposts(values: Values, at_0: float | Values, at_100: float | Values) -> Values:
    """(x - at_0) ÷ (at_100 - at_0) in points, cut off at 0 and 100; at_100 is below at_0 where lower is better.

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
    spread = np.nanstd(values, axis=0, ddof=1)
    return (values - np.nanmean(values, axis=0)) / spread * standard_deviation + mean


def rank(values: Values) -> Values:
    """1 for the best; equal units share the better place. Compared as they are, never rounded."""
    return np.where(np.isnan(values), np.nan, 1.0 + _count(values, np.greater))


def borda(values: Values) -> Values:
    """Number of other units that a unit outdoes."""
    return np.where(np.isnan(values), np.nan, _count(values, np.less))


def ascending_rank(values: Values) -> Values:
    """1 for the worst; equal units share the lower place, so that higher is better as in all other methods."""
    return borda(values) + 1.0


def _count(values: Values, relation: Callable[[Values, Values], Values]) -> Values:
    """Number of units that stand in a relation to each unit; an unknown value stands in none."""
    return np.stack([np.sum(relation(values, unit), axis=0, dtype=np.float64) for unit in values])


def percentile(values: Values) -> Values:
    """Share of the other units that a unit outdoes, in points.

    Raises:
        UndefinedScore: fewer than two values are known.
    """
    require_observations(values, at_least=2)
    return FULL * borda(values) / (np.sum(~np.isnan(values), axis=0) - 1)


def distance_to_target(values: Values, target: float) -> Values:
    """(x - min) ÷ (target - min) in points, at most 100.

    Raises:
        UndefinedScore: the target is not better than the worst unit.
    """
    return np.minimum(distance_to_reference(values, target), FULL)


def distance_to_reference(values: Values, reference: float | Values) -> Values:
    """(x - min) ÷ (reference - min) in points; above 100 for units better than the reference.

    Raises:
        UndefinedScore: nothing is known, or the reference is not better than the worst unit.
    """
    require_observations(values)
    worst = np.asarray(np.nanmin(values, axis=0))
    if not np.all(reference > worst):
        raise UndefinedScore(
            "reference not better than the worst",
            f"the distance from {np.max(worst):g} to {np.min(reference):g} is no yardstick",
        )
    return FULL * (values - worst) / (reference - worst)


def distance_to_maximum(values: Values) -> Values:
    """Distance to the best unit present: 100 for the best, 0 for the worst."""
    _, best = extent(values)
    return distance_to_reference(values, best)


def fraction_of_maximum(values: Values) -> Values:
    """x ÷ max in points.

    Raises:
        UndefinedScore: nothing is known, or a value is negative or none is positive: no fraction between 0 and 1.
            Columns in which lower is better are negative once oriented.
    """
    require_observations(values)
    largest = np.nanmax(values, axis=0)
    if np.any(values < 0) or np.any(largest <= 0):
        raise UndefinedScore(
            "fraction of a maximum not above zero",
            "it needs values of which higher is better, none below zero and one above; take min_max instead",
        )
    return FULL * values / largest


_DISTANCES: Mapping[str, Callable[[Values, float], Values]] = {
    "distance_to_target": distance_to_target,
    "distance_to_reference": distance_to_reference,
}
_AMONG_UNITS: Mapping[str, Callable[[Values], Values]] = {
    "rank": ascending_rank,
    "borda": borda,
    "percentile": percentile,
    "distance_to_maximum": distance_to_maximum,
    "fraction_of_maximum": fraction_of_maximum,
}
