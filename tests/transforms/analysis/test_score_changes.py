"""Rows of contributions for scorecards: they sum to the composites they explain."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from suanheng.transforms.analysis.score_changes import explain_changes, explain_scores
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.scorecard import score
from suanheng.transforms.scoring.values import UndefinedScore

Indicators = Callable[..., pl.DataFrame]

MISSING = {"value": None, "coverage": 0.0, "evidence_class": None, "status": "no telemetry"}
ENDS = ("score", "score_low", "score_high")
CONTRIBUTIONS = ("contribution", "contribution_low", "contribution_high")


@pytest.fixture
def quarters(indicators: Indicators) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two sites in two quarters: b is complete, a lacks one indicator in the first."""

    def quarter(period: str, of_a: dict, of_b: dict) -> pl.DataFrame:
        sites = [indicators(**of_a), indicators(**of_b).with_columns(site_id=pl.lit("b"))]
        return pl.concat(sites).with_columns(period=pl.lit(period))

    first = quarter("2023Q2", {"affordability": MISSING}, {"resource_utilisation": {"value": 0.3}})
    second = quarter(
        "2023Q3",
        {"affordability": {"value": 60.0}, "compatibility": {"value": 0.9}},
        {
            "resource_utilisation": {"value": 0.8},
            "operational_carbon_intensity": {
                "value": 4.0,
                "evidence_class": "estimated",
            },  # has a score and an interval
        },
    )
    return first, second


def sums(explained: pl.DataFrame, *on: str) -> dict:
    """Sum of the contributions of each scorecard; none where they are withheld."""
    rows = explained.group_by(on).agg(
        pl.when(pl.col(name).is_null().any()).then(None).otherwise(pl.col(name).sum()).alias(name)
        for name in CONTRIBUTIONS
    )
    return {row[: len(on)]: row[len(on) :] for row in rows.iter_rows()}


def composites(rows: pl.DataFrame, methodology: Methodology, catalogue: pl.DataFrame) -> dict:
    frame = score(rows, methodology, catalogue).composites
    return {row["site_id"]: tuple(row[end] for end in ENDS) for row in frame.iter_rows(named=True)}


def test_contributions_to_scores(quarters, methodology: Methodology, catalogue: pl.DataFrame):
    first, _ = quarters

    explained = explain_scores(judge(first, methodology), methodology)

    expected = composites(first, methodology, catalogue)
    found = sums(explained, "site_id")
    assert found[("a",)][0] is None  # one indicator is withheld: an interval and no score
    assert found[("a",)][1:] == pytest.approx(expected["a"][1:])
    assert found[("b",)] == pytest.approx(expected["b"])
    assert explained.height == 2 * 12
    withheld = explained.row(by_predicate=(pl.col("site_id") == "a") & (pl.col("name") == "affordability"), named=True)
    assert (withheld["status"], withheld["contribution_low"]) == ("no telemetry", 0)
    assert withheld["contribution_high"] > 0


def test_contributions_to_a_change_between_two_periods(quarters, methodology: Methodology, catalogue: pl.DataFrame):
    first, second = quarters
    before, after = (judge(rows, methodology) for rows in quarters)

    explained = explain_changes(before, after, ["site_id"], methodology)

    start, end = (composites(rows, methodology, catalogue) for rows in (first, second))
    found = sums(explained, "site_id")
    assert found[("a",)][0] is None
    for site, which in (("a", slice(1, 3)), ("b", slice(0, 3))):
        change = [after - before for before, after in zip(start[site][which], end[site][which], strict=True)]
        assert found[(site,)][which] == pytest.approx(change)
    offer = explained.row(by_predicate=(pl.col("site_id") == "a") & (pl.col("name") == "affordability"), named=True)
    assert (offer["status_before"], offer["status_after"]) == ("no telemetry", "ok")
    # what was withheld can only raise the low end and lower the high one
    assert offer["contribution_low"] > 0 > offer["contribution_high"]
    unchanged = explained.filter(pl.col("score_before") == pl.col("score_after"))
    assert unchanged["contribution_low"].to_list() == pytest.approx([0] * unchanged.height, abs=1e-12)


def test_contributions_to_the_difference_of_two_sites(quarters, methodology: Methodology, catalogue: pl.DataFrame):
    judged = judge(quarters[1], methodology)
    a, b = (judged.filter(pl.col("site_id") == site) for site in ("a", "b"))

    explained = explain_changes(a, b, ["period"], methodology)

    scores = composites(quarters[1], methodology, catalogue)
    assert sums(explained, "period")[("2023Q3",)][0] == pytest.approx(scores["b"][0] - scores["a"][0])


def test_a_bridge_to_another_methodology(quarters, methodology: Methodology, catalogue: pl.DataFrame):
    efficiency, *others = methodology.dimensions
    heavier = replace(efficiency, weight=3)
    lower = replace(methodology.of_dimensions, method="harmonic")
    other = replace(methodology, dimensions=(heavier, *others), of_dimensions=lower)
    rows = quarters[1]

    explained = explain_changes(
        judge(rows, methodology), judge(rows, other), ["site_id", "period"], other, methodology_before=methodology
    )

    start, end = composites(rows, methodology, catalogue), composites(rows, other, catalogue)
    found = sums(explained, "site_id")
    for site in ("a", "b"):
        assert found[(site,)][0] == pytest.approx(end[site][0] - start[site][0])
    causes = explained.filter(pl.col("contribution").abs() > 1e-9).select("name", "cause").unique().rows()
    assert set(causes) == {("compute_efficiency", "weight"), ("composite", "aggregation")}


def test_scorecards_without_a_counterpart_are_left_out(quarters, methodology: Methodology):
    before, after = (judge(rows, methodology) for rows in quarters)

    only_b = explain_changes(before.filter(pl.col("site_id") == "b"), after, ["site_id"], methodology)

    assert only_b["site_id"].unique().to_list() == ["b"]


def test_of_several_scorecards_none_is_the_counterpart(quarters, methodology: Methodology):
    before, after = (judge(rows, methodology) for rows in quarters)

    with pytest.raises(UndefinedScore, match="several scorecards: expected one for each site_id"):
        explain_changes(pl.concat([before, after]), after, ["site_id"], methodology)


def test_nothing_to_explain(quarters, methodology: Methodology):
    before, after = (judge(rows, methodology) for rows in quarters)

    assert explain_changes(before.clear(), after, ["site_id"], methodology).is_empty()
    assert explain_scores(before.clear(), methodology).is_empty()
