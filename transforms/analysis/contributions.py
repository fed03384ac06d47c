"""Contributions: how much each indicator, weight and kind of mean has to do with a score or with its change.

They are Shapley values of the change from one state to another, nested as the index is (Owen values; Winter's for more
levels). Every cause is switched from the first state to the second, and its contribution is the mean change that makes,
over all orders of switching in which the causes within a group follow each other. That is exact for every kind of mean
and whatever changes: scores, weights, the mean itself, or whether an indicator is there at all. Contributions add up to
the change, those within a group to what the group contributes; what does not change contributes nothing; and the order
in which causes are listed does not matter. For arithmetic means with fixed weights they are weight × change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from suanheng.transforms.analysis.index import Columns, Index
from suanheng.transforms.scoring.aggregate import Aggregation, Group, combine
from suanheng.transforms.scoring.values import UndefinedScore, Values

MOST_COALITIONS = 2**18
"""Combinations of causes tried to explain the members of one group, over all levels above them."""

_NUMBERS_AT_ONCE = 2_000_000

Kind = Literal["score", "weight", "aggregation"]

_Stated = TypeVar("_Stated")


@dataclass(frozen=True)
class Cause:
    """One thing that can differ between two states.

    Attributes:
        name: indicator or group.
        kind: the score of the indicator, the weight in the parent, or how the members of the group are aggregated.
    """

    name: str
    kind: Kind


@dataclass(frozen=True)
class State:
    """Scores and how they are aggregated.

    Attributes:
        scores: points of the indicators by name, one per case; NaN where an indicator is not there.
        groups: parents and weights, a member always before the group it belongs to; the last one is the top.
        aggregation: how the members of each group are aggregated, by name of the group. What is there is aggregated,
            whatever its share.
    """

    scores: Columns
    groups: Sequence[Group]
    aggregation: Mapping[str, Aggregation]

    @classmethod
    def of(cls, index: Index, scores: Columns) -> "State":
        """The state of an index with given points."""
        return cls(scores, index.groups, {group.name: index.how(group.name) for group in index.groups})


def contributions(before: State, after: State) -> dict[Cause, Values]:
    """Contribution of every cause to the change of the top, one per case.

    Args:
        before: first state.
        after: second state. A name has the same parent in both, or is missing in one of them.

    Returns:
        By cause; they sum to the score of the second state minus that of the first, and are NaN where either has none.
        Every indicator has a cause of kind ``score``; weights and aggregations have one where they differ.

    Raises:
        UndefinedScore: the states differ in structure or number of cases, an aggregation is relative to other units, a
            mean is not defined on a score, or there are too many combinations.
    """
    _require_comparable(before, after)
    cases = len(next(iter(after.scores.values())))
    coalitions = _coalitions(_tree(before, after, slice(0, 1)))
    if coalitions > MOST_COALITIONS:
        raise UndefinedScore(
            "too many members", f"{coalitions} combinations, expected at most {MOST_COALITIONS}; divide large groups"
        )
    step = max(1, _NUMBERS_AT_ONCE // coalitions)
    batches = [_explained(_tree(before, after, slice(start, start + step))) for start in range(0, max(cases, 1), step)]
    return {cause: np.concatenate([batch[cause] for batch in batches]) for cause in batches[0]}


def contributions_to_score(state: State, baseline: float = 0.0) -> dict[Cause, Values]:
    """Contribution of every indicator to the score itself: to the change from all indicators at the baseline.

    From 0 points they add up to the score. From 100 points they add up to the score minus 100: what each one costs.

    Raises:
        UndefinedScore: see ``contributions``; geometric and harmonic means have no change from 0 unless they are taken
            above it.
    """
    start = {name: np.where(np.isnan(scores), np.nan, baseline) for name, scores in state.scores.items()}
    return contributions(replace(state, scores=start), state)


@dataclass(frozen=True)
class _Node:
    """A name in both states.

    Attributes:
        name: indicator or group.
        weights: in the parent, before and after.
        scores: before and after; NaN where the node is not there.
        how: aggregation of the members, before and after; none for an indicator.
        members: members of a group.
    """

    name: str
    weights: tuple[float, float]
    scores: tuple[Values, Values]
    how: tuple[Aggregation, Aggregation] | None = None
    members: tuple["_Node", ...] = ()

    def own_causes(self) -> list[Kind]:
        """What can be switched of the node beside its members, in the order of switches."""
        differs: dict[Kind, bool] = {
            "score": self.how is None,
            "aggregation": self.how is not None and self.how[0] != self.how[1],
            "weight": self.weights[0] != self.weights[1],
        }
        return [kind for kind, is_so in differs.items() if is_so]

    def switches(self) -> int:
        """Number of switches within the node: its members, then its own causes."""
        return len(self.members) + len(self.own_causes())

    def outcome(self, switched: NDArray[np.bool_], own: "_Outcome | None" = None, at: int = -1) -> "_Outcome":
        """Score and weight under combinations of switches.

        Args:
            switched: combinations × switches.
            own: outcome of one member that takes the place of its switch.
            at: position of that member.
        """
        causes = {kind: switched[:, len(self.members) + number] for number, kind in enumerate(self.own_causes())}
        weight = np.where(causes.get("weight", False), *reversed(self.weights)) * np.ones(len(switched))
        if self.how is None:
            return np.where(causes["score"], self.scores[1][:, np.newaxis], self.scores[0][:, np.newaxis]), weight
        outcomes = [
            own if own is not None and number == at else member.stated(switched[:, number])
            for number, member in enumerate(self.members)
        ]
        scores = np.stack([score for score, _ in outcomes], axis=-1)
        weights = np.stack([each for _, each in outcomes], axis=-1)
        before = combine(scores, weights, self.how[0])
        if "aggregation" not in causes:
            return before, weight
        return np.where(causes["aggregation"], combine(scores, weights, self.how[1]), before), weight

    def stated(self, is_after: NDArray[np.bool_]) -> "_Outcome":
        """Score and weight with everything within the node switched, or nothing."""
        score = np.where(is_after, self.scores[1][:, np.newaxis], self.scores[0][:, np.newaxis])
        return score, np.where(is_after, *reversed(self.weights))


_Outcome: TypeAlias = tuple[Values, Values]
"""Scores, cases × combinations, and weights, one per combination."""

_Respond: TypeAlias = Callable[[_Outcome], Values]
"""What the top is, cases × combinations, for outcomes of one node, averaged over what else may be switched."""


def _tree(before: State, after: State, cases: slice) -> _Node:
    """Both states as one tree. Where a state lacks a name its score is unknown and its weight does not matter."""
    members: dict[str, list[str]] = {}
    for state in (before, after):
        for group in state.groups:
            listed = members.setdefault(group.name, [])
            listed += [name for name in group.weights if name not in listed]
    weights = _weights(before), _weights_on_scale_of(before, after)
    size = len(next(iter(before.scores.values()))[cases])

    def points(state: State, name: str, stated: Mapping[str, float]) -> Values:
        is_there = name in stated and name in state.scores
        return state.scores[name][cases] if is_there else np.full(size, np.nan)

    def node(name: str) -> _Node:
        pair = _either(weights[0].get(name), weights[1].get(name)) if name != after.groups[-1].name else (1.0, 1.0)
        if name not in members:
            return _Node(name, pair, (points(before, name, weights[0]), points(after, name, weights[1])))
        how = _either(before.aggregation.get(name), after.aggregation.get(name))
        whole = replace(how[0], minimum_availability=0.0), replace(how[1], minimum_availability=0.0)
        below = tuple(node(member) for member in sorted(members[name]))
        group = _Node(name, pair, (np.empty(0), np.empty(0)), whole, below)
        first, last = group.outcome(np.array([[False], [True]]).repeat(group.switches(), axis=1))[0].T
        return replace(group, scores=(first, last))

    return node(after.groups[-1].name)


def _weights(state: State) -> dict[str, float]:
    return {name: float(weight) for group in state.groups for name, weight in group.weights.items()}


def _weights_on_scale_of(before: State, after: State) -> dict[str, float]:
    """Weights of the second state; where a group keeps its proportions, on the scale of the first: nothing changed."""
    stated, found = _weights(before), _weights(after)
    for group in after.groups:
        ratios = [found[name] / stated[name] for name in group.weights if name in stated]
        if ratios and np.allclose(ratios, ratios[0], rtol=1e-12, atol=0):
            found |= {name: stated.get(name, found[name] / ratios[0]) for name in group.weights}
    return found


def _either(before: _Stated | None, after: _Stated | None) -> tuple[_Stated, _Stated]:
    """Both; where one state does not say, what the other says."""
    first, last = (after if before is None else before), (before if after is None else after)
    assert first is not None and last is not None  # every name is in one of the states
    return first, last


def _explained(top: _Node) -> dict[Cause, Values]:
    start, end = top.scores
    is_defined = ~np.isnan(start) & ~np.isnan(end)

    def respond(outcome: _Outcome) -> Values:
        # On the way nothing may be left to aggregate; then the score is not known anew and stays what it was.
        return np.where(np.isnan(outcome[0]), start[:, np.newaxis], outcome[0])

    return {cause: np.where(is_defined, share, np.nan) for cause, share in _shares(top, respond).items()}


def _shares(node: _Node, respond: _Respond) -> dict[Cause, Values]:
    """Contributions of everything within a node."""
    count = node.switches()
    switched = _combinations(count)
    top = respond(node.outcome(switched))
    shares: dict[Cause, Values] = {}
    for number, member in enumerate(node.members):
        if member.own_causes() == ["score"]:
            shares[Cause(member.name, "score")] = _shapley(top, switched, number)
        else:
            shares |= _shares(member, _respond_of(node, number, respond))
    for number, kind in enumerate(node.own_causes(), start=len(node.members)):
        shares[Cause(node.name, kind)] = _shapley(top, switched, number)
    return shares


def _respond_of(node: _Node, member: int, respond: _Respond) -> _Respond:
    """What the top is for outcomes of a member, averaged over the other switches of its group."""
    others = np.insert(_combinations(node.switches() - 1), member, False, axis=1)
    odds = _odds(others.sum(axis=1), node.switches())

    def respond_of_member(outcome: _Outcome) -> Values:
        scores, weights = outcome
        tried = len(weights)
        repeated = scores.repeat(len(others), axis=1), weights.repeat(len(others))
        top = respond(node.outcome(np.tile(others, (tried, 1)), own=repeated, at=member))
        return top.reshape(len(scores), tried, len(others)) @ odds

    return respond_of_member


def _combinations(count: int) -> NDArray[np.bool_]:
    """All combinations of switches, one per row; the number of a row is the binary number of its switches."""
    return (np.arange(2**count)[:, np.newaxis] >> np.arange(count) & 1).astype(bool)


def _odds(switched_before: NDArray[np.int64], count: int) -> Values:
    """Chance that exactly these of ``count`` switches come before a given one in a random order."""
    return np.array([1 / (count * comb(count - 1, int(size))) for size in switched_before])


def _shapley(top: Values, switched: NDArray[np.bool_], number: int) -> Values:
    """Mean change that one switch makes over all orders of switching."""
    before = np.flatnonzero(~switched[:, number])
    odds = _odds(switched[before].sum(axis=1), switched.shape[1])
    return (top[:, before + 2**number] - top[:, before]) @ odds


def _coalitions(node: _Node, above: int = 1) -> int:
    """Most combinations that are tried at once to explain any group."""
    tried = above * 2 ** node.switches()
    below = above * 2 ** max(0, node.switches() - 1)
    return max([tried, *(_coalitions(member, below) for member in node.members if member.members)])


def _require_comparable(before: State, after: State) -> None:
    if before.groups[-1].name != after.groups[-1].name:
        raise UndefinedScore("another structure", f"the top is {before.groups[-1].name}, then {after.groups[-1].name}")
    parents: dict[str, set[str]] = {}
    for state in (before, after):
        for group in state.groups:
            for name in group.weights:
                parents.setdefault(name, set()).add(group.name)
            if state.aggregation[group.name].is_relative:
                raise UndefinedScore(
                    "relative aggregation", f"{group.name} counts units outranked, which other units change as well"
                )
    if len(sizes := {np.shape(scores) for state in (before, after) for scores in state.scores.values()}) > 1:
        raise UndefinedScore("another number of cases", f"expected one score per case everywhere, got shapes {sizes}")
    if moved := sorted(name for name, found in parents.items() if len(found) > 1):
        raise UndefinedScore("another structure", f"{', '.join(moved)} has another parent in the second state")
