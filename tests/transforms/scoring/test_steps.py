"""The generic steps: denominate, screen, impute, treat, normalise, weigh, aggregate, grade."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from suanheng.transforms.analysis.table_steps import (
    Screening,
    Treatment,
    box_cox,
    denominate,
    impute,
    impute_panel,
    impute_rows,
    is_skewed,
    kurtosis,
    logarithm,
    screen,
    skewness,
    treat,
    winsorise,
)
from suanheng.transforms.analysis.weights import (
    ahp_weights,
    entropy_weights,
    equal_weights,
    pca_weights,
    principal_loadings,
)
from suanheng.transforms.scoring.aggregate import (
    Aggregation,
    Group,
    aggregate,
    aggregate_above,
    aggregate_levels,
    by_level,
    combine,
    heights,
)
from suanheng.transforms.scoring.evaluability import evaluability
from suanheng.transforms.scoring.grade import Band, grade, grade_of_interval
from suanheng.transforms.scoring.interval import Interval
from suanheng.transforms.scoring.normalise import (
    Normalisation,
    Yardstick,
    ascending_rank,
    borda,
    distance_to_maximum,
    distance_to_reference,
    distance_to_target,
    fraction_of_maximum,
    goalposts,
    min_max,
    normalise,
    orient,
    percentile,
    rank,
    z_score,
)
from suanheng.transforms.scoring.values import UndefinedScore, Values, as_values

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


ROWS = {"cheap": as_values([10, 20, None]), "good": as_values([0, 5, 10]), "late": as_values([None, 4, 2])}
BETTER = {"cheap": "lower", "good": "higher", "late": "lower"}


def test_impute_by_row_takes_the_position_in_the_other_indicators():
    one_category = dict.fromkeys(ROWS, "all")

    filled = impute_rows(ROWS, BETTER, "mean", one_category)

    # positions: cheap 1, 0, ?; good 0, ½, 1; late ?, 0, 1. The third unit: mean of 1 and 1, so the best of cheap, 10.
    # The first unit: mean of 1 and 0, so half way between 4 and 2.
    assert filled["cheap"].tolist() == [10, 20, 10]
    assert filled["late"].tolist() == [3, 4, 2]


def test_impute_by_category_asks_its_own_category_only():
    filled = impute_rows(ROWS, BETTER, "mean", {"cheap": "cost", "late": "cost", "good": "quality"})

    # first unit: cheap alone says 1, the best of late; third: late says 1, the best of cheap
    assert filled["late"].tolist() == [2, 4, 2]
    assert filled["cheap"].tolist() == [10, 20, 10]


def test_a_unit_without_any_value_in_a_category_keeps_its_gap():
    columns = {"a": as_values([1, 2, None]), "b": as_values([3, 4, None])}

    filled = impute_rows(columns, {"a": "higher", "b": "higher"}, "mean", {"a": "x", "b": "x"})

    assert same(filled["a"], [1, 2, NAN])


@pytest.mark.parametrize(
    ("method", "filled"),
    [
        # what COINr's tests expect (tests/testthat/test-impute_panel.R), and a value before the first for "latest"
        ("latest", {"i1": [1, 2, 3], "i2": [3, 3, 5], "i3": [None, 5, 6], "i4": [7, 8, 8]}),
        ("constant", {"i1": [1, 2, 3], "i2": [3, 3, 5], "i3": [5, 5, 6], "i4": [7, 8, 8]}),
        ("linear", {"i1": [1, 2, 3], "i2": [3, 4, 5], "i3": [5, 5, 6], "i4": [7, 8, 8]}),
    ],
)
def test_impute_panel(method: str, filled: dict):
    panel = pl.DataFrame(
        {
            "unit": ["A", "A", "A", "B"],
            "year": [2020, 2021, 2022, 2021],
            "i1": [1, 2, 3, 9],
            "i2": [3, None, 5, 9],
            "i3": [None, 5, 6, None],
            "i4": [7, 8, None, 9],
        }
    )

    result = impute_panel(panel, "unit", "year", list(filled), method)

    assert result.filter(unit="A").select(*filled).to_dict(as_series=False) == filled
    # years are not units: B, seen once, is filled from nobody else
    assert result.filter(unit="B")["i3"].to_list() == [None]


def test_the_latest_value_is_carried_only_so_far():
    panel = pl.DataFrame({"unit": ["A"] * 4, "year": [1, 2, 3, 4], "x": [5.0, None, None, None]})

    assert impute_panel(panel, "unit", "year", ["x"], at_most=2)["x"].to_list() == [5, 5, 5, None]


def test_a_straight_line_minds_unequal_times_and_any_order_of_rows():
    panel = pl.DataFrame({"unit": ["A"] * 3, "year": [2024, 2020, 2021], "x": [9.0, 1.0, None]})

    # one of four years on the way from 1 to 9
    assert impute_panel(panel, "unit", "year", ["x"], "linear")["x"].to_list() == [1, 3, 9]


# screen

SPARSE = pl.DataFrame(
    {"unit": ["full", "half", "zero", "none"], "a": [1.0, None, 0.0, NAN], "b": [2.0, 3.0, 0.0, None]}
)


def test_screening_by_availability_and_by_zeros():
    judged = screen(SPARSE, "unit", ["a", "b"], Screening(minimum_availability=0.75, minimum_nonzero=0.05))

    assert judged["availability"].to_list() == [1, 0.5, 1, 0]
    assert judged["nonzero"].to_list() == [1, 1, 0, None]
    assert judged["is_included"].to_list() == [True, False, False, False]


def test_nobody_is_screened_out_by_default_and_exceptions_are_obeyed():
    assert screen(SPARSE, "unit", ["a", "b"], Screening())["is_included"].to_list() == [True] * 4
    exceptions = Screening(minimum_availability=1.0, exceptions={"none": True, "full": False})
    assert screen(SPARSE, "unit", ["a", "b"], exceptions)["is_included"].to_list() == [False, False, True, True]


# treat


@given(values=arrays(np.float64, st.integers(5, 40), elements=st.integers(-1000, 1000).map(float)))
def test_skewness_and_kurtosis_are_those_of_scipy(values: Values):
    assume(len(set(values)) > 1)

    assert skewness(values) == pytest.approx(stats.skew(values, bias=False))
    assert kurtosis(values) == pytest.approx(stats.kurtosis(values, bias=False))


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

    treated = treat(column, Treatment(winsorise_at_most=1))

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


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (0.0, [0, math.log(4), math.log(9)]),
        (0.5, [0, 2, 4]),  # (√y - 1) ÷ ½ of 1, 4, 9
        (1.0, [0, 3, 8]),
    ],
)
def test_box_cox(power: float, expected: list[float]):
    assert box_cox(as_values([-1, 2, 7]), power).tolist() == pytest.approx(expected)


def test_box_cox_takes_the_most_likely_power_of_each_column():
    columns = as_values([[1, 1], [2, 4], [4, 9], [9, 16], [30, 25]])

    transformed = box_cox(columns)

    for column, found in zip(columns.T, transformed.T, strict=True):
        y = column - column.min() + 1
        powers = np.linspace(-2, 2, 4001)
        powers = powers[powers != 0]
        # log-likelihood of Box and Cox (1964): (λ - 1) Σ ln y - n/2 ln(variance of the transformed)
        likelihood = [(p - 1) * np.log(y).sum() - len(y) / 2 * np.log(np.var((y**p - 1) / p)) for p in powers]
        best = powers[int(np.argmax(likelihood))]
        assert found == pytest.approx((y**best - 1) / best, rel=5e-3)


def test_what_stays_skewed_can_be_left_or_get_a_box_cox_transformation():
    column = as_values([*range(1, 21), 1000, 2000, 4000])

    assert treat(column, Treatment(1, "none")).treatment == "winsorised"
    assert treat(column, Treatment(1, "box_cox")).values.tolist() == box_cox(column).tolist()


@given(columns=arrays(np.float64, (9, 5), elements=st.integers(-50, 50).map(lambda x: float(x**3))))
def test_columns_side_by_side_are_treated_like_each_alone(columns: Values):
    together = treat(columns, Treatment(3))

    for number, column in enumerate(columns.T):
        alone = treat(column, Treatment(3))
        assert together.values[:, number] == pytest.approx(alone.values)
        assert (together.raised[number], together.lowered[number]) == (alone.raised, alone.lowered)
        assert together.treatment[number] == alone.treatment


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


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("rank", [1, 2, 2, 4, NAN]),  # as COINr's n_rank: 1 is the worst, so that higher is better
        ("borda", [0, 1, 1, 3, NAN]),
        ("percentile", [0, 100 / 3, 100 / 3, 100, NAN]),
        ("fraction_of_maximum", [20, 40, 40, 100, NAN]),
        ("distance_to_target", [0, 50, 50, 100, NAN]),
        ("distance_to_reference", [0, 50, 50, 200, NAN]),
        ("distance_to_maximum", [0, 25, 25, 100, NAN]),
        ("goalposts", [20, 40, 40, 100, NAN]),
    ],
)
def test_every_method_by_its_name(method: str, expected: list[float]):
    points = normalise(as_values([2, 4, 4, 10, None]), Normalisation(method), Yardstick("higher", 0, 10, target=6))

    assert same(points, expected)


def test_methods_with_a_scale():
    values, yardstick = as_values([2, 4, 6]), Yardstick("lower")

    assert same(normalise(values, Normalisation("min_max", (1, 100)), yardstick), [100, 50.5, 1])
    assert same(normalise(values, Normalisation("z_score", (10, 2)), yardstick), [12, 10, 8])
    with pytest.raises(ValueError, match="rank has no scale"):
        Normalisation("rank", (0, 1))


def test_a_target_of_an_indicator_in_which_lower_is_better():
    # from the worst, 10, to the target, 6: 8 is half way; 2 is beyond
    yardstick = Yardstick("lower", target=6)

    assert same(normalise(as_values([10, 8, 2]), Normalisation("distance_to_target"), yardstick), [0, 50, 100])


@pytest.mark.parametrize("method", ["goalposts", "distance_to_target"])
def test_a_missing_yardstick_is_refused(method: str):
    with pytest.raises(UndefinedScore, match=r"no (goalpost at 0|target): the method needs it"):
        normalise(as_values([1, 2]), Normalisation(method), Yardstick())


@pytest.mark.parametrize("values", [[-1, 2], [0, 0], [-2, -1]])
def test_no_fraction_of_a_maximum_that_is_not_above_zero(values: list):
    with pytest.raises(UndefinedScore, match="fraction of a maximum not above zero"):
        fraction_of_maximum(as_values(values))


def test_many_replicates_are_normalised_like_each_alone():
    replicates = as_values([[1, 5], [2, 9], [4, 7]])

    for method in (min_max, z_score, rank, ascending_rank, borda, percentile, distance_to_maximum, fraction_of_maximum):
        together = method(replicates)
        for number in (0, 1):
            assert together[:, number] == pytest.approx(method(replicates[:, number]))


@pytest.mark.parametrize("method", [min_max, z_score, percentile, distance_to_maximum])
@pytest.mark.parametrize(("values", "case"), [([3, None], "single observation"), ([None, None], "no observation")])
def test_p18_too_few_observations_are_refused_by_name(method, values: list, case: str):
    with pytest.raises(UndefinedScore) as refusal:
        method(as_values(values))

    assert refusal.value.case == case


def test_p18_scores_a_billionth_apart_are_two_ranks():
    assert rank(as_values([50.0, 50.0 + 1e-9, 50.0])).tolist() == [2, 1, 2]


def test_p18_one_observation_fills_a_column_and_no_observation_leaves_it():
    assert same(impute(as_values([None, 7, None]), "mean"), [7, 7, 7])
    assert same(impute(as_values([None, None]), "median"), [NAN, NAN])


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


def test_w17_entropy_gives_a_constant_indicator_no_weight():
    # a constant indicator weighs nothing; the other then has all weight
    assert entropy_weights(as_values([[1, 2], [1, 6]])).tolist() == [0, 1]


def test_entropy_weights_of_two_varying_indicators():
    # shares ½ ½ → e = 1 only if equal; (¼, ¾): e = (¼ ln 4 + ¾ ln 4/3) ÷ ln 2 = 0.8112781; (0, 1): e = 0
    # divergences 0.1887219 and 1, so weights 0.1887219 ÷ 1.1887219 and 1 ÷ 1.1887219
    weights = entropy_weights(as_values([[1, 0], [3, 5]]))

    assert weights.tolist() == pytest.approx([0.1587603, 0.8412397])


@pytest.mark.parametrize(
    ("columns", "case"),
    [
        ([[1, 2]], "single observation"),
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


def test_w17_entropy_of_one_centre_is_refused():
    # ln 1 = 0
    with pytest.raises(UndefinedScore, match="single observation: entropy divides by ln n"):
        entropy_weights(as_values([[1, 2, 3]]))


def test_equal_weights():
    assert equal_weights(4).tolist() == [0.25] * 4
    with pytest.raises(UndefinedScore, match="no members"):
        equal_weights(0)


def test_pca_weights_of_two_indicators_are_equal():
    # the correlation matrix of two columns has the eigenvector (1, 1) / √2 whatever the correlation
    columns = as_values([[1, 10], [2, 30], [3, 20], [4, 50]])

    assert principal_loadings(columns).tolist() == pytest.approx([math.sqrt(0.5)] * 2)
    assert pca_weights(columns).tolist() == pytest.approx([0.5, 0.5])


def test_principal_loadings_satisfy_their_definition():
    columns = np.random.default_rng(5).random((20, 4)) + np.arange(20)[:, np.newaxis] / 10

    loadings = principal_loadings(columns)

    standardised = (columns - columns.mean(axis=0)) / columns.std(axis=0, ddof=1)
    variances = [(standardised @ direction).var(ddof=1) for direction in np.random.default_rng(6).normal(size=(500, 4))]
    lengths = [np.square(direction).sum() for direction in np.random.default_rng(6).normal(size=(500, 4))]
    # no direction of length 1 has more variance
    assert (standardised @ loadings).var(ddof=1) >= max(np.array(variances) / np.array(lengths))
    assert np.square(loadings).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("columns", "case"),
    [
        ([[1, 2], [2, 1], [3, 0]], "loading not above zero"),
        ([[1, 2, 9], [2, 3, 5], [3, 4, 1]], "loading not above zero"),
        ([[1, 1], [1, 2], [1, 3]], "constant column"),
        ([[1, 2]], "single observation"),
        ([[1, None], [2, 3]], "unknown value"),
        ([[1, 1], [-1, 1], [1, -1], [-1, -1]], "no first component"),  # uncorrelated: any direction is as good
    ],
)
def test_p18_undefined_principal_components_are_refused(columns: list, case: str):
    with pytest.raises(UndefinedScore, match=case):
        pca_weights(as_values(columns))


def test_ahp_weights_of_a_published_example():
    # choosing a leader (Wikipedia, "Analytic hierarchy process – leader example"): experience, education, charisma, age
    comparisons = as_values([[1, 4, 3, 7], [1 / 4, 1, 1 / 3, 3], [1 / 3, 3, 1, 5], [1 / 7, 1 / 3, 1 / 5, 1]])

    weights, ratio = ahp_weights(comparisons)

    assert weights.tolist() == pytest.approx([0.547, 0.127, 0.270, 0.056], abs=1e-3)
    assert round(ratio, 3) == 0.044


def test_ahp_of_comparisons_without_contradiction_gives_back_their_weights():
    weights = as_values([0.5, 0.3, 0.2])

    found, ratio = ahp_weights(weights[:, np.newaxis] / weights)

    assert found.tolist() == pytest.approx(weights.tolist())
    assert ratio == pytest.approx(0, abs=1e-12)


def test_ahp_of_one_and_two_members():
    assert ahp_weights(as_values([[1]])).weights.tolist() == [1]
    assert ahp_weights(as_values([[1, 3], [1 / 3, 1]])).weights.tolist() == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize(
    ("comparisons", "case"),
    [
        # a beats b by 9, b beats c by 9, c beats a by 9
        ([[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]], "inconsistent comparisons: consistency ratio"),
        ([[1, 3], [3, 1]], "comparisons not reciprocal"),
        ([[1, 0], [0, 1]], "comparison not above zero"),
        ([[1, 2, 3]], "not a square"),
        (np.ones((11, 11)), "too many members"),
    ],
)
def test_ahp_refuses_what_it_cannot_use(comparisons: list, case: str):
    with pytest.raises(UndefinedScore, match=case):
        ahp_weights(as_values(comparisons))


# aggregate


def test_generalised_means_contain_the_others():
    scores, weights = as_values([[20, 80], [50, 10]]), as_values([1, 3])

    for exponent, method in ((1, "arithmetic"), (-1, "harmonic"), (1e-6, "geometric")):
        generalised = aggregate(scores, weights, "generalised", exponent=exponent)
        assert generalised == pytest.approx(aggregate(scores, weights, method), rel=1e-4)
    # √((20² + 3 × 80²) ÷ 4) = 70
    assert aggregate(scores, weights, "generalised", exponent=2)[0] == pytest.approx(70)


def test_generalised_means_of_large_exponents_stay_in_range():
    # the limits are the largest and the smallest member
    scores, weights = as_values([[20, 80]]), as_values([1, 1])

    assert aggregate(scores, weights, "generalised", exponent=900)[0] == pytest.approx(80, rel=1e-3)
    assert aggregate(scores, weights, "generalised", exponent=-900)[0] == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize(
    ("scores", "exponent", "case"),
    [
        ([[1, 2]], 0, "generalised mean of exponent 0"),
        ([[0, 2]], -1, "generalised mean of zero"),
        ([[-1, 2]], 2, "generalised mean of a negative score"),
    ],
)
def test_undefined_generalised_means_are_refused(scores: list, exponent: float, case: str):
    with pytest.raises(UndefinedScore) as refusal:
        aggregate(as_values(scores), as_values([1, 1]), "generalised", exponent=exponent)

    assert refusal.value.case == case


def test_an_exponent_belongs_to_the_generalised_mean():
    with pytest.raises(ValueError, match="an exponent belongs to the generalised mean"):
        Aggregation("geometric", exponent=2)
    with pytest.raises(ValueError, match="an exponent belongs to the generalised mean"):
        Aggregation("generalised")


def test_copeland_counts_the_units_outranked():
    # a beats b in x and y, c in x and z (2 of 3); b beats c in x and y
    scores = as_values([[3, 3, 2], [2, 2, 3], [1, 1, 1]])

    assert aggregate(scores, as_values([1, 1, 1]), "copeland").tolist() == [100, 50, 0]
    # with z weighing more than x and y together, b beats a
    assert aggregate(scores, as_values([1, 1, 3]), "copeland").tolist() == [50, 100, 0]
    # 0.1 and 0.2 against 0.3 are a draw, though 0.1 + 0.2 > 0.3 in floating point
    assert aggregate(scores, as_values([0.1, 0.2, 0.3]), "copeland").tolist() == [75, 75, 0]


def test_copeland_compares_what_is_known_of_both():
    scores = as_values([[1, None], [None, 2], [2, 1]])
    how = Aggregation("copeland", minimum_availability=0.5)

    # the first two have nothing in common and draw; the third beats the first and loses to the second
    assert combine(scores, as_values([1, 1]), how).tolist() == [25, 75, 50]


def test_p18_one_unit_outranks_nobody():
    with pytest.raises(UndefinedScore, match="single observation: one unit outranks no others"):
        aggregate(as_values([[1, 2]]), as_values([1, 1]), "copeland")


def test_levels_and_their_aggregations():
    groups = [Group("ab", {"a": 1, "b": 1}), Group("top", {"ab": 1, "c": 2})]
    arithmetic, geometric = Aggregation(), Aggregation("geometric")

    assert heights(groups) == {"a": 1, "b": 1, "c": 1, "ab": 2, "top": 3}
    assert by_level(groups, [arithmetic, geometric]) == {"ab": arithmetic, "top": geometric}
    with pytest.raises(ValueError, match="expected one aggregation for each of 2 levels, but got 1"):
        by_level(groups, [arithmetic])


def test_each_level_has_its_own_mean_and_its_own_threshold():
    columns = {"a": as_values([20, None]), "b": as_values([80, 80]), "c": as_values([50, 80])}
    groups = [Group("ab", {"a": 1, "b": 1}), Group("top", {"ab": 1, "c": 1})]
    how = {"ab": Aggregation(minimum_availability=0.5), "top": Aggregation("geometric")}

    scores = aggregate_levels(columns, groups, how)

    assert scores["ab"].tolist() == [50, 80]
    assert scores["top"].tolist() == pytest.approx([50, 80])
    # with all members required on the first level, the second unit has no score
    assert same(aggregate_levels(columns, groups)["top"], [50, NAN])


def test_weights_may_differ_by_replicate():
    columns = {"a": as_values([[0.0], [100.0]]), "b": as_values([[100.0], [0.0]])}

    scores = aggregate_levels(columns, [Group("top", {"a": 1, "b": 1})], weights={"a": as_values([1, 3])})

    # replicates: weights 1:1 and 3:1
    assert scores["top"].tolist() == [[50, 25], [50, 75]]


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
def test_w18_means_that_zero_would_wipe_out_are_refused(method: str):
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

    scores = aggregate_levels(columns, groups)

    # ab 20; abc (20 + 160) ÷ 3 = 60; all 50
    assert {name: score.tolist() for name, score in scores.items()} == {"ab": [20], "abc": [60], "all": [50]}


def test_w18_on_1_to_100_a_zero_is_defined():
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
