"""ClusterCockpit archives: statistics that contradict themselves, units that differ between the files of a job."""

import json
import shutil
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def job(samples):
    """``meta.json`` of a job with its series beside it."""
    return samples / "cluster_cockpit_job" / "meta.json"


@pytest.fixture
def run(gated, feed, staged):
    """``run(path)``: the one staged run of a job."""

    def stage(path):
        accepted, _ = gated("cluster_cockpit", path)
        checked = staged("workload_runs", feed("cluster_cockpit", "workload_runs", accepted))
        assert checked.rejected.is_empty()
        return checked.accepted.row(0, named=True)

    return stage


def test_t08_a_mean_above_the_maximum_is_quarantined_with_both_values(gated, job):
    _, rejected = gated("cluster_cockpit", job)
    (found,) = rejected.filter(rule="avg_within_max").to_dicts()
    record = json.loads(found["record"])
    assert (found["row_number"], record["metric"], record["avg"], record["max"]) == (3, "ipc", "1.5", "0.5")


def test_t08_a_unit_that_differs_between_the_files_of_a_job_is_found(gated, job):
    _, rejected = gated("cluster_cockpit", job)
    (found,) = rejected.filter(rule="one_unit_in_both_files").to_dicts()
    record = json.loads(found["record"])
    assert (record["metric"], record["unit"], record["series_unit"]) == ("mem_used", "GB", "GB/s")


def test_t08_the_job_and_its_sound_metrics_are_kept(gated, job):
    accepted, rejected = gated("cluster_cockpit", job)
    assert accepted["metric"].to_list() == [None, "acc_power", "mem_bw"]
    assert accepted["series_unit"].to_list() == [None, "W", "GB/s"]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        3: "avg_within_max",
        4: "one_unit_in_both_files",
        6: "no_object",
    }


def test_a_job_becomes_a_run_whose_wait_is_unknown(run, job):
    row = run(job)
    assert (row["cluster_id"], row["job_id"], row["state"]) == ("tern", "4711", "completed")
    # 1704848400 is 01:00 UTC on 10 January 2024; it ran for two hours.
    assert row["started_at_utc"] == row["submitted_at_utc"] == datetime(2024, 1, 10, 1)
    assert row["is_submission_known"] is False
    assert row["ended_at_utc"] == datetime(2024, 1, 10, 3)
    assert (row["node_count"], row["device_count"], row["cpu_count"]) == (2, 16, 256)
    assert row["requested_s"] == 86_400


def test_a_job_that_still_runs_has_no_end_and_one_that_says_when_it_was_submitted_has_a_wait(run, samples):
    row = run(samples / "cluster_cockpit_without_series.json")
    assert (row["state"], row["ended_at_utc"], row["is_submission_known"]) == ("running", None, True)
    assert row["submitted_at_utc"] == datetime(2024, 1, 10, 0)


def test_series_need_not_be_compressed(gated, job, tmp_path):
    path = shutil.copy(job, tmp_path / "meta.json")
    series = {"acc_power": {"node": {"unit": {"base": "W", "prefix": "k"}, "series": []}}}
    (tmp_path / "data.json").write_text(json.dumps(series), encoding="utf-8")
    _, rejected = gated("cluster_cockpit", tmp_path / path.name)
    assert rejected.filter(rule="one_unit_in_both_files")["row_number"].to_list() == [2]


def test_a_job_beside_which_the_series_are_broken_is_refused(gated, job, tmp_path):
    shutil.copy(job, tmp_path / "meta.json")
    (tmp_path / "data.json").write_text('{"acc_power": {', encoding="utf-8")
    with pytest.raises(UnreadableFile, match=r"data\.json beside meta\.json cannot be read"):
        gated("cluster_cockpit", tmp_path / "meta.json")


def test_other_json_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="describes no job"):
        gated("cluster_cockpit", samples / "ml_energy_index.json")
