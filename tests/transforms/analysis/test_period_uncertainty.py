"""The scores of a period under input uncertainty: what is varied, by hand, and that what is stated holds together."""

import json
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from suanheng.flows.commands import app
from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.analysis.measurement import COLUMNS
from suanheng.transforms.analysis.period_uncertainty import (
    LIFECYCLE,
    OPERATIONAL,
    Draws,
    Measured,
    input_uncertainty_of,
    uncertainty,
)
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.warehouse.lake import Lake

Indicators = Callable[..., pl.DataFrame]

HEBEI = "grid_emission_factors/CN-HE/2023/average"
H100 = "embodied_carbon/h100"
EMBODIED = pl.DataFrame(
    {"reference_id": [H100], "low_kgco2e": [164.0], "default_kgco2e": [164.0], "high_kgco2e": [575.0]}
)
CARBON = {
    # 2.815 kg per PFLOP-hour of operation, and 0.035 of hardware beside it
    OPERATIONAL: {"value": 2.815, "reference_rows": [HEBEI]},
    LIFECYCLE: {"value": 2.85, "reference_rows": [HEBEI, H100]},
}


@pytest.fixture
def lake(indicators: Indicators) -> Lake:
    """Three sites, fully metered: a at 50 points everywhere, b alike but with one indicator withheld, c better."""
    withheld = {"value": None, "coverage": 0.0, "evidence_class": None, "status": "no telemetry"}
    better = {"resource_utilisation": {"value": 0.9}, "productive_goodput": {"value": 0.8}}
    frames = [
        indicators(),
        indicators(resource_utilisation=withheld).with_columns(site_id=pl.lit("b")),
        indicators(**better).with_columns(site_id=pl.lit("c")),
    ]
    made = Lake(duckdb.connect(), data_path="")
    for table, rows in {'indicators."all"': pl.concat(frames), "reference.embodied_carbon": EMBODIED}.items():
        made.execute(f"CREATE SCHEMA {table.partition('.')[0]}")
        made.connection.register("rows_of_it", rows)
        made.execute(f"CREATE TABLE {table} AS FROM rows_of_it")
    return made


def ends(rows: pl.DataFrame, indicator: str, cause: str) -> tuple[float, float]:
    (row,) = rows.filter(indicator=indicator, cause=cause).iter_rows(named=True)
    return row["low"], row["high"]


def test_measurement_by_hand(indicators: Indicators, methodology: Methodology) -> None:
    judged = judge(indicators(**CARBON), methodology)

    rows = input_uncertainty_of(judged, methodology, Measured("0.5S", 0.1), EMBODIED).measurement

    # ± 0.5 % and ± 10 % of 2.815; the hardware's 0.035 stays, and may itself be 575 ÷ 164 times as much.
    assert ends(rows, OPERATIONAL, "meter class") == pytest.approx((2.815 - 0.014075, 2.815 + 0.014075))
    assert ends(rows, LIFECYCLE, "meter class") == pytest.approx((2.85 - 0.014075, 2.85 + 0.014075))
    assert ends(rows, OPERATIONAL, "factor range") == pytest.approx((2.815 - 0.2815, 2.815 + 0.2815))
    assert ends(rows, LIFECYCLE, "factor range") == pytest.approx((2.85 - 0.2815, 2.85 + 0.2815))
    assert ends(rows, LIFECYCLE, "specification range") == pytest.approx((2.85, 2.815 + 0.035 * 575 / 164))
    assert set(rows.filter(cause="factor range")["source"]) == {HEBEI}
    assert rows.height == 5


def test_nothing_is_made_up_about_the_measurement(indicators: Indicators, methodology: Methodology) -> None:
    input_uncertainty = input_uncertainty_of(judge(indicators(), methodology), methodology, Measured(), EMBODIED)

    assert input_uncertainty.measurement.is_empty()
    (choice,) = input_uncertainty.choices
    assert [mean["composite"].method for mean in choice.alternatives] == ["geometric", "arithmetic", "geometric"]


def test_further_rows_are_limited_to_what_is_compared(indicators: Indicators, methodology: Methodology) -> None:
    stated = [
        (site, "theoretical_efficiency", "specification range", "sheet", "uniform", 600.0, 800.0) for site in "az"
    ]
    rows = pl.DataFrame(stated, schema=COLUMNS, orient="row")

    input_uncertainty = input_uncertainty_of(
        judge(indicators(), methodology), methodology, Measured(rows=rows), EMBODIED
    )

    assert input_uncertainty.measurement["unit"].to_list() == ["a"]


def test_a_site_alike_in_everything_is_certain_and_withheld_evidence_is_not(
    lake: Lake, methodology: Methodology
) -> None:
    found = uncertainty(lake, methodology, "2023Q2", draws=Draws(500))

    rows = {row["unit"]: row for row in found.intervals.iter_rows(named=True)}
    # Every kind of mean of equal points is these points, whatever the weights.
    assert (rows["a"]["score_p05"], rows["a"]["score_p95"]) == pytest.approx((50, 50))
    assert rows["b"]["score"] is None and rows["b"]["score_p05"] < 50 < rows["b"]["score_p95"]
    # c is above a in every replicate: no mean falls when a member rises.
    assert rows["c"]["score_p05"] > 50
    wins = {(unit, rival): share for unit, rival, share in found.wins.iter_rows()}
    assert wins["c", "a"] == 1 and wins["a", "c"] == 0
    assert wins["b", "a"] + wins["a", "b"] == pytest.approx(1)
    assert sum(row["first_probability"] for row in rows.values()) == pytest.approx(1)  # no ties at the top
    assert uncertainty(lake, methodology, "2023Q2", draws=Draws(500)).intervals.equals(found.intervals)


def test_sobol_and_removals_name_every_site(lake: Lake, methodology: Methodology) -> None:
    found = uncertainty(lake, methodology, "2023Q2", draws=Draws(50, with_sobol=True, with_removals=True))

    assert found.sobol is not None and found.removals is not None
    assert set(found.sobol["of"]) == {"ranking", "b", "c"}
    assert set(found.unexplained) == {"a"} and "no variation" in found.unexplained["a"]
    of_b = found.sobol.filter(of="b")
    assert set(of_b["factor"]) == {"aggregation", "weights", "coverage"}
    assert of_b.filter(factor="coverage")["total"].item() > 0.9  # else b is as even as a
    assert found.removals.height == 12 * 3
    without = {(row["removed"], row["unit"]): row["score"] for row in found.removals.iter_rows(named=True)}
    assert without["resource_utilisation", "b"] == pytest.approx(50)  # the one that was withheld
    assert without["compatibility", "b"] is None


def test_sites_can_be_picked_and_missing_ones_are_named(lake: Lake, methodology: Methodology) -> None:
    found = uncertainty(lake, methodology, "2023Q2", ["c", "a"], draws=Draws(10))

    assert found.sites == found.intervals["unit"].to_list() == ["a", "c"]
    with pytest.raises(NotThere, match="no indicators of z in 2023Q2"):
        uncertainty(lake, methodology, "2023Q2", ["a", "z"])
    with pytest.raises(NotThere, match="no indicators of any site in 2019Q1"):
        uncertainty(lake, methodology, "2019Q1")


def test_the_verb_tells_what_was_varied_and_writes_nothing(built_once) -> None:
    place = ["--period", "2023Q1", "--replicates", "50", "--workspace", str(built_once.root)]
    before = built_once.snapshot()
    run = CliRunner()
    found = json.loads(run.invoke(app, ["uncertainty", "tiny", *place, "--remove", "--json"]).stdout)
    assert (found["replicates"], found["seed"], len(found["removals"])) == (50, 0, 12)
    assert found["varied"]["coverage"] == "1 values"  # resource utilisation, of which a day a month is seen
    assert "relative" in found["relative"]
    assert "Ranks (relative)" in run.invoke(app, ["uncertainty", *place]).stdout
    refused = run.invoke(app, ["uncertainty", *place, "--meter-class", "9"])
    assert "expected one of 0.1S" in str(refused.exception)
    refused = run.invoke(app, ["uncertainty", *place, "--measurement", "nowhere.csv"])
    assert "There is no file nowhere.csv" in str(refused.exception)
    assert built_once.snapshot() == before
