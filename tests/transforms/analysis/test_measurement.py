"""What a value can be: rows for meters, factors, specifications and coverage, worked by hand."""

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suanheng.transforms.analysis.measurement import (
    COLUMNS,
    Range,
    coverage_of,
    estimates_of,
    of_coverage,
    of_meter_class,
    of_range,
    quantile,
)
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.values import UndefinedScore

VALUES = pl.DataFrame({"unit": ["a"], "indicator": ["pue"], "value": [1.5]})
EVEN = np.array([0.0, 0.25, 0.5, 0.75, 1.0])


def ends(frame: pl.DataFrame) -> tuple[float, float]:
    return frame["low"].item(), frame["high"].item()


def test_a_meter_of_class_half_errs_by_half_a_percent():
    rows = of_meter_class(VALUES, "0.5S", "meter/a/utility")

    assert ends(rows) == pytest.approx((1.4925, 1.5075))
    assert rows.row(0)[:5] == ("a", "pue", "meter class", "meter/a/utility", "uniform")
    assert rows.schema == COLUMNS


def test_a_meter_in_the_denominator_makes_the_value_fall():
    # the IT meter reads 2 % too little or too much: 1.5 ÷ 0.98, 1.5 ÷ 1.02
    assert ends(of_meter_class(VALUES, "2", "meter/a/it", power=-1)) == pytest.approx((1.530612, 1.470588), abs=1e-6)


def test_an_unknown_class_is_refused():
    with pytest.raises(UndefinedScore, match=r"expected one of 0.1S, 0.2S, 0.5S, 0.5, 1, 2, but got 0.3"):
        of_meter_class(VALUES, "0.3", "m")


def test_a_factor_with_a_range():
    # computed with 0.5306 kg/kWh; it may be between 0.50 and 0.60
    rows = of_range(VALUES, Range(0.5306, 0.50, 0.60, "triangular"), "factor range", "factors/grid/2023")

    assert ends(rows) == pytest.approx((1.5 * 0.50 / 0.5306, 1.5 * 0.60 / 0.5306))
    assert rows["kind"].item() == "triangular"


@pytest.mark.parametrize(("used", "low", "high"), [(1, 2, 3), (4, 2, 3), (1, 0, 2), (1, 1, 0.5)])
def test_a_range_without_the_value_used_is_refused(used: float, low: float, high: float):
    with pytest.raises(UndefinedScore, match="range without the value used"):
        of_range(VALUES, Range(used, low, high), "factor range", "f")


def covered(value: float | None, coverage: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "unit": ["a"],
            "indicator": ["x"],
            "value": [value],
            "coverage": [coverage],
            "bound_low": [0.0],
            "bound_high": [10.0],
        },
        schema_overrides={"value": pl.Float64, "coverage": pl.Float64},
    )


@pytest.mark.parametrize(
    ("value", "coverage", "low", "high"),
    [
        (4.0, 0.75, 3.0, 5.5),  # 0.75 × 4 + 0.25 × 0 and + 0.25 × 10
        (4.0, 0.0, 0.0, 10.0),
        (4.0, None, 0.0, 10.0),  # unknown coverage is none
        (None, 0.9, 0.0, 10.0),  # withheld: the observed share says nothing that may be used
        (12.0, 0.5, 6.0, 12.0),  # beyond the bound, the rest may be as good as what was seen
    ],
)
def test_coverage_leaves_the_rest_open(value: float | None, coverage: float | None, low: float, high: float):
    assert ends(of_coverage(covered(value, coverage))) == pytest.approx((low, high))


def test_full_coverage_leaves_nothing_open():
    assert of_coverage(covered(4.0, 1.0)).is_empty()


@given(value=st.floats(-5, 15), coverages=st.tuples(st.floats(0, 0.99), st.floats(0, 0.99)))
def test_more_coverage_never_widens_the_interval(value: float, coverages: tuple[float, float]):
    less, more = (ends(of_coverage(covered(value, coverage))) for coverage in sorted(coverages))

    assert less[0] - 1e-12 <= more[0] <= value + 1e-12
    assert value - 1e-12 <= more[1] <= less[1] + 1e-12


def test_coverage_of_a_scorecard(indicators: Callable[..., pl.DataFrame], methodology: Methodology):
    judged = judge(
        indicators(
            resource_utilisation={"value": 0.6, "coverage": 0.8},
            affordability={"coverage": 0.1},  # withheld: its minimum is 0.5
            operational_carbon_intensity={"value": 2.0, "coverage": 0.9},
        ),
        methodology,
    )

    rows = {row["indicator"]: (row["low"], row["high"]) for row in coverage_of(judged).iter_rows(named=True)}

    assert rows == {
        "resource_utilisation": pytest.approx((0.48, 0.68)),
        "affordability": pytest.approx((34.2, 192.0)),  # its goalposts
        "operational_carbon_intensity": pytest.approx((1.8, 2.363)),  # 0.9 × 2 + 0.1 × 5.63
    }


def test_an_estimate_may_be_off_by_half(indicators: Callable[..., pl.DataFrame], methodology: Methodology):
    judged = judge(
        indicators(
            lifecycle_carbon_intensity={"value": 2.0, "evidence_class": "estimated"},
            affordability={"evidence_class": "estimated", "coverage": 0.1},  # withheld: coverage leaves all open anyway
        ),
        methodology,
    )

    (row,) = estimates_of(judged).iter_rows(named=True)

    assert (row["indicator"], row["cause"], row["low"], row["high"]) == (
        "lifecycle_carbon_intensity",
        "estimate",
        1.0,
        3.0,
    )


def test_uniform_and_falling():
    assert quantile("uniform", 1.5, 1.0, 3.0, EVEN).tolist() == [1, 1.5, 2, 2.5, 3]
    assert quantile("uniform", 1.5, 3.0, 1.0, EVEN).tolist() == [3, 2.5, 2, 1.5, 1]


@pytest.mark.parametrize(("value", "low", "high"), [(1.2, 1.0, 3.0), (1.0, 1.0, 3.0), (3.0, 1.0, 3.0)])
def test_triangular_is_that_of_scipy(value: float, low: float, high: float):
    expected = stats.triang.ppf(EVEN, (value - low) / (high - low), loc=low, scale=high - low)

    assert quantile("triangular", value, low, high, EVEN) == pytest.approx(expected)


def test_a_falling_triangle_is_the_mirrored_one():
    assert quantile("triangular", 1.2, 3.0, 1.0, EVEN) == pytest.approx(quantile("triangular", 1.2, 1.0, 3.0, 1 - EVEN))


def test_a_triangle_of_an_unknown_value_or_without_width():
    assert quantile("triangular", math.nan, 0.0, 2.0, EVEN)[2] == 1
    assert quantile("triangular", 5.0, 5.0, 5.0, EVEN).tolist() == [5] * 5


def test_normal_holds_95_percent_between_its_ends():
    assert quantile("normal", 2.0, 1.0, 3.0, np.array([0.025, 0.5, 0.975])) == pytest.approx([1, 2, 3])
    assert np.isfinite(quantile("normal", 2.0, 1.0, 3.0, EVEN)).all()
