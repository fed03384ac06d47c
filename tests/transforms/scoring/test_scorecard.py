from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suanheng.schemas.tables.scorecards import SCORECARDS
from suanheng.transforms.scoring.fit import MethodologyMismatch
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.scorecard import Scorecards, score

MISSING = {"value": None, "coverage": 0.0, "evidence_class": None, "status": "no telemetry", "months_with_facts": 0}
Indicators = Callable[..., pl.DataFrame]
Score = Callable[[pl.DataFrame], Scorecards]


@pytest.fixture
def scored(methodology: Methodology, catalogue: pl.DataFrame) -> Score:
    return lambda indicators: score(indicators, methodology, catalogue)


def composite(scorecards: Scorecards) -> dict:
    return scorecards.composites.row(0, named=True)


def dimension(scorecards: Scorecards, name: str) -> dict:
    return scorecards.dimensions.row(by_predicate=pl.col("dimension") == name, named=True)


def indicator(scorecards: Scorecards, name: str) -> dict:
    return scorecards.indicators.row(by_predicate=pl.col("indicator") == name, named=True)


def test_half_way_everywhere_scores_50(indicators: Indicators, scored: Score):
    scorecards = scored(indicators())

    assert composite(scorecards) == {
        "site_id": "a",
        "period": "2023Q2",
        "period_kind": "quarter",
        "period_start": date(2023, 4, 1),
        "period_end": date(2023, 7, 1),
        "methodology": "hqc-2024",
        "methodology_hash": composite(scorecards)["methodology_hash"],
        "score": pytest.approx(50),
        "score_low": pytest.approx(50),
        "score_high": pytest.approx(50),
        "grade": "C",
        "grade_low": "C",
        "grade_high": "C",
        "indicators_scored": 12,
        "indicators_total": 12,
        "coverage": pytest.approx(1),
        "evaluability": pytest.approx(1),
        "evidence_class": "metered",
        "is_simulated": False,
    }
    assert scorecards.dimensions["score"].to_list() == pytest.approx([50] * 5)


def test_a_dimension_is_the_mean_of_its_indicators(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(theoretical_efficiency={"value": 1413.0}, resource_utilisation={"value": 0.25}))

    # (100 + 50 + 25) ÷ 3
    assert dimension(scorecards, "compute_efficiency")["score"] == pytest.approx(58.333333333333336)


def test_lower_is_better_for_carbon(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(operational_carbon_intensity={"value": 1.126}))

    # 1 - 1.126 ÷ 5.63 = 0.8
    assert indicator(scorecards, "operational_carbon_intensity")["score"] == pytest.approx(80)


def test_the_composite_is_a_geometric_mean_on_1_to_100(indicators: Indicators, scored: Score):
    everything_in_one = {"value": 1.0}
    scorecards = scored(
        indicators(
            compatibility=everything_in_one,
            supply_chain_completeness=everything_in_one,
            ecosystem_openness=everything_in_one,
        )
    )

    # dimensions 50 50 50 50 100: on 1..100 four times 50.5 and 100, (50.5^4 × 100)^(1/5) = 57.8939;
    # back: (57.8939 - 1) ÷ 0.99
    assert composite(scorecards)["score"] == pytest.approx((((50.5**4 * 100) ** 0.2) - 1) / 0.99)
    assert composite(scorecards)["score"] == pytest.approx(57.4686, abs=1e-4)


def test_a_dimension_at_zero_pulls_down_but_does_not_wipe_out(indicators: Indicators, scored: Score):
    nothing = {"value": 0.0}
    scorecards = scored(
        indicators(compatibility=nothing, supply_chain_completeness=nothing, ecosystem_openness=nothing)
    )

    # (50.5^4 × 1)^(1/5) = 23.0480; (23.0480 - 1) ÷ 0.99 = 22.2707, the arithmetic mean would be 40
    assert composite(scorecards)["score"] == pytest.approx(22.2707, abs=1e-4)


def test_missing_is_an_interval_not_zero(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(measured_performance=MISSING))

    efficiency = dimension(scorecards, "compute_efficiency")
    assert efficiency["score"] is None
    assert efficiency["score_low"] == pytest.approx(100 / 3)  # (50 + 0 + 50) ÷ 3
    assert efficiency["score_high"] == pytest.approx(200 / 3)  # (50 + 100 + 50) ÷ 3
    assert (efficiency["indicators_scored"], efficiency["indicators_total"]) == (2, 3)
    assert dimension(scorecards, "sustainability")["score"] == pytest.approx(50)

    whole = composite(scorecards)
    assert whole["score"] is None
    # on 1..100: (34 × 50.5^4)^(1/5) = 46.6583 and (67 × 50.5^4)^(1/5) = 53.4377
    assert whole["score_low"] == pytest.approx(46.1195, abs=1e-3)
    assert whole["score_high"] == pytest.approx(52.9674, abs=1e-3)
    assert whole["grade"] == "C"  # 40 to 60 whatever the missing one is
    assert whole["indicators_scored"] == 11


def test_missing_and_zero_are_two_values(indicators: Indicators, scored: Score):
    zero = scored(indicators(measured_performance={"value": 0.0}))
    missing = scored(indicators(measured_performance=MISSING))

    assert indicator(zero, "measured_performance")["score"] == 0
    assert indicator(missing, "measured_performance")["score"] is None
    assert composite(zero)["score"] == composite(missing)["score_low"]
    assert composite(missing)["score"] is None


def test_an_interval_over_several_bands_has_no_grade(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(theoretical_efficiency=MISSING, measured_performance=MISSING, affordability=MISSING))

    whole = composite(scorecards)
    assert (whole["grade"], whole["grade_low"], whole["grade_high"]) == (None, "D", "B")


def test_nothing_measured(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(everything=MISSING))

    whole = composite(scorecards)
    assert (whole["score"], whole["score_low"], whole["score_high"]) == (None, 0, 100)
    assert (whole["grade"], whole["grade_low"], whole["grade_high"]) == (None, None, None)
    assert (whole["indicators_scored"], whole["coverage"], whole["evaluability"]) == (0, 0, 0)
    assert (whole["evidence_class"], whole["is_simulated"]) == (None, False)


@pytest.mark.parametrize(("coverage", "status"), [(0.75, "ok"), (0.7499, "below coverage"), (None, "below coverage")])
def test_too_little_coverage_withholds(indicators: Indicators, scored: Score, coverage: float, status: str):
    scorecards = scored(indicators(resource_utilisation={"coverage": coverage}))

    utilisation = indicator(scorecards, "resource_utilisation")
    assert utilisation["status"] == status
    assert utilisation["is_scored"] == (status == "ok")
    assert utilisation["score"] == (50 if status == "ok" else None)
    assert utilisation["value"] == 0.5  # withheld from the score, not from the reader
    assert utilisation["minimum_coverage"] == 0.75


@pytest.mark.parametrize("status", ["too early", "zero denominator", "not applicable"])
def test_only_ok_is_scored_and_other_reasons_stay(indicators: Indicators, scored: Score, status: str):
    scorecards = scored(indicators(resource_utilisation={"status": status, "coverage": 0.1}))

    utilisation = indicator(scorecards, "resource_utilisation")
    assert (utilisation["is_scored"], utilisation["status"]) == (False, status)
    assert (utilisation["score_low"], utilisation["score_high"]) == (0, 100)


def test_values_beyond_the_goalposts_are_cut_off(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(theoretical_efficiency={"value": 5000.0}, affordability={"value": 500.0}))

    assert indicator(scorecards, "theoretical_efficiency")["score"] == 100
    assert indicator(scorecards, "affordability")["score"] == 0


def test_supplementary_indicators_are_shown_and_not_scored(indicators: Indicators, scored: Score):
    with_high_pue = scored(indicators(pue={"value": 3.0}))
    rows = with_high_pue.indicators.filter(pl.col("dimension").is_null())

    assert composite(with_high_pue) == composite(scored(indicators()))
    assert not rows["is_scored"].any()
    assert rows["score"].is_null().all()
    assert rows["score_low"].is_null().all()
    assert rows.row(0, named=True)["indicator"] == "pue"
    assert rows.row(0, named=True)["position"] == 13
    assert rows.row(-1, named=True)["indicator"] == "zz_experimental"  # in the catalogue, not in the methodology
    assert with_high_pue.indicators["position"].to_list() == list(range(1, rows.height + 13))


def test_the_weakest_evidence_is_shown(indicators: Indicators, scored: Score):
    scorecards = scored(
        indicators(
            affordability={"evidence_class": "declared"},
            compatibility={"evidence_class": "simulated", "coverage": 0.1},  # withheld: it marks nothing
        )
    )

    assert composite(scorecards)["evidence_class"] == "declared"
    assert not composite(scorecards)["is_simulated"]


def test_one_simulated_indicator_marks_the_scorecard(indicators: Indicators, scored: Score):
    scorecards = scored(indicators(affordability={"evidence_class": "simulated"}))

    assert composite(scorecards)["is_simulated"]
    assert composite(scorecards)["evidence_class"] == "simulated"


def test_evaluability_and_coverage(indicators: Indicators, scored: Score):
    scorecards = scored(
        indicators(
            affordability={"evidence_class": "declared"},  # 1/5 × 1/2 of the weight, not firm
            productive_goodput={"coverage": 0.6},  # 1/5 × 1/2 of the weight
            theoretical_efficiency={"coverage": 0.3},  # 1/5 × 1/3 of the weight, withheld (0.9 needed)
        )
    )

    # 1 - 0.1 - 0.1 × 0.4 - 1/15
    assert composite(scorecards)["evaluability"] == pytest.approx(0.793333333333)
    # 1 - 0.1 × 0.4 - 1/15 × 0.7
    assert composite(scorecards)["coverage"] == pytest.approx(0.913333333333)


def test_several_sites_and_periods_do_not_mix(indicators: Indicators, scored: Score):
    quarter = indicators()
    other_site = indicators(everything=MISSING).with_columns(site_id=pl.lit("b"))
    year = indicators(resource_utilisation={"value": 1.0}).with_columns(
        period=pl.lit("2023"),
        period_kind=pl.lit("year"),
        period_start=pl.lit(date(2023, 1, 1)),
        period_end=pl.lit(date(2024, 1, 1)),
    )
    together = scored(pl.concat([other_site, year, quarter]).sample(fraction=1, shuffle=True, seed=7))

    alone = pl.concat([scored(rows).composites for rows in (year, quarter, other_site)])
    assert together.composites.equals(alone)
    assert together.dimensions.height == 3 * 5
    assert together.indicators.height == quarter.height * 3


@pytest.mark.parametrize(
    "change", [{}, MISSING, {"coverage": 0.1}, {"status": "too early"}, {"evidence_class": "simulated"}]
)
def test_scorecards_keep_their_contracts(indicators: Indicators, scored: Score, change: dict):
    scorecards = scored(indicators(theoretical_efficiency=change, pue=change))

    for name in ("composites", "dimensions", "indicators"):
        frame = getattr(scorecards, name)
        if name == "composites":
            frame = frame.with_columns(run_id=pl.lit("r1"))
        contract = SCORECARDS[name]
        assert frame.schema == contract.dtypes()
        assert contract.schema.validate(frame, lazy=True).height == frame.height


def test_no_periods_no_scorecards(indicators: Indicators, scored: Score):
    scorecards = scored(indicators().clear())

    assert (scorecards.composites.height, scorecards.dimensions.height, scorecards.indicators.height) == (0, 0, 0)


def test_goalposts_in_another_unit_are_refused(
    indicators: Indicators, methodology: Methodology, catalogue: pl.DataFrame
):
    in_tonnes = catalogue.with_columns(
        unit=pl.when(indicator="operational_carbon_intensity").then(pl.lit("tCO2e/PFLOP-h")).otherwise("unit")
    )

    with pytest.raises(
        MethodologyMismatch, match="operational_carbon_intensity: unit is kgCO2e/PFLOP-h in the methodology"
    ):
        score(indicators(), methodology, in_tonnes)


def test_unknown_and_repeated_indicators_are_refused(
    indicators: Indicators, methodology: Methodology, catalogue: pl.DataFrame
):
    rows = pl.concat([indicators().filter(pl.col("indicator") != "compatibility"), indicators().head(1)])

    with pytest.raises(MethodologyMismatch) as refusal:
        score(rows, methodology, catalogue.filter(pl.col("indicator") != "compatibility"))

    assert refusal.value.faults == [
        "compatibility is not in the catalogue of indicators: expected a recipe; add one or leave the indicator out",
        "a 2023Q2: expected one row of compatibility, got 0",
        "a 2023Q2: expected one row of theoretical_efficiency, got 2",
    ]


A_SHARE = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
EACH_VALUE = st.fixed_dictionaries(
    {name: st.one_of(st.none(), A_SHARE) for name in ("compatibility", "resource_utilisation", "demand_fulfilment")}
)
IN_ONE_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def changes(values: dict[str, float | None]) -> dict[str, dict]:
    return {name: MISSING if value is None else {"value": value} for name, value in values.items()}


@IN_ONE_TEST
@given(values=EACH_VALUE)
def test_scores_lie_within_their_interval_and_0_to_100(indicators: Indicators, scored: Score, values: dict):
    scorecards = scored(indicators(**changes(values)))

    for frame in (scorecards.composites, scorecards.dimensions):
        assert (
            frame.select((pl.col("score_low") >= 0) & (pl.col("score_low") <= pl.col("score_high"))).to_series().all()
        )
        assert (frame["score_high"] <= 100).all()
    known = scorecards.composites.drop_nulls("score")
    assert known["score"].equals(known["score_low"])
    assert known["score"].equals(known["score_high"])


@IN_ONE_TEST
@given(values=EACH_VALUE, learnt=A_SHARE)
def test_more_evidence_never_widens_the_interval(indicators: Indicators, scored: Score, values: dict, learnt: float):
    before = composite(scored(indicators(**changes({**values, "compatibility": None}))))
    after = composite(scored(indicators(**changes({**values, "compatibility": learnt}))))

    assert before["score_low"] <= after["score_low"] + 1e-9
    assert after["score_high"] <= before["score_high"] + 1e-9


@IN_ONE_TEST
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(indicators: Indicators, scored: Score, seed: int):
    rows = indicators(resource_utilisation={"value": 0.123}, affordability=MISSING)

    shuffled = scored(rows.sample(fraction=1, shuffle=True, seed=seed))

    assert shuffled.composites.equals(scored(rows).composites)
    assert shuffled.indicators.equals(scored(rows).indicators)
