"""Slurm accounting as JSON: plain and wrapped numbers, resources as lists, states as a word or a list."""

import gzip
import json
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def runs(gated, feed, staged, samples):
    """``runs(sample)``: staged runs in the order of the file; nothing may be rejected."""

    def run(sample):
        accepted, rejected = gated("sacct_json", samples / sample)
        assert rejected.is_empty(), rejected.to_dicts()
        checked = staged("workload_runs", feed("sacct_json", "workload_runs", accepted))
        assert checked.rejected.is_empty(), checked.rejected.to_dicts()
        return checked.accepted.sort("row_number").to_dicts()

    return run


def test_jobs_of_a_new_data_parser(runs):
    train, waiting, ending = runs("sacct_json_wrapped_numbers.json")
    assert (train["cluster_id"], train["job_id"], train["state"]) == ("tern", "100", "completed")
    # 1704844800 is midnight of 10 January 2024 in UTC.
    assert train["submitted_at_utc"] == datetime(2024, 1, 10, 0)
    assert (train["started_at_utc"], train["ended_at_utc"]) == (datetime(2024, 1, 10, 1), datetime(2024, 1, 10, 2, 40))
    assert (train["node_count"], train["cpu_count"], train["device_count"]) == (2, 64, 8)
    assert train["requested_device_count"] == 8
    # 2880 minutes; 128 000 MB.
    assert train["requested_s"] == 172_800
    assert train["requested_memory_bytes"] == 128_000 * 2**20
    assert train["energy_j"] == 7_200_000
    assert (waiting["state"], ending["state"]) == ("pending", "running")


def test_what_has_not_come_or_is_not_set_is_unknown(runs):
    _, waiting, ending = runs("sacct_json_wrapped_numbers.json")
    assert [waiting[name] for name in ("started_at_utc", "ended_at_utc", "requested_s", "device_count")] == [None] * 4
    # No limit is 2^32 - 1 minutes; no energy is 2^64 - 2 J; one A100 and two H100; GPUs without a request for them.
    assert (ending["requested_s"], ending["energy_j"], ending["device_count"]) == (None, None, 3)
    assert ending["requested_device_count"] is None


def test_jobs_of_an_old_data_parser_which_gives_the_eligible_time_as_the_start(runs):
    first, requeued = runs("sacct_json_plain_numbers.json")
    # It ended two hours after it was eligible and ran for one.
    assert first["submitted_at_utc"] == datetime(2022, 1, 1, 10)
    assert (first["started_at_utc"], first["ended_at_utc"]) == (datetime(2022, 1, 1, 11), datetime(2022, 1, 1, 12))
    assert (first["state"], first["device_count"], first["requested_s"]) == ("failed", 2, 7_200)
    # The same id again, submitted later: another run.
    assert (requeued["job_id"], requeued["submitted_at_utc"]) == ("200", datetime(2022, 1, 1, 13))
    assert requeued["requested_s"] is None


@pytest.mark.parametrize(
    ("resources", "devices"),
    [
        ([("npu", 8), ("npu:910b3", 8)], 8),
        ([("mlu:370", 2)], 2),
        ([("gpu:1g.10gb", 7)], None),  # instances of a partitioned GPU
        ([("shard", 1)], None),
        ([], 0),
    ],
)
def test_accelerators_of_any_make_count_and_shares_of_one_do_not(gated, feed, tmp_path, resources, devices):
    tres = [{"type": "cpu", "count": 16}, *({"type": "gres", "name": name, "count": n} for name, n in resources)]
    at = {"submission": 1704844800, "start": 1704844800, "end": 1704848400, "eligible": 1704844800, "elapsed": 3600}
    job = {"job_id": 7, "cluster": "tern", "time": at, "state": {"current": "COMPLETED"}}
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps({"jobs": [job | {"tres": {"allocated": tres, "requested": tres}}]}))
    accepted, rejected = gated("sacct_json", path)
    assert rejected.is_empty(), rejected.to_dicts()
    fed = feed("sacct_json", "workload_runs", accepted)
    assert fed.select("device_count", "requested_device_count").rows() == [(devices, devices)]


def test_every_defect_is_named_and_no_job_is_lost(gated, samples):
    accepted, rejected = gated("sacct_json", samples / "sacct_json_defects.json")
    assert accepted["job_id"].to_list() == ["300"]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        2: "not_nullable",
        3: "type",
        4: "not_nullable",
        5: "not_nullable",
        6: "no_object",
    }


def test_a_compressed_file_is_read_alike(gated, samples, tmp_path):
    path = tmp_path / "jobs.json.gz"
    path.write_bytes(gzip.compress((samples / "sacct_json_plain_numbers.json").read_bytes()))
    accepted, rejected = gated("sacct_json", path)
    assert (accepted.height, rejected.height) == (2, 0)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ('{"jobs": [{"job_id": 1}', "no whole JSON"),
        ('{"nodes": []}', "without a list of jobs"),
        ("JobID|State", "no whole JSON"),
        ("", "no whole JSON"),
    ],
)
def test_other_files_are_refused(gated, tmp_path, content, got):
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=got):
        gated("sacct_json", path)


def test_a_list_without_jobs_is_no_other_file(gated, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text('{"jobs": [], "errors": []}', encoding="utf-8")
    accepted, rejected = gated("sacct_json", path)
    assert accepted.is_empty()
    assert rejected.is_empty()


def test_nesting_without_end_is_refused_before_it_costs_time(gated, tmp_path):
    path = tmp_path / "deep.json"
    path.write_text('{"jobs": [' + '{"a":' * 200_000 + "1" + "}" * 200_000 + "]}", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="nested deeper than 64 levels"):
        gated("sacct_json", path)


def _piece(start, end, gpus=8):
    times = {"submission": 1712725200, "start": start, "end": end, "elapsed": end - start}
    tres = {"allocated": [{"type": "gres", "name": "gpu", "count": gpus}]}
    return {"job_id": 500, "cluster": "tern", "time": times, "state": {"current": ["COMPLETED"]}, "tres": tres}


@pytest.mark.parametrize(
    ("pieces", "hours", "rules"),
    [
        # 18 h, 24 h and 18 h from 2024-04-10 06:00 UTC, 1712728800: one job of 60 h.
        ([_piece(1712728800 + 3600 * a, 1712728800 + 3600 * b) for a, b in ((0, 18), (18, 42), (42, 60))], [60], []),
        ([_piece(1712728800 + 3600 * a, 1712728800 + 3600 * b) for a, b in ((0, 18), (42, 60))], [], ["isin"] * 2),
        ([_piece(1712728800, 1712732400), _piece(1712732400, 1712736000, gpus=4)], [], ["isin"] * 2),
    ],
)
def test_pieces_of_a_truncated_export_are_one_job_or_believed_by_nobody(
    gated, feed, staged, tmp_path, pieces, hours, rules
):
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps({"jobs": pieces}), encoding="utf-8")
    accepted, rejected = gated("sacct_json", path)
    assert rejected.is_empty()
    checked = staged("workload_runs", feed("sacct_json", "workload_runs", accepted))
    lasted = checked.accepted["ended_at_utc"] - checked.accepted["started_at_utc"]
    assert lasted.dt.total_hours().to_list() == hours
    assert checked.rejected["rule"].to_list() == rules
