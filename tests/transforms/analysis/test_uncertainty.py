"""Replicates against a second computation, replicate by replicate in plain Python; and what is refused."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from suanheng.transforms.analysis.experiment import Experiment, Factor
from suanheng.transforms.analysis.index import Index, Indicator, UndefinedIndex, table_of
from suanheng.transforms.analysis.input_uncertainty import Choice, InputUncertainty
from suanheng.transforms.analysis.measurement import COLUMNS, coverage_of
from suanheng.transforms.analysis.replicates import Replicates, intervals, replicate, win_probabilities
from suanheng.transforms.analysis.table_steps import Imputation, Treatment
from suanheng.transforms.scoring.aggregate import Aggregation, Group
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.normalise import Normalisation, Yardstick
from suanheng.transforms.scoring.scorecard import score

TABLE = pl.DataFrame({"unit": ["a", "b", "c"], "x": [2.0, 6.0, 8.0], "y": [30.0, 20.0, 10.0]})
INDEX = Index(
    (Indicator("x", Yardstick("higher", 0, 10)), Indicator("y", Yardstick("lower", 40, 0))),
    (Group("top", {"x": 1, "y": 2}),),
)


def rows(*measured: tuple) -> pl.DataFrame:
    return pl.DataFrame(measured, schema=COLUMNS, orient="row")


MEASUREMENT = rows(
    ("a", "x", "meter class", "meter a", "uniform", 1.0, 3.0),
    ("b", "x", "specification range", "sheet", "triangular", 5.0, 9.0),
    ("c", "x", "specification range", "sheet", "triangular", 7.0, 12.0),
    ("c", "x", "coverage", "coverage c", "uniform", 6.0, 9.0),
    ("b", "y", "specification range", "sheet", "uniform", 25.0, 10.0),  # falls as the sheet rises
)
DOUBT = InputUncertainty(
    choices=(
        Choice("normalisation", (Normalisation(), Normalisation("min_max", (1, 100)))),
        Choice("aggregation", (Aggregation(), Aggregation("geometric", lowest=1), Aggregation("harmonic", lowest=2))),
    ),
    weight_noise={1: 0.25},
    measurement=MEASUREMENT,
)


def test_factors_and_the_numbers_they_take():
    experiment = Experiment(INDEX, TABLE, DOUBT)

    assert experiment.factors == (
        Factor("normalisation", 1),
        Factor("aggregation", 1),
        Factor("weights", 2),
        Factor("coverage", 1),
        Factor("meter class", 1),
        Factor("specification range", 1),
    )
    assert experiment.dimensions == 7


def by_hand(draw: list[float]) -> list[float]:
    """One replicate from its numbers, written out for this index alone."""
    of_normalisation, of_aggregation, weight_x, weight_y, coverage, meter, sheet = draw

    def triangle(low: float, peak: float, high: float) -> float:
        share = (peak - low) / (high - low)
        if sheet < share:
            return low + math.sqrt(sheet * (high - low) * (peak - low))
        return high - math.sqrt((1 - sheet) * (high - low) * (high - peak))

    x = {
        "a": 1 + 2 * meter,
        "b": triangle(5, 6, 9),
        "c": 8 + (triangle(7, 8, 12) - 8) + (6 + 3 * coverage - 8),
    }
    y = {"a": 30, "b": 25 - 15 * sheet, "c": 10}
    if of_normalisation < 0.5:
        points_x = {u: min(100, max(0, 10 * v)) for u, v in x.items()}
        points_y = {u: 100 * (40 - v) / 40 for u, v in y.items()}
    else:
        points_x = {u: 1 + 99 * (v - min(x.values())) / (max(x.values()) - min(x.values())) for u, v in x.items()}
        points_y = {u: 1 + 99 * (max(y.values()) - v) / (max(y.values()) - min(y.values())) for u, v in y.items()}
    weights = 1 * (0.75 + 0.5 * weight_x), 2 * (0.75 + 0.5 * weight_y)
    scores = []
    for u in "abc":
        points = points_x[u], points_y[u]
        if of_aggregation < 1 / 3:
            scores.append(sum(w * p for w, p in zip(weights, points, strict=True)) / sum(weights))
            continue
        lowest = 1 if of_aggregation < 2 / 3 else 2
        lifted = [lowest + p * (100 - lowest) / 100 for p in points]
        if lowest == 1:
            mean = math.exp(sum(w * math.log(p) for w, p in zip(weights, lifted, strict=True)) / sum(weights))
        else:
            mean = sum(weights) / sum(w / p for w, p in zip(weights, lifted, strict=True))
        scores.append((mean - lowest) * 100 / (100 - lowest))
    return scores


def test_every_replicate_is_that_of_the_naive_loop():
    draws = np.random.default_rng(3).random((500, 7))

    scores = Experiment(INDEX, TABLE, DOUBT).run(draws)

    for draw, replicate_scores in zip(draws, scores.T, strict=True):
        assert replicate_scores.tolist() == pytest.approx(by_hand(draw.tolist()), abs=1e-9)


def test_scores_as_stated():
    # x: 20, 60, 80; y: 25, 50, 75; weights 1 and 2
    assert Experiment(INDEX, TABLE, DOUBT).nominal().tolist() == pytest.approx([70 / 3, 160 / 3, 230 / 3])


def test_a_seed_gives_the_same_replicates_in_any_order_of_rows_and_columns():
    once = replicate(INDEX, TABLE, DOUBT, 300, seed=7)
    shuffled_doubt = InputUncertainty(DOUBT.choices, DOUBT.weight_noise, MEASUREMENT.reverse())
    turned = Index(INDEX.indicators[::-1], (Group("top", {"y": 2, "x": 1}),))
    again = replicate(turned, TABLE.select("y", "x", "unit"), shuffled_doubt, 300, seed=7)

    assert np.array_equal(once.scores, again.scores)
    assert not np.array_equal(once.scores, replicate(INDEX, TABLE, DOUBT, 300, seed=8).scores)


def test_more_replicates_than_fit_a_batch_are_one_after_the_other():
    many = replicate(INDEX, TABLE, DOUBT, 2_500, seed=7)
    experiment = Experiment(INDEX, TABLE, DOUBT)
    draws = np.random.default_rng(7).random((2_500, experiment.dimensions))

    for start in (0, 1_234, 2_499):
        assert np.array_equal(many.scores[:, start : start + 1], experiment.run(draws[start : start + 1]))


def test_rows_of_one_source_err_together():
    together = rows(
        ("a", "x", "factor range", "grid", "uniform", 0.0, 4.0), ("b", "x", "factor range", "grid", "uniform", 4.0, 8.0)
    )
    apart = together.with_columns(source=pl.col("unit"))
    arithmetic = Index(INDEX.indicators, (Group("top", {"x": 1, "y": 1e-9}),))

    shared, own = (replicate(arithmetic, TABLE, InputUncertainty(measurement=each), 400) for each in (together, apart))

    # one factor for both keeps their distance; two factors do not
    assert np.ptp(shared.scores[1] - shared.scores[0]) == pytest.approx(0, abs=1e-6)
    assert np.ptp(own.scores[1] - own.scores[0]) > 40


def test_an_unknown_value_takes_what_its_row_says():
    gap = TABLE.with_columns(x=pl.Series([2.0, None, 8.0]))
    known = replicate(
        INDEX, gap, InputUncertainty(measurement=rows(("b", "x", "coverage", "s", "uniform", 0.0, 10.0))), 500
    )

    assert math.isnan(known.nominal[1])
    # x anywhere from 0 to 100 points, y 50: (x + 100) ÷ 3
    assert known.scores[1].min() >= 100 / 3
    assert known.scores[1].max() <= 200 / 3
    assert known.scores[1].mean() == pytest.approx(50, abs=2)


def test_alternatives_of_imputation_and_of_weights():
    gap = TABLE.with_columns(x=pl.Series([2.0, None, 8.0]))
    input_uncertainty = InputUncertainty(
        (
            Choice("imputation", (Imputation("mean"), Imputation("median", "row"))),
            Choice("groups", ((Group("top", {"x": 1, "y": 1}),), (Group("top", {"x": 3, "y": 1}),))),
        )
    )

    scores = Experiment(INDEX, gap, input_uncertainty).run(np.array([[0.1, 0.1], [0.1, 0.9], [0.9, 0.1]]))

    # b: mean 5, so 50 points; by row y is half way from 30 to 10, so x half way from 2 to 8, the same 5
    assert scores.T.tolist() == [[22.5, 50, 77.5], [21.25, 50, 78.75], [22.5, 50, 77.5]]


MADE_UP = Replicates(
    ["p", "q", "r"], np.array([3.0, 2.0, np.nan]), np.array([[3, 2, 2, 1], [1, 2, 3, 4], [np.nan] * 4])
)


def test_intervals_of_made_up_replicates():
    p, q, r = intervals(MADE_UP).iter_rows(named=True)

    assert (p["score"], p["rank"], p["score_mean"], p["score_median"]) == (3, 1, 2, 2)
    # ranks of p: 1, 1 (a draw), 2, 2
    assert (p["rank_mean"], p["rank_median"], p["first_probability"]) == (1.5, 1.5, 0.5)
    assert q["first_probability"] == 0.75
    scores = sorted([1.0, 2.0, 3.0, 4.0])
    # linear between order statistics: 5 % of the way along three gaps
    assert q["score_p05"] == pytest.approx(scores[0] + 0.15)
    assert q["score_p95"] == pytest.approx(scores[3] - 0.15)
    # no score is no rank, and nothing is NaN
    assert all(value is None for name, value in r.items() if name != "unit")


def test_win_probabilities_of_made_up_replicates():
    found = {(row["unit"], row["rival"]): row["win_probability"] for row in win_probabilities(MADE_UP).to_dicts()}

    # p above q once, a draw once, below twice
    assert found[("p", "q")] == pytest.approx(0.375)
    assert found[("q", "p")] == pytest.approx(0.625)
    assert found[("p", "r")] is None
    assert len(found) == 6


def test_uncertainty_of_scorecards(
    indicators: Callable[..., pl.DataFrame], methodology: Methodology, catalogue: pl.DataFrame
):
    sites = pl.concat(
        [
            indicators(affordability={"value": None, "status": "no offers"}).with_columns(site_id=pl.lit("open")),
            indicators(resource_utilisation={"value": 0.9}).with_columns(site_id=pl.lit("known")),
        ]
    )
    judged = judge(sites, methodology)

    replicates = replicate(
        Index.of(methodology), table_of(judged), InputUncertainty(measurement=coverage_of(judged)), replicates=2_000
    )
    found = {row["unit"]: row for row in intervals(replicates).to_dicts()}

    composites = {row["site_id"]: row for row in score(sites, methodology, catalogue).composites.to_dicts()}
    known, open_one = found["known"], found["open"]
    assert known["score_p05"] == known["score_p95"] == pytest.approx(composites["known"]["score"])
    # the scorecard's interval is what the missing one allows at most; the quantiles are within, near its ends
    low, high = composites["open"]["score_low"], composites["open"]["score_high"]
    assert low < open_one["score_p05"] < low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) < open_one["score_p95"] < high
    assert open_one["score"] is None
    assert known["first_probability"] == statistics.fmean(replicates.scores[0] >= replicates.scores[1])


TWO_WAYS = Choice("normalisation", (Normalisation(), Normalisation("rank")))


@pytest.mark.parametrize(
    ("input_uncertainty", "fault"),
    [
        (
            InputUncertainty((Choice("treatment", (Treatment(1),)),)),
            "treatment: expected two alternatives or more, got 1",
        ),
        (
            InputUncertainty((Choice("treatment", (Treatment(1), 2)),)),
            "treatment: expected alternatives of type Treatment, got 2",
        ),
        (
            InputUncertainty((TWO_WAYS, TWO_WAYS)),
            "normalisation: expected one choice with all alternatives, got 2",
        ),
        (InputUncertainty(weight_noise={2: 0.1}), "weight noise: expected a level from 1 to 1, got 2"),
        (InputUncertainty(weight_noise={1: 1.0}), "expected a share between 0 and 1, got 1"),
        (InputUncertainty(measurement=MEASUREMENT.drop("kind")), "but kind is missing"),
        (
            InputUncertainty(measurement=rows(("z", "x", "c", "s", "uniform", 1.0, 2.0))),
            "expected a unit and an indicator",
        ),
        (
            InputUncertainty(measurement=rows(("a", "x", "c", "s", "uniform", 3.0, 4.0))),
            "expected ends around the value 2, got 3",
        ),
        (
            InputUncertainty(measurement=rows(("a", "x", "c", "s", "beta", 1.0, 4.0))),
            "expected one of uniform, triangular, normal",
        ),
        (
            InputUncertainty(measurement=rows(("a", "x", "c", "s", "uniform", None, 4.0))),
            "expected finite ends, got None and 4",
        ),
        (InputUncertainty(measurement=rows(("a", "x", "c", "s", "uniform", 1.0, math.inf))), "expected finite ends"),
        (
            InputUncertainty(measurement=pl.concat([MEASUREMENT, MEASUREMENT.head(1)])),
            "a x meter a: expected one row, got 2",
        ),
        (
            InputUncertainty(
                measurement=pl.concat([MEASUREMENT, rows(("b", "x", "other", "meter a", "uniform", 1.0, 9.0))])
            ),
            "source meter a: expected one cause, got meter class, other",
        ),
    ],
)
def test_a_doubt_that_does_not_fit_is_refused(input_uncertainty: InputUncertainty, fault: str):
    with pytest.raises(UndefinedIndex) as refusal:
        Experiment(INDEX, TABLE, input_uncertainty)

    assert fault in str(refusal.value)


def test_a_combination_that_is_not_defined_is_named():
    input_uncertainty = InputUncertainty(
        (
            Choice("normalisation", (Normalisation(), Normalisation("z_score"))),
            Choice("aggregation", (Aggregation(), Aggregation("geometric"))),
        )
    )

    with pytest.raises(UndefinedIndex, match=r"z_score.*geometric[\s\S]*geometric mean of zero"):
        Experiment(INDEX, TABLE, input_uncertainty).run(np.array([[0.9, 0.9]]))
