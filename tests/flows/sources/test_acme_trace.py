"""Job traces of AI clusters: durations that include the wait, stamps with different offsets."""

import shutil
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def trace(gated, feed, staged, samples, tmp_path):
    """``trace(sample, cluster)``: raw rows, staged runs by job, and the rules that rows broke by line."""

    def run(sample, cluster):
        path = shutil.copy(samples / sample, tmp_path / f"trace_{cluster}.csv")
        accepted, rejected = gated("acme_trace", path)
        checked = staged("workload_runs", feed("acme_trace", "workload_runs", accepted))
        broken = dict(rejected.select("row_number", "rule").iter_rows())
        return (
            accepted,
            {row["job_id"]: row for row in checked.accepted.iter_rows(named=True)},
            broken,
            checked.rejected,
        )

    return run


def gpu_seconds(runs):
    """Device-seconds of runs by their stamps."""
    return {
        job: run["device_count"] * (run["ended_at_utc"] - run["started_at_utc"]).total_seconds()
        for job, run in runs.items()
        if run["started_at_utc"]
    }


def test_t11_durations_are_those_of_the_stamps_where_the_file_counts_the_wait_in(trace):
    raw, runs, broken, _ = trace("acme_trace_wait_in_duration.csv", "kalos")
    assert broken == {}
    # 30 s on 64 GPUs and 100 s on 8; the file says 50 s and 110 s, which is from the submission on.
    assert gpu_seconds(runs) == {"dlc1": 1_920, "dlc2": 800}
    assert raw["gpu_time"].to_list()[:2] == [3_200, 880]


def test_t11_durations_are_those_of_the_stamps_where_the_file_agrees_and_the_offset_is_another(trace):
    raw, runs, _, _ = trace("acme_trace_other_offset.csv", "seren")
    assert gpu_seconds(runs) == {"501": 800}
    assert raw["gpu_time"].to_list()[0] == 800
    assert runs["501"]["submitted_at_utc"] == datetime(2023, 2, 28, 16, 10)
    assert runs["501"]["cluster_id"] == "seren"


def test_states_kinds_of_work_and_jobs_that_never_started(trace):
    _, runs, _, _ = trace("acme_trace_wait_in_duration.csv", "kalos")
    assert {job: run["state"] for job, run in runs.items()} == {
        "dlc1": "failed",
        "dlc2": "cancelled",
        "dlc3": "node_failure",
    }
    assert [runs[job]["workload_class"] for job in ("dlc1", "dlc2", "dlc3")] == ["training", "fine_tuning", "other"]
    assert runs["dlc3"]["started_at_utc"] is None
    assert runs["dlc3"]["device_count"] == 0


def test_every_defect_is_named_and_no_row_is_lost(trace):
    raw, runs, broken, rejected = trace("acme_trace_other_offset.csv", "seren")
    assert broken == {3: "isin", 4: "type", 5: "field_count"}
    assert raw["job_id"].to_list() == ["501", "505"]
    assert list(runs) == ["501"]
    assert rejected["rule"].to_list() == ["not_started_before_submitted"]


def test_a_file_that_names_no_cluster_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="option cluster"):
        gated("acme_trace", samples / "acme_trace_other_offset.csv")


def test_another_table_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="has no column job_id"):
        gated("acme_trace", samples / "top500_three_systems.csv", {"cluster": "seren"})
