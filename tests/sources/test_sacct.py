"""Slurm accounting: durations, resources, states with their actor, unknown times, headers."""

from datetime import datetime

import pytest

from suanheng.flows.sources.sacct import FIELDS
from suanheng.schemas.gate import UnreadableFile


@pytest.fixture
def runs(gated, feed, staged, samples):
    """Staged runs by job id."""
    accepted, rejected = gated("sacct", samples / "sacct_spellings.txt", {}, "Asia/Shanghai")
    assert rejected.is_empty()
    checked = staged("workload_runs", feed("sacct", "workload_runs", accepted))
    assert checked.rejected.is_empty()
    return {row["job_id"]: row for row in checked.accepted.iter_rows(named=True)}


def test_jobs_become_runs_and_their_steps_do_not(runs):
    assert list(runs) == ["100", "101", "104", "105"]


def test_times_are_of_the_zone_the_binding_declares(runs):
    # 08:00 in Shanghai is midnight UTC.
    assert runs["100"]["submitted_at_utc"] == datetime(2024, 1, 10, 0, 0)
    assert runs["100"]["ended_at_utc"] == datetime(2024, 1, 11, 2, 30)


def test_times_that_are_not_known_stay_unknown(runs):
    assert (runs["104"]["started_at_utc"], runs["104"]["ended_at_utc"]) == (None, None)


def test_states_are_split_from_who_cancelled(runs):
    states = {job: run["state"] for job, run in runs.items()}
    assert states == {"100": "completed", "101": "cancelled", "104": "pending", "105": "node_failure"}


def test_limits_in_every_spelling_are_seconds(runs):
    # 2 days; 125 days; no limit; 30 minutes.
    limits = {job: run["requested_s"] for job, run in runs.items()}
    assert limits == {"100": 172_800, "101": 10_800_000, "104": None, "105": 1_800}


def test_gpus_are_counted_once_whether_listed_in_total_by_type_or_both(runs):
    # 100 lists its eight GPUs twice, 101 lists 1 + 2 by type only, 104 has nothing yet, 105 has no GPU.
    counts = {job: run["device_count"] for job, run in runs.items()}
    assert counts == {"100": 8, "101": 3, "104": None, "105": 0}


def test_a_request_that_old_slurm_did_not_record_is_unknown(runs):
    counts = {job: run["requested_device_count"] for job, run in runs.items()}
    assert counts == {"100": 8, "101": None, "104": 0, "105": 0}


def test_a_job_name_may_hold_the_separator(gated, samples):
    accepted, _ = gated("sacct", samples / "sacct_spellings.txt", {}, "UTC")
    assert accepted["jobname"].to_list()[1] == "probe|with|bars"


def test_a_header_tells_the_fields_and_energy_of_zero_is_unknown(gated, feed, samples):
    accepted, rejected = gated("sacct", samples / "sacct_header_energy.txt", {}, "UTC")
    fed = feed("sacct", "workload_runs", accepted)
    assert dict(fed.select("job_id", "energy_j").iter_rows()) == {"7": 1_800_000, "8": None}
    assert rejected.select("row_number", "rule").rows() == [(4, "energy_within_nodes")]


def test_the_binding_may_name_another_order(gated, tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("COMPLETED|tern|5|2024-01-10T08:00:00|2024-01-10T08:00:01|2024-01-10T08:00:02\n", encoding="utf-8")
    accepted, rejected = gated("sacct", path, {"fields": "state,cluster,jobidraw,submit,start,end"}, "UTC")
    assert rejected.is_empty()
    assert accepted.select("jobidraw", "state").rows() == [("5", "COMPLETED")]


def test_every_defect_is_named_and_no_row_is_lost(gated, samples):
    accepted, rejected = gated("sacct", samples / "sacct_defects.txt", {}, "UTC")
    assert accepted["jobidraw"].to_list() == ["200"]
    found = {row["row_number"]: (row["rule"], row["message"]) for row in rejected.iter_rows(named=True)}
    assert {number: rule for number, (rule, _) in found.items()} == {
        2: "type",
        3: "field_count",
        4: "str_matches",
        5: "type",
    }
    # Both faults of the fifth record are told.
    assert "ncpus" in found[5][1]
    assert "account" in found[5][1]


def test_another_number_of_fields_is_refused(gated, tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("1|2|3\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match=f"Expected {len(FIELDS)} fields"):
        gated("sacct", path, {}, "UTC")


def test_a_field_without_which_no_run_is_known_must_be_there(gated, tmp_path):
    path = tmp_path / "header.txt"
    path.write_text("JobIDRaw|Submit|Start|End|State\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="lacks cluster"):
        gated("sacct", path, {}, "UTC")


def test_local_times_need_a_time_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("sacct", samples / "sacct_spellings.txt")


def test_an_empty_file_holds_no_job(gated, tmp_path):
    path = tmp_path / "empty.txt"
    path.touch()
    accepted, rejected = gated("sacct", path, {}, "UTC")
    assert accepted.is_empty()
    assert rejected.is_empty()
