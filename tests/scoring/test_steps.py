"""The generic steps: denominate, impute, treat, normalise, weigh, aggregate, grade."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from suanheng.transforms.scoring.aggregate import Group, aggregate, aggregate_above, aggregate_levels
from suanheng.transforms.scoring.denominate import denominate
from suanheng.transforms.scoring.evaluability import evaluability
from suanheng.transforms.scoring.grade import Band, grade, grade_of_interval
from suanheng.transforms.scoring.impute import impute
from suanheng.transforms.scoring.interval import Interval
from suanheng.transforms.scoring.normalise import (
    distance_to_maximum,
    distance_to_reference,
    distance_to_target,
    goalposts,
    min_max,
    orient,
    percentile,
    rank,
    z_score,
)
from suanheng.transforms.scoring.treat import is_skewed, kurtosis, logarithm, skewness, treat, winsorise
from suanheng.transforms.scoring.values import UndefinedScore, Values, as_values
from suanheng.transforms.scoring.weigh import entropy_weights

NAN = math.nan
TWO_OUTLIERS = as_values([*range(1, 11), 30, 100])

SCORES = arrays(np.float64, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(1, 100))
WEIGHTS = arrays(np.float64, 4, elements=st.floats(0.1, 10))
COLUMNS = arrays(np.float64, st.integers(2, 12), elements=st.integers(-1000, 1000).map(float))


def same(computed: Values, expected: list[float]) -> bool:
    return computed.tolist() == pytest.approx(expected, nan_ok=True)


# denominate


def test_denominate():
    assert same(denominate(as_values([10, None, 6]), as_values([4, 2, None])), [2.5, NAN, NAN])


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_must_be_positive(size: float):
    with pytest.raises(UndefinedScore, match="denominator not above zero"):
        denominate(as_values([1]), as_values([size]))


# impute


def test_nothing_is_imputed_by_default():
    assert same(impute(as_values([1, None])), [1, NAN])


@pytest.mark.parametrize(("method", "expected"), [("mean", 4), ("median", 2)])
def test_impute(method: str, expected: float):
    assert same(impute(as_values([1, 2, 9, None]), method), [1, 2, 9, expected])


def test_impute_within_groups():
    values, groups = as_values([1, 3, None, 10, None, None]), ["a", "a", "a", "b", "b", "c"]

    # b has one observation, c none
    assert same(impute(values, "mean", groups), [1, 3, 2, 10, 10, NAN])


@given(values=COLUMNS, gaps=st.integers(0, 2**12))
def test_observed_values_are_never_changed(values: Values, gaps: int):
    column = np.where([gaps >> i & 1 for i in range(len(values))], NAN, values)

    filled = impute(column, "mean")

    assert np.array_equal(filled[~np.isnan(column)], column[~np.isnan(column)])


# treat


def test_skewness_and_kurtosis_as_spreadsheets_give_them():
    # mean 4, squares 9+4+1+0+36 = 50, cubes -27-8-1+0+216 = 180, fourth powers 81+16+1+0+1296 = 1394 (n = 5):
    # skewness 180/5 ÷ (50/5)^1.5 × sqrt(20)/3 = 1.6970563; kurtosis (6 × (1394/5 ÷ 100 - 3) + 6) × 4 ÷ (3 × 2)
    values = as_values([1, 2, 3, 4, 10])

    assert skewness(values) == pytest.approx(1.6970562748)
    assert kurtosis(values) == pytest.approx(3.152)


def test_winsorising_stops_as_soon_as_the_column_is_no_longer_skewed():
    treated = winsorise(TWO_OUTLIERS)

    # 100 becomes 30; skewness is then 1.7, below 2
    assert treated.values.tolist() == [*range(1, 11), 30, 30]
    assert (treated.lowered, treated.raised, treated.treatment) == (1, 0, "winsorised")


def test_low_outliers_are_raised():
    treated = winsorise(-TWO_OUTLIERS)

    assert treated.values.tolist() == [-x for x in [*range(1, 11), 30, 30]]
    assert (treated.lowered, treated.raised) == (0, 1)


def test_what_winsorising_cannot_cure_gets_logarithms_of_the_original():
    column = as_values([*range(1, 21), 1000, 2000, 4000])

    treated = treat(column, winsorise_at_most=1)

    assert treated.treatment == "logarithm"
    # the smallest: ln(0 + 0.01 × 3999); the largest: ln(3999 + 39.99)
    assert treated.values[[0, -1]].tolist() == pytest.approx([math.log(39.99), math.log(4038.99)])


@pytest.mark.parametrize("values", [[1, 2, 3], [5, 5, 5, 5, 5], [1, 2, None, 1000]])
def test_short_and_constant_columns_are_left_alone(values: list):
    assert same(treat(as_values(values)).values, as_values(values).tolist())


@given(values=COLUMNS)
def test_treatment_keeps_the_order(values: Values):
    treated = treat(values).values

    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(treated[order]) >= 0)


@given(values=COLUMNS)
def test_a_winsorised_column_is_cured_or_given_up(values: Values):
    treated = winsorise(values)

    assert not is_skewed(treated.values) or treated.raised + treated.lowered >= 5


def test_logarithm_of_a_constant_column_is_refused():
    with pytest.raises(UndefinedScore, match="constant column"):
        logarithm(as_values([2, 2]))


# normalise


def test_goalposts():
    # PUE between 1.5 and 1.1: 1.3 is half way; beyond the posts it is cut off
    assert same(goalposts(as_values([1.3, 1.0, 2.0, None]), 1.5, 1.1), [50, 100, 0, NAN])


def test_equal_goalposts_are_refused():
    with pytest.raises(UndefinedScore, match="equal goalposts"):
        goalposts(as_values([1]), 2, 2)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (min_max, [0, 25, 100, NAN]),
        # mean 5, sample standard deviation sqrt((9 + 4 ... )): of 2, 4, 10 it is mean 16/3, s = sqrt(52/3) = 4.1633
        (z_score, [-0.80064, -0.32026, 1.12090, NAN]),
        (rank, [3, 2, 1, NAN]),
        (percentile, [0, 50, 100, NAN]),
        (distance_to_maximum, [0, 25, 100, NAN]),
        (lambda v: distance_to_target(v, 6), [0, 50, 100, NAN]),
        (lambda v: distance_to_reference(v, 6), [0, 50, 200, NAN]),
    ],
    ids=["min_max", "z_score", "rank", "percentile", "maximum", "target", "reference"],
)
def test_relative_methods(method, expected: list[float]):
    assert method(as_values([2, 4, 10, None])).tolist() == pytest.approx(expected, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("method", [min_max, z_score, distance_to_maximum])
@pytest.mark.parametrize(
    ("values", "case"),
    [([3, 3, 3], "constant column"), ([3, None], "single observation"), ([None, None], "no observation")],
)
def test_undefined_cases_are_refused_by_name(method, values: list, case: str):
    with pytest.raises(UndefinedScore) as refusal:
        method(as_values(values))

    assert refusal.value.case == case


def test_a_target_that_all_have_passed_is_no_yardstick():
    with pytest.raises(UndefinedScore, match="reference not better than the worst"):
        distance_to_target(as_values([5, 6]), 5)


def test_ties_share_the_better_rank_and_nothing_is_rounded():
    assert rank(as_values([80.001, 80.002, 80.002, 10])).tolist() == [3, 1, 1, 4]


def test_percentile_of_ties():
    assert percentile(as_values([1, 2, 2, 3, 4])).tolist() == [0, 25, 25, 75, 100]


@given(values=COLUMNS, factor=st.sampled_from([0.001, 1000, 3.6]))
def test_another_unit_changes_no_score(values: Values, factor: float):
    assume(values.min() < values.max())

    for method in (min_max, z_score, percentile, rank, distance_to_maximum):
        assert method(values * factor) == pytest.approx(method(values))
    assert goalposts(values * factor, -10 * factor, 7 * factor) == pytest.approx(goalposts(values, -10, 7))


@given(values=COLUMNS, seed=st.integers(0, 99))
def test_the_order_of_units_does_not_matter(values: Values, seed: int):
    assume(values.min() < values.max())
    order = np.random.default_rng(seed).permutation(len(values))

    for method in (min_max, percentile, rank):
        assert np.array_equal(method(values[order]), method(values)[order])


@given(values=COLUMNS)
def test_lower_is_better_mirrors_higher_is_better(values: Values):
    assume(values.min() < values.max())

    assert min_max(orient(values, "lower")) == pytest.approx(100 - min_max(values))


@given(values=COLUMNS, others=COLUMNS)
def test_goalposts_do_not_depend_on_other_units(values: Values, others: Values):
    together = goalposts(np.concatenate([values, others]), 0, 10)

    assert np.array_equal(together[: len(values)], goalposts(values, 0, 10))


# weigh


def test_entropy_weights():
    # W17: a constant indicator weighs nothing; the other then has all weight
    assert entropy_weights(as_values([[1, 2], [1, 6]])).tolist() == [0, 1]


def test_entropy_weights_of_two_varying_indicators():
    # shares ½ ½ → e = 1 only if equal; (¼, ¾): e = (¼ ln 4 + ¾ ln 4/3) ÷ ln 2 = 0.8112781; (0, 1): e = 0
    # divergences 0.1887219 and 1, so weights 0.1887219 ÷ 1.1887219 and 1 ÷ 1.1887219
    weights = entropy_weights(as_values([[1, 0], [3, 5]]))

    assert weights.tolist() == pytest.approx([0.1587603, 0.8412397])


@pytest.mark.parametrize(
    ("columns", "case"),
    [
        ([[1, 2]], "single observation"),  # W17: ln 1 = 0
        ([[1, 2], [1, 2]], "constant column"),
        ([[1, None], [2, 3]], "unknown value"),
        ([[0, 1], [0, 2]], "share of nothing"),
        ([[-1, 1], [3, 2]], "share of nothing"),
    ],
)
def test_undefined_entropy_weights_are_refused(columns: list, case: str):
    with pytest.raises(UndefinedScore) as refusal:
        entropy_weights(as_values(columns))

    assert refusal.value.case == case


# aggregate


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("arithmetic", 65.0),  # (20 + 3 × 80) ÷ 4
        ("geometric", 56.5685424949),  # (20 × 80³)^¼ = 40 √2
        ("harmonic", 45.7142857143),  # 4 ÷ (1/20 + 3/80)
    ],
)
def test_means(method: str, expected: float):
    assert aggregate(as_values([[20, 80]]), as_values([1, 3]), method).tolist() == pytest.approx([expected])


@pytest.mark.parametrize("method", ["geometric", "harmonic"])
def test_means_that_zero_would_wipe_out_are_refused(method: str):
    # W18
    with pytest.raises(UndefinedScore, match=f"{method} mean of zero: .*rescale"):
        aggregate(as_values([[0, 80]]), as_values([1, 1]), method)


def test_weights_must_be_above_zero():
    with pytest.raises(UndefinedScore, match="weight not above zero"):
        aggregate(as_values([[1, 2]]), as_values([1, 0]), "arithmetic")


@pytest.mark.parametrize(
    ("availability", "expected"), [(1.0, [NAN, NAN, NAN]), (2 / 3, [30, NAN, NAN]), (0.0, [30, 90, NAN])]
)
def test_too_few_members_give_no_mean(availability: float, expected: list[float]):
    scores = as_values([[20, 40, None], [None, 90, None], [None, None, None]])

    assert same(aggregate(scores, as_values([1, 1, 1]), "arithmetic", availability), expected)


def test_any_number_of_levels():
    columns = {"a": as_values([10]), "b": as_values([30]), "c": as_values([80]), "d": as_values([40])}
    groups = [Group("ab", {"a": 1, "b": 1}), Group("abc", {"ab": 1, "c": 2}), Group("all", {"abc": 1, "d": 1})]

    scores = aggregate_levels(columns, groups, "arithmetic")

    # ab 20; abc (20 + 160) ÷ 3 = 60; all 50
    assert {name: score.tolist() for name, score in scores.items()} == {"ab": [20], "abc": [60], "all": [50]}


def test_on_1_to_100_a_zero_is_defined():
    # members 0 and 100 become 1 and 100: √100 = 10; back (10 - 1) ÷ 0.99
    assert aggregate_above(as_values([[0, 100]]), as_values([1, 1]), "geometric", 1).tolist() == pytest.approx(
        [9.0909091]
    )


@pytest.mark.parametrize("edge", [0.0, 100.0])
def test_the_ends_of_the_scale_stay_where_they_are(edge: float):
    assert aggregate_above(as_values([[edge, edge]]), as_values([1, 2]), "geometric", 1).tolist() == pytest.approx(
        [edge]
    )


@given(scores=SCORES, weights=WEIGHTS)
def test_harmonic_at_most_geometric_at_most_arithmetic(scores: Values, weights: Values):
    harmonic, geometric, arithmetic = (aggregate(scores, weights, m) for m in ("harmonic", "geometric", "arithmetic"))

    assert np.all(harmonic <= geometric * (1 + 1e-12))
    assert np.all(geometric <= arithmetic * (1 + 1e-12))
    assert np.all(arithmetic <= scores.max(axis=1) * (1 + 1e-12))
    assert np.all(harmonic >= scores.min(axis=1) * (1 - 1e-12))


@given(scores=SCORES, weights=WEIGHTS, seed=st.integers(0, 99))
def test_the_order_of_members_does_not_matter(scores: Values, weights: Values, seed: int):
    order = np.random.default_rng(seed).permutation(4)

    for method in ("arithmetic", "geometric", "harmonic"):
        assert aggregate(scores[:, order], weights[order], method) == pytest.approx(aggregate(scores, weights, method))


@given(scores=SCORES, weights=WEIGHTS, factor=st.floats(0.01, 100))
def test_only_the_proportions_of_weights_matter(scores: Values, weights: Values, factor: float):
    for method in ("arithmetic", "geometric", "harmonic"):
        assert aggregate(scores, weights * factor, method) == pytest.approx(aggregate(scores, weights, method))


# interval, grade, evaluability

BANDS = (Band("A", 80), Band("B", 60), Band("C", 0))


def test_the_unknown_spans_the_whole_scale():
    interval = Interval.of(as_values([40, None]))

    assert interval.low.tolist() == [40, 0]
    assert interval.high.tolist() == [40, 100]
    assert interval.columns()["score"].to_list() == [40, None]


@pytest.mark.parametrize(("score", "expected"), [(100, "A"), (80, "A"), (79.9999, "B"), (60, "B"), (0, "C")])
def test_grades_are_of_unrounded_scores(score: float, expected: str):
    assert grade(score, BANDS) == expected


@pytest.mark.parametrize("lowest", [20.0, 40.0, 60.0, 80.0])
def test_equal_dimensions_at_the_edge_of_a_band_get_its_grade(lowest: float):
    five = as_values([[lowest] * 5])

    (score,) = aggregate_above(five, as_values([1] * 5), "geometric", 1)

    assert grade(score, (Band("in", lowest), Band("below", 0))) == "in"


@pytest.mark.parametrize(("low", "high", "expected"), [(60, 79.9, "B"), (79, 81, None), (0, 100, None)])
def test_grade_of_an_interval(low: float, high: float, expected: str | None):
    assert grade_of_interval(low, high, BANDS) == expected


def test_evaluability():
    weights = as_values([1, 1, 2])
    is_firm = np.array([[True, False, True]])
    coverage = as_values([[0.5, 1.0, 1.0]])

    # (1 × 0.5 + 0 + 2 × 1) ÷ 4
    assert evaluability(weights, is_firm, coverage).tolist() == [0.625]
