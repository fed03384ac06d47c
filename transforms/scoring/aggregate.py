"""Aggregate: from several scores to one, on as many levels as there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suanheng.transforms.scoring.values import UndefinedScore, Values

Method = Literal["arithmetic", "geometric", "harmonic"]

_FULL = 100.0


@dataclass(frozen=True)
class Group:
    """One parent and the weights of its members.

    Attributes:
        name: the parent.
        weights: weight of each member, above zero, by name. A member is an indicator or another group's name.
    """

    name: str
    weights: Mapping[str, float]


def aggregate(scores: Values, weights: Values, method: Method, minimum_availability: float = 1.0) -> Values:
    """Weighted mean over the members of each unit.

    arithmetic Σ(w x) ÷ Σw; geometric exp(Σ(w ln x) ÷ Σw); harmonic Σw ÷ Σ(w ÷ x).

    Args:
        scores: units × members; NaN is unknown.
        weights: one per member, above zero.
        method: kind of mean.
        minimum_availability: share of the members that must be known. At 1 one unknown member makes the mean unknown;
            below, the mean is taken over the known members.

    Returns:
        One value per unit; NaN where too few members are known.

    Raises:
        UndefinedScore: a weight is not above zero, or a geometric or harmonic mean meets a score not above zero.
    """
    if not np.all(weights > 0):
        raise UndefinedScore(
            "weight not above zero", f"every member needs a positive weight, but got {weights.tolist()}"
        )
    if method != "arithmetic" and np.any(scores <= 0):
        raise UndefinedScore(
            f"{method} mean of zero",
            "one score of 0 would wipe out all others; rescale scores to 1..100 first, or take the arithmetic mean",
        )
    known = ~np.isnan(scores)
    weight_known = np.where(known, weights, 0.0)
    with np.errstate(invalid="ignore"):
        mean = _mean(np.where(known, scores, 1.0), weight_known, method)
    enough = known.any(axis=1) & (known.mean(axis=1) >= minimum_availability)
    return np.where(enough, mean, np.nan)


def _mean(scores: Values, weights: Values, method: Method) -> Values:
    total = weights.sum(axis=1)
    if method == "arithmetic":
        return (weights * scores).sum(axis=1) / total
    if method == "geometric":
        return np.exp((weights * np.log(scores)).sum(axis=1) / total)
    return total / (weights / scores).sum(axis=1)


def aggregate_above(scores: Values, weights: Values, method: Method, lowest: float) -> Values:
    """The mean of scores moved from 0..100 onto ``lowest``..100, moved back.

    It makes geometric and harmonic means defined at 0, keeps 0 and 100 where they are, and lets one bad score weigh
    on the mean without wiping it out.
    """
    stretch = (_FULL - lowest) / _FULL
    mean = aggregate(lowest + stretch * scores, weights, method)
    return np.clip((mean - lowest) / stretch, 0.0, _FULL)


def aggregate_levels(
    columns: Mapping[str, Values], groups: Sequence[Group], method: Method, minimum_availability: float = 1.0
) -> dict[str, Values]:
    """Aggregate level by level.

    Args:
        columns: scores of the indicators, by name.
        groups: parents, a member always before the group it belongs to.
        method: kind of mean on every level.
        minimum_availability: share of the members of each group that must be known.

    Returns:
        The scores of the groups, by name.

    Raises:
        UndefinedScore: see ``aggregate``.
    """
    known = dict(columns)
    for group in groups:
        members = np.column_stack([known[member] for member in group.weights])
        weights = np.array(list(group.weights.values()), dtype=np.float64)
        known[group.name] = aggregate(members, weights, method, minimum_availability)
    return {group.name: known[group.name] for group in groups}
