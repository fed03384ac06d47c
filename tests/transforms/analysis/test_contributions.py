"""Contributions: by hand where a hand can, against the definition by all orders, and as laws."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanheng.transforms.analysis.contributions import Cause, State, contributions, contributions_to_score
from suanheng.transforms.scoring.aggregate import Aggregation, Group, aggregate_levels
from suanheng.transforms.scoring.values import UndefinedScore, as_values

ARITHMETIC = Aggregation()
GEOMETRIC = Aggregation("geometric", lowest=1)
HARMONIC = Aggregation("harmonic", lowest=1)
GENERALISED = Aggregation("generalised", lowest=1, exponent=-2.5)
KINDS = (ARITHMETIC, GEOMETRIC, HARMONIC, GENERALISED)

ABSENT = math.nan


def flat(how: Aggregation = ARITHMETIC, **scores_and_weights: tuple[float, float]) -> State:
    """A group of indicators, each with its score and its weight."""
    scores = {name: as_values([score]) for name, (score, _) in scores_and_weights.items()}
    group = Group("top", {name: weight for name, (_, weight) in scores_and_weights.items()})
    return State(scores, (group,), {"top": how})


def stated(found: dict[Cause, np.ndarray]) -> dict[str, float]:
    return {f"{cause.kind} of {cause.name}": float(share[0]) for cause, share in found.items()}


def test_of_an_arithmetic_mean_they_are_weight_times_change():
    found = contributions(flat(a=(10, 1), b=(50, 3)), flat(a=(30, 1), b=(40, 3)))

    assert stated(found) == pytest.approx({"score of a": 20 / 4, "score of b": -10 * 3 / 4})


def test_of_a_geometric_mean_of_two():
    # √(4 × 9) = 6 to √(16 × 25) = 20. a first: √(16 × 9) = 12, last: 20 - √(4 × 25) = 10: mean of 6 and 10 is 8
    before = flat(Aggregation("geometric"), a=(4, 1), b=(9, 1))
    after = flat(Aggregation("geometric"), a=(16, 1), b=(25, 1))

    assert stated(contributions(before, after)) == pytest.approx({"score of a": 8, "score of b": 6})


def test_a_changed_weight_has_its_own_contribution():
    # mean of 20 and 80 with weights 1:1 is 50, with 3:1 it is 35
    found = contributions(flat(a=(20, 1), b=(80, 1)), flat(a=(20, 3), b=(80, 1)))

    assert stated(found) == pytest.approx({"score of a": 0, "weight of a": -15, "score of b": 0})


def test_weights_that_keep_their_proportions_have_not_changed():
    # all doubled, and a third indicator as heavy as the first
    before, after = flat(a=(20, 1), b=(80, 3)), flat(a=(20, 2), b=(80, 6), c=(65, 2))

    assert stated(contributions(before, after)) == pytest.approx({"score of a": 0, "score of b": 0, "score of c": 0})
    assert stated(contributions(before, flat(a=(20, 2), b=(80, 6), c=(15, 2)))) == pytest.approx(
        {"score of a": 0, "score of b": 0, "score of c": -10}
    )


def test_another_kind_of_mean_has_its_own_contribution():
    # 50 arithmetic, 40 geometric
    found = contributions(flat(a=(20, 1), b=(80, 1)), flat(Aggregation("geometric"), a=(20, 1), b=(80, 1)))

    assert stated(found) == pytest.approx({"score of a": 0, "score of b": 0, "aggregation of top": -10})


def test_an_indicator_that_comes_or_goes():
    # b comes: 20 alone, then the mean of 20 and 80
    assert stated(contributions(flat(a=(20, 1), b=(ABSENT, 1)), flat(a=(20, 1), b=(80, 1)))) == pytest.approx(
        {"score of a": 0, "score of b": 30}
    )
    # and it may be unknown to the methodology before
    assert stated(contributions(flat(a=(20, 1)), flat(a=(20, 1), b=(80, 1)))) == pytest.approx(
        {"score of a": 0, "score of b": 30}
    )


def test_one_goes_and_another_comes():
    # 20 to 80. If a goes first nothing is left and the score stays at 20: 0 and 60; if b comes first it is 50 on the
    # way: 30 and 30
    found = contributions(flat(a=(20, 1), b=(ABSENT, 1)), flat(a=(ABSENT, 1), b=(80, 1)))

    assert stated(found) == pytest.approx({"score of a": 15, "score of b": 45})


def test_where_either_state_has_no_score_there_is_nothing_to_explain():
    found = contributions(flat(a=(ABSENT, 1)), flat(a=(20, 1)))

    assert math.isnan(found[Cause("a", "score")][0])


GROUPS = (
    Group("left", {"a": 1, "b": 2}),
    Group("right", {"c": 1, "d": 1, "e": 3}),
    Group("top", {"left": 2, "right": 1}),
)
CHANGED = (
    Group("left", {"a": 1, "b": 1}),
    Group("right", {"c": 1, "d": 1, "e": 3}),
    Group("top", {"left": 1, "right": 1}),
)
NAMES = "abcde"


def two_levels(scores: list[float], groups: tuple, inner: Aggregation, outer: Aggregation) -> State:
    return State(
        {name: as_values([value]) for name, value in zip(NAMES, scores, strict=True)},
        groups,
        {"left": inner, "right": inner, "top": outer},
    )


def composite(state: State) -> float:
    loose = {name: Aggregation(how.method, how.lowest, how.exponent, 0.0) for name, how in state.aggregation.items()}
    return float(aggregate_levels(state.scores, state.groups, loose)["top"][0])


def by_all_orders(before: State, after: State) -> dict[str, float]:
    """Owen values by their definition: the mean over all orders in which groups stay together."""
    groups = {"left": "ab", "right": "cde"}
    total = dict.fromkeys(NAMES, 0.0)
    orders = [
        [name for part in parts for name in part]
        for outer in permutations(groups)
        for inner in permutations(groups[outer[0]])
        for last in permutations(groups[outer[1]])
        for parts in [(inner, last)]
    ]
    for order in orders:
        scores = dict(before.scores)
        for name in order:
            start = composite(State(scores, before.groups, before.aggregation))
            scores[name] = after.scores[name]
            total[name] += composite(State(scores, before.groups, before.aggregation)) - start
    return {name: share / len(orders) for name, share in total.items()}


@pytest.mark.parametrize("outer", KINDS, ids=lambda how: how.method)
def test_they_are_the_mean_over_all_orders_within_groups(outer: Aggregation):
    before = two_levels([10, 80, 55, 0, 30], GROUPS, GEOMETRIC, outer)
    after = two_levels([70, 20, 55, 40, 100], GROUPS, GEOMETRIC, outer)

    found = contributions(before, after)

    expected = by_all_orders(before, after)
    assert {cause.name: float(share[0]) for cause, share in found.items()} == pytest.approx(expected)


SCORE = st.one_of(st.floats(0, 100), st.just(0.0), st.just(100.0))
SCORES = st.lists(st.one_of(SCORE, st.just(ABSENT)), min_size=5, max_size=5)
KNOWN_SCORES = st.lists(SCORE, min_size=5, max_size=5)
HOW = st.sampled_from(KINDS)


@given(
    before=SCORES,
    after=SCORES,
    inner=st.tuples(HOW, HOW),
    outer=st.tuples(HOW, HOW),
    groups=st.sampled_from([GROUPS, CHANGED]),
)
def test_they_add_up_to_the_change_whatever_changes(
    before: list, after: list, inner: tuple, outer: tuple, groups: tuple
):
    first = two_levels(before, GROUPS, inner[0], outer[0])
    last = two_levels(after, groups, inner[1], outer[1])

    total = sum(contributions(first, last).values())[0]

    change = composite(last) - composite(first)
    assert math.isnan(total) == math.isnan(change)
    assert math.isnan(change) or total == pytest.approx(change, abs=1e-9)


@given(before=SCORES, after=SCORES, inner=HOW, outer=HOW, which=st.integers(0, 4))
def test_what_does_not_change_contributes_nothing(before: list, after: list, inner, outer, which: int):
    after = [*after[:which], before[which], *after[which + 1 :]]
    found = contributions(two_levels(before, GROUPS, inner, outer), two_levels(after, GROUPS, inner, outer))

    share = found[Cause(NAMES[which], "score")][0]
    assert math.isnan(share) or share == pytest.approx(0, abs=1e-9)


@given(before=KNOWN_SCORES, after=KNOWN_SCORES, inner=HOW, outer=HOW)
def test_there_and_back_is_nothing(before: list, after: list, inner, outer):
    first, last = two_levels(before, GROUPS, inner, outer), two_levels(after, GROUPS, inner, outer)

    there, back = contributions(first, last), contributions(last, first)

    for cause, share in there.items():
        assert share[0] == pytest.approx(-back[cause][0], abs=1e-9)


@given(scores=KNOWN_SCORES, inner=HOW, outer=HOW)
def test_contributions_to_the_score_add_up_to_it(scores: list, inner, outer):
    state = two_levels(scores, GROUPS, inner, outer)

    from_nothing, from_best = contributions_to_score(state), contributions_to_score(state, baseline=100)

    assert sum(from_nothing.values())[0] == pytest.approx(composite(state), abs=1e-9)
    assert sum(from_best.values())[0] == pytest.approx(composite(state) - 100, abs=1e-9)
    assert all(share[0] >= -1e-9 for share in from_nothing.values())


def test_many_cases_are_each_as_alone():
    generator = np.random.default_rng(2)
    before, after = generator.uniform(0, 100, (2, 5, 40))
    states = [
        State(dict(zip(NAMES, scores, strict=True)), GROUPS, dict.fromkeys(("left", "right", "top"), GEOMETRIC))
        for scores in (before, after)
    ]

    together = contributions(*states)

    for case in (0, 17, 39):
        alone = contributions(
            two_levels(before[:, case].tolist(), GROUPS, GEOMETRIC, GEOMETRIC),
            two_levels(after[:, case].tolist(), GROUPS, GEOMETRIC, GEOMETRIC),
        )
        for cause, share in together.items():
            assert share[case] == pytest.approx(alone[cause][0])


def test_what_cannot_be_compared_is_refused():
    state = two_levels([1, 2, 3, 4, 5], GROUPS, ARITHMETIC, ARITHMETIC)
    moved = (Group("left", {"a": 1}), Group("right", {"b": 1, "c": 1, "d": 1, "e": 3}), GROUPS[2])
    with pytest.raises(UndefinedScore, match="another structure: b has another parent"):
        contributions(state, two_levels([1, 2, 3, 4, 5], moved, ARITHMETIC, ARITHMETIC))
    with pytest.raises(UndefinedScore, match="another structure: the top is"):
        contributions(flat(a=(1, 1)), State({"a": as_values([1])}, (Group("peak", {"a": 1}),), {"peak": ARITHMETIC}))
    with pytest.raises(UndefinedScore, match="relative aggregation"):
        contributions(flat(Aggregation("copeland"), a=(1, 1)), flat(Aggregation("copeland"), a=(2, 1)))
    with pytest.raises(UndefinedScore, match="geometric mean of zero"):
        contributions_to_score(flat(Aggregation("geometric"), a=(50, 1), b=(60, 1)))
    with pytest.raises(UndefinedScore, match="another number of cases"):
        contributions(flat(a=(1, 1)), State({"a": as_values([1, 2])}, (Group("top", {"a": 1}),), {"top": ARITHMETIC}))
    crowd = {f"i{number}": (50.0, 1.0) for number in range(19)}
    with pytest.raises(UndefinedScore, match="too many members: 524288 combinations"):
        contributions(flat(**crowd), flat(**crowd))
