"""Promise 9: unknown, off and zero are three values, through to the score."""

import shutil
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanheng.transforms.scoring.methodology import load
from suanheng.transforms.scoring.scorecard import score

SECOND_SITE = """
[[site]]
site_id = "silent"
name_en = "Silent centre"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
"""


@pytest.fixture(scope="module")
def gaps(built_once, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The first quarter: one device silent in February, no utilisation known in March. And a site that says nothing."""
    root = tmp_path_factory.mktemp("gaps") / "workspace"
    shutil.copytree(built_once.root, root, ignore=shutil.ignore_patterns("lake", "2023-0[456].csv", "faulty.csv"))
    centre = type(built_once)(root)
    rows = {month: centre.rows("accelerator_samples", f"2023-{month:02}") for month in (1, 2, 3)}
    idle = [{**row, "utilisation_ratio": 0, "power_w": 60} for row in rows[1]]
    one_device = [row for row in rows[2] if row["device_id"] == "gpu-1"]
    unknown = [{**row, "utilisation_ratio": ""} for row in rows[3]]
    for month, samples in ((1, idle), (2, one_device), (3, unknown)):
        centre.write("accelerator_samples", f"2023-{month:02}", samples)
    sites = root / "sites.toml"
    sites.write_text(sites.read_text(encoding="utf-8") + SECOND_SITE, encoding="utf-8")
    silent = [{**row, "utilisation_ratio": "", "power_w": ""} for row in rows[1]]
    centre.write("accelerator_samples", "2023-01", silent, site_id="silent")
    outcome = centre.night()
    assert not outcome.failures
    return centre


def utilisation(centre: Any, period: str) -> dict[str, Any]:
    rows = centre.ask("SELECT * FROM indicators.resource_utilisation WHERE site_id = 'tiny' AND period = ?", period)
    return rows.row(0, named=True)


def test_missing_is_not_zero_unknown_and_zero_utilisation_are_two_outcomes(gaps) -> None:
    zero, unknown = utilisation(gaps, "2023-01"), utilisation(gaps, "2023-03")

    # January: 2 devices × 24 h seen, none of it busy. March: seen as well, but nobody knows how busy.
    assert (zero["numerator"], zero["denominator"], zero["value"]) == (0, 48, 0)
    assert (unknown["numerator"], unknown["denominator"]) == (None, None)
    # The trailing year of March holds January and February only: 12 of 48 + 24 device-hours.
    assert unknown["value"] == pytest.approx(12 / 72)
    assert unknown["months_with_facts"] == 2


def test_missing_is_not_zero_off_is_lost_availability_and_not_idleness(gaps) -> None:
    # February has 2 × 672 device-hours; the incident of three hours took one device.
    ratio = "SELECT numerator / denominator FROM indicators.availability WHERE site_id = 'tiny' AND period = '2023-02'"
    assert gaps.value(ratio) == pytest.approx(1 - 3 / 1344)
    assert utilisation(gaps, "2023-02")["numerator"] / utilisation(gaps, "2023-02")["denominator"] == Decimal("0.5")


def test_missing_is_not_zero_telemetry_that_is_missing_lowers_coverage_and_not_the_value(gaps, built_once) -> None:
    month = "SELECT numerator, denominator, observed, expected FROM indicators.monthly_facts WHERE indicator = " \
        "'resource_utilisation' AND site_id = 'tiny' AND month_start = DATE '2023-02-01'"  # fmt: skip

    # Half busy over 24 of 1344 installed device-hours, where the undisturbed month has 48.
    assert gaps.ask(month).row(0) == (12, 24, 24, 1344)
    assert built_once.ask(month).row(0) == (24, 48, 48, 1344)


def test_missing_is_not_zero_where_nothing_was_measured_there_is_no_score(gaps) -> None:
    composites = gaps.ask("SELECT * FROM scorecards.composites WHERE site_id = 'silent'")

    assert composites.height == 3
    for composite in composites.iter_rows(named=True):
        assert (composite["score"], composite["grade"]) == (None, None)
        assert (composite["score_low"], composite["score_high"]) == (0, 100)
        assert composite["indicators_scored"] == 0
    indicators = gaps.ask("SELECT value, status FROM indicators.\"all\" WHERE site_id = 'silent'")
    assert "ok" not in indicators["status"].to_list()
    assert not indicators["status"].is_null().any()


def test_missing_is_not_zero_more_missing_never_narrows_the_interval(built_once) -> None:
    methodology = load("hqc-2024")
    catalogue = built_once.ask("SELECT * FROM reference.indicators")
    quarter = built_once.ask("SELECT * FROM indicators.\"all\" WHERE period = '2023Q2'")
    scored = [indicator.indicator for indicator in methodology.indicators]

    def interval(withheld: set[str]) -> tuple[float, float]:
        is_withheld = pl.col("indicator").is_in(list(withheld))
        status = pl.when(is_withheld).then(pl.lit("no telemetry")).otherwise(pl.lit("ok"))
        known = quarter.with_columns(status=pl.when(pl.col("value").is_null()).then("status").otherwise(status))
        composites = score(known.with_columns(coverage=pl.lit(1.0)), methodology, catalogue).composites
        return composites.select("score_low", "score_high").row(0)

    @settings(max_examples=40, deadline=None)
    @given(missing=st.sets(st.sampled_from(scored)), more=st.sets(st.sampled_from(scored)))
    def holds(missing: set[str], more: set[str]) -> None:
        low, high = interval(missing)
        lower, higher = interval(missing | more)
        assert lower <= low + 1e-9
        assert higher >= high - 1e-9

    holds()
    assert interval(set(scored)) == (0, 100)
