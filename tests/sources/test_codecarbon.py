"""CodeCarbon: defaults that are no measurements, energies times a PUE, local times of the end."""

from datetime import datetime

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def tracked(gated, feed, staged, samples):
    """``tracked(sample)``: raw rows, staged runs by id, and the rules broken at both gates."""

    def run(sample, evidence="measured"):
        accepted, rejected = gated("codecarbon", samples / sample, {"cluster": "tern"}, "Asia/Shanghai")
        bound = accepted.with_columns(evidence_class=pl.lit(evidence))
        checked = staged("workload_runs", feed("codecarbon", "workload_runs", bound))
        runs = {row["job_id"]: row for row in checked.accepted.iter_rows(named=True)}
        return (
            accepted,
            runs,
            dict(rejected.select("row_number", "rule").iter_rows()),
            checked.rejected["rule"].to_list(),
        )

    return run


def test_a_run_ends_when_its_record_was_written_and_its_wait_is_unknown(tracked):
    _, runs, broken, _ = tracked("codecarbon_defaults.csv")
    assert broken == {}
    row = runs["run-1"]
    # 10:00 in Shanghai, after an hour.
    assert (row["started_at_utc"], row["ended_at_utc"]) == (datetime(2024, 1, 10, 1), datetime(2024, 1, 10, 2))
    assert (row["cluster_id"], row["is_submission_known"], row["device_count"]) == ("tern", False, None)


def test_energy_is_that_of_the_run_without_the_pue_the_tool_was_told(tracked):
    _, runs, _, _ = tracked("codecarbon_defaults.csv")
    # 0.42 kWh; and 0.63 kWh of which a PUE of 1.5 made the 0.42 kWh.
    assert runs["run-1"]["energy_j"] == pytest.approx(0.42 * 3.6e6)
    assert runs["run-2"]["energy_j"] == pytest.approx(0.42 * 3.6e6)


def test_defaults_are_no_measurements(tracked):
    raw, _, _, _ = tracked("codecarbon_defaults.csv")
    assert raw.select("pue", "wue").rows() == [(None, None), (1.5, 1.8)]


@pytest.mark.parametrize(("bound_as", "counts_as"), [("measured", "estimated"), ("simulated", "simulated")])
def test_energy_is_estimated_whatever_the_source_says(tracked, bound_as, counts_as):
    _, runs, _, _ = tracked("codecarbon_defaults.csv", bound_as)
    assert {row["evidence_class"] for row in runs.values()} == {counts_as}


def test_an_older_version_has_fewer_columns_and_every_defect_is_named(tracked):
    raw, runs, broken, broken_later = tracked("codecarbon_old_version_defects.csv")
    assert broken == {3: "energy_is_the_sum_of_its_parts", 4: "type", 5: "field_count"}
    assert raw["tracking_mode"].to_list() == [None, None]
    # 100 kWh in a second is more than a server can use.
    assert (list(runs), broken_later) == (["run-1"], ["energy_within_nodes"])


def test_another_table_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="has no column"):
        gated("codecarbon", samples / "acme_trace_other_offset.csv", {}, "UTC")


def test_local_times_need_a_time_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("codecarbon", samples / "codecarbon_defaults.csv")
