"""Aggregate: from several scores to one, on as many levels as there are.

Members stand along the last axis, units along the first; what is between, such as replicates, is free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suanheng.transforms.scoring.values import UndefinedScore, Values

Method = Literal["arithmetic", "geometric", "harmonic", "generalised", "copeland"]

_FULL = 100.0


@dataclass(frozen=True)
class Aggregation:
    """How the scores of one level become the score of the next.

    Attributes:
        method: kind of mean; or ``copeland``, which counts the other units outranked.
        lowest: scores are moved from 0..100 onto ``lowest``..100 for the mean and back; 0 leaves them where they are.
            A geometric or harmonic mean needs it to be defined at 0.
        exponent: of the generalised mean, and of no other.
        minimum_availability: share of the members that must be known. At 1 one unknown member makes the mean unknown;
            below, the mean is taken over the known members.
    """

    method: Method = "arithmetic"
    lowest: float = 0.0
    exponent: float | None = None
    minimum_availability: float = 1.0

    def __post_init__(self) -> None:
        if (self.exponent is not None) != (self.method == "generalised"):
            raise ValueError(f"an exponent belongs to the generalised mean, but got {self.exponent} for {self.method}")

    @property
    def is_relative(self) -> bool:
        """Whether the result depends on the other units present."""
        return self.method == "copeland"


@dataclass(frozen=True)
class Group:
    """One parent and the weights of its members.

    Attributes:
        name: the parent.
        weights: weight of each member, above zero, by name. A member is an indicator or another group's name.
    """

    name: str
    weights: Mapping[str, float]


def aggregate(
    scores: Values,
    weights: Values,
    method: Method,
    minimum_availability: float = 1.0,
    exponent: float | None = None,
) -> Values:
    """Weighted mean over the members of each unit.

    arithmetic Σ(w x) ÷ Σw; geometric exp(Σ(w ln x) ÷ Σw); harmonic Σw ÷ Σ(w ÷ x); generalised
    (Σ(w x^p) ÷ Σw)^(1÷p); copeland see ``copeland``.

    Args:
        scores: units × … × members; NaN is unknown.
        weights: … × members, above zero.
        method: kind of mean.
        minimum_availability: share of the members that must be known. At 1 one unknown member makes the mean unknown;
            below, the mean is taken over the known members.
        exponent: p of the generalised mean.

    Returns:
        One value per unit; NaN where too few members are known.

    Raises:
        UndefinedScore: a weight is not above zero, or the mean is not defined on a score.
    """
    if not np.all(weights > 0):
        raise UndefinedScore(
            "weight not above zero", f"every member needs a positive weight, but got {np.min(weights):g}"
        )
    _require_defined(scores, method, exponent)
    known = ~np.isnan(scores)
    weight_known = np.where(known, weights, 0.0)
    if method == "copeland":
        mean = copeland(scores, weights)
    else:
        with np.errstate(invalid="ignore"):
            mean = _mean(np.where(known, scores, 1.0), weight_known, method, exponent)
    enough = known.any(axis=-1) & (known.mean(axis=-1) >= minimum_availability)
    return np.where(enough, mean, np.nan)


def _require_defined(scores: Values, method: Method, exponent: float | None) -> None:
    if method == "generalised" and not exponent:
        raise UndefinedScore("generalised mean of exponent 0", "its limit is the geometric mean; take that")
    needs_positive = method in {"geometric", "harmonic"} or (exponent or 0.0) < 0
    if needs_positive and np.any(scores <= 0):
        raise UndefinedScore(
            f"{method} mean of zero",
            "one score of 0 would wipe out all others; rescale scores to 1..100 first, or take the arithmetic mean",
        )
    if method == "generalised" and np.any(scores < 0):
        raise UndefinedScore("generalised mean of a negative score", "its power is not defined; rescale scores first")


def _mean(scores: Values, weights: Values, method: Method, exponent: float | None) -> Values:
    total = weights.sum(axis=-1)
    if method == "geometric":
        return np.exp((weights * np.log(scores)).sum(axis=-1) / total)
    if method == "harmonic":
        return total / (weights / scores).sum(axis=-1)
    if method == "generalised" and exponent is not None:
        # In units of the score that decides the mean, so that no power leaves the range of floating point.
        largest = np.max(np.where(weights > 0, scores, 0.0), axis=-1, keepdims=True)
        smallest = np.min(np.where(weights > 0, scores, np.inf), axis=-1, keepdims=True)
        unit = largest if exponent > 0 else smallest
        unit = np.where((unit > 0) & np.isfinite(unit), unit, 1.0)
        powers = (weights * (scores / unit) ** exponent).sum(axis=-1) / total
        return unit[..., 0] * powers ** (1 / exponent)
    return (weights * scores).sum(axis=-1) / total


def copeland(scores: Values, weights: Values) -> Values:
    """Outranking: how many of the other units a unit beats, in points.

    A unit beats another if the members in which it is better weigh more than those in which it is worse; 100 points
    for beating all others, half a victory for a draw. Two units are compared in the members known of both; where there
    is none they draw. The published score, victories minus defeats (COINr's ``a_copeland``), is
    (points ÷ 50 - 1) × (units - 1).

    Args:
        scores: units × … × members; NaN is unknown.
        weights: … × members, above zero.

    Raises:
        UndefinedScore: there is one unit.
    """
    if len(scores) < 2:
        raise UndefinedScore("single observation", "one unit outranks no others; take a mean instead")
    shares = weights / weights.sum(axis=-1, keepdims=True)
    balances = []
    for unit in scores:
        lead = (shares * np.nan_to_num(np.sign(unit - scores))).sum(axis=-1)
        # Weights of 0.1 and 0.2 against one of 0.3 are a draw, whatever the last digit says.
        balances.append(np.sign(np.round(lead, 12)).sum(axis=0))
    return _FULL * (0.5 + 0.5 * np.stack(balances) / (len(scores) - 1))


def combine(scores: Values, weights: Values, how: Aggregation) -> Values:
    """Members to parent as an ``Aggregation`` says; see ``aggregate`` and ``aggregate_above``."""
    if how.lowest:
        return aggregate_above(scores, weights, how.method, how.lowest, how.minimum_availability, how.exponent)
    return aggregate(scores, weights, how.method, how.minimum_availability, how.exponent)


def aggregate_above(
    scores: Values,
    weights: Values,
    method: Method,
    lowest: float,
    minimum_availability: float = 1.0,
    exponent: float | None = None,
) -> Values:
    """The mean of scores moved from 0..100 onto ``lowest``..100, moved back.

    It makes geometric and harmonic means defined at 0, keeps 0 and 100 where they are, and lets one bad score weigh
    on the mean without wiping it out.
    """
    stretch = (_FULL - lowest) / _FULL
    mean = aggregate(lowest + stretch * scores, weights, method, minimum_availability, exponent)
    return np.clip((mean - lowest) / stretch, 0.0, _FULL)


def heights(groups: Sequence[Group]) -> dict[str, int]:
    """Levels of all names: 1 for indicators, one more than the highest member for a group.

    Args:
        groups: parents, a member always before the group it belongs to.
    """
    parents = {group.name for group in groups}
    levels: dict[str, int] = {}
    for group in groups:
        levels.update({member: 1 for member in group.weights if member not in parents})
        levels[group.name] = 1 + max(levels[member] for member in group.weights)
    return levels


def by_level(groups: Sequence[Group], aggregations: Sequence[Aggregation]) -> dict[str, Aggregation]:
    """The aggregation of each group: the first for the groups right above the indicators, and so on upwards.

    Raises:
        ValueError: there are not as many aggregations as levels above the indicators.
    """
    levels = heights(groups)
    above = max(levels.values()) - 1
    if len(aggregations) != above:
        raise ValueError(f"expected one aggregation for each of {above} levels, but got {len(aggregations)}")
    return {group.name: aggregations[levels[group.name] - 2] for group in groups}


def aggregate_levels(
    columns: Mapping[str, Values],
    groups: Sequence[Group],
    aggregation: Aggregation | Mapping[str, Aggregation] = Aggregation(),
    weights: Mapping[str, Values] | None = None,
) -> dict[str, Values]:
    """Aggregate level by level.

    Members are summed in the order of their names: how a table is ordered cannot move even the last digit.

    Args:
        columns: scores of the indicators, by name.
        groups: parents, a member always before the group it belongs to.
        aggregation: one for all groups, or one by the name of each group; see ``by_level``.
        weights: weights of a name in its parent that take the place of those of ``groups``, one per replicate.

    Returns:
        The scores of the groups, by name.

    Raises:
        UndefinedScore: see ``aggregate``; it names the group.
    """
    known = dict(columns)
    for group in groups:
        members = sorted(group.weights)
        scores = np.stack(np.broadcast_arrays(*(known[member] for member in members)), axis=-1)
        stated = [(weights or {}).get(member, np.float64(group.weights[member])) for member in members]
        how = aggregation if isinstance(aggregation, Aggregation) else aggregation[group.name]
        try:
            known[group.name] = combine(scores, np.stack(np.broadcast_arrays(*stated), axis=-1), how)
        except UndefinedScore as error:
            raise UndefinedScore(error.case, f"in {group.name}, {error.explanation}") from error
    return {group.name: known[group.name] for group in groups}
