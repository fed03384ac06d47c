from datetime import date, datetime

import pytest

from suanheng.flows.sources.ml_energy import read
from suanheng.schemas.checking.records import UnreadableFile

RESULTS = "ml_energy_small-model__chat.json"
OPTIONS = {"measured_on": "2026-02-16"}


def test_every_configuration_is_read_or_quarantined(gated, samples):
    accepted, rejected = gated("ml_energy", samples / RESULTS, OPTIONS)
    assert accepted["row_number"].to_list() == [1, 2]
    assert accepted["parallelization.tensor_parallel"].to_list() == [2, 2]
    assert accepted["measured_on"].unique().to_list() == [date(2026, 2, 16)]
    # The third measures images and has no tokens; the fourth is no object.
    assert rejected.select("row_number", "rule", "column_name").rows() == [
        (3, "not_nullable", "output_throughput_tokens_per_sec"),
        (4, "no_object", None),
    ]


def test_throughput_and_power_of_the_accelerators_are_staged(gated, feed, staged, samples):
    accepted, _ = gated("ml_energy", samples / RESULTS, OPTIONS)
    checked = staged("benchmark_results", feed("ml_energy", "benchmark_results", accepted))
    first, second = checked.accepted.sort("row_number").to_dicts()
    assert checked.rejected.is_empty()
    assert (first["benchmark"], first["scenario"], first["system_name"]) == (
        "ml_energy/lab/Small-Model",
        "chat",
        "2 x X100",
    )
    assert (first["value"], first["unit"], first["precision"]) == (450.0, "tokens/s", "FP8")
    assert (first["mean_power_w"], first["power_boundary"]) == (900.0, "accelerators")
    assert first["stated_energy_per_unit_j"] == 2.0
    assert first["started_at_utc"] == datetime(2026, 2, 16)
    assert (second["mean_power_w"], second["power_boundary"]) == (None, None)
    assert first["configuration"] != second["configuration"]


def test_joules_per_token_are_watts_over_tokens_per_second(gated, feed, staged, rolled, samples):
    accepted, _ = gated("ml_energy", samples / RESULTS, OPTIONS)
    results = staged("benchmark_results", feed("ml_energy", "benchmark_results", accepted)).accepted
    efficiency = rolled(
        "rollups/benchmark_efficiency", {"staged.benchmark_results": results}, date(2026, 2, 1), date(2026, 3, 1)
    )
    # By hand: 900 W / 450 tokens/s; the configuration without power has no row.
    assert efficiency.select("energy_per_unit_j", "stated_energy_per_unit_j", "gflops_per_w").rows() == [
        (2.0, 2.0, None)
    ]
    assert efficiency.select("month_start", "site_id", "evidence_rank").rows() == [(date(2026, 2, 1), "site-a", 2)]


def test_the_day_has_to_be_stated(samples):
    with pytest.raises(UnreadableFile, match="measured_on"):
        list(read(samples / RESULTS, {}))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("ml_energy_index.json", "the leaderboard's index", id="index"),
        pytest.param("cyclonedx_server.json", "other JSON", id="another format"),
        pytest.param("green_button_truncated.xml", "no JSON", id="no JSON"),
    ],
)
def test_what_holds_no_results_is_refused(samples, name, said):
    with pytest.raises(UnreadableFile, match=said):
        list(read(samples / name, OPTIONS))
