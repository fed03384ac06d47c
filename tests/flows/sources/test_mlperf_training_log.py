"""MLPerf training results: messages that processes repeat, evaluations after the end, runs that were given up."""

import shutil
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def in_submission(tmp_path, samples):
    """A sample laid where a submission keeps its results."""

    def run(name):
        path = tmp_path / "Tern" / "results" / "tern-x8" / "own-llm" / "result_3.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        return shutil.copy(samples / name, path)

    return run


@pytest.fixture
def result(gated, feed, staged, in_submission):
    """``result(sample, options)``: the one staged result."""

    def run(name, options=None):
        accepted, rejected = gated("mlperf_training_log", in_submission(name), options)
        assert rejected.is_empty(), rejected.to_dicts()
        checked = staged("benchmark_results", feed("mlperf_training_log", "benchmark_results", accepted))
        assert checked.rejected.is_empty(), checked.rejected.to_dicts()
        return checked.accepted.row(0, named=True)

    return run


def test_the_result_is_the_time_from_start_to_stop(result):
    row = result("mlperf_training_log_success.txt", {"benchmark_version": "4.0", "device_count": 8})
    # 630 s, by the first process; 1704848400 is 01:00 UTC on 10 January 2024.
    assert (row["metric"], row["value"], row["unit"]) == ("time_to_train", 10.5, "min")
    assert row["started_at_utc"] == datetime(2024, 1, 10, 1)
    assert row["ended_at_utc"] == datetime(2024, 1, 10, 1, 10, 30)
    assert (row["benchmark"], row["benchmark_version"]) == ("mlperf_training/own-llm", "4.0")
    assert (row["system_name"], row["configuration"]) == ("tern-x8", "result_3 global_batch_size=768")
    assert (row["is_valid"], row["device_count"], row["meter_id"]) == (True, 8, None)


def test_the_quality_is_that_of_the_last_evaluation_of_the_run(gated, in_submission):
    accepted, _ = gated("mlperf_training_log", in_submission("mlperf_training_log_success.txt"))
    assert accepted["eval_accuracy"].to_list() == [0.721]


def test_a_run_that_was_given_up_is_invalid(result):
    assert result("mlperf_training_log_aborted.txt")["is_valid"] is False


def test_a_run_without_an_end_is_rejected(gated, in_submission):
    accepted, rejected = gated("mlperf_training_log", in_submission("mlperf_training_log_unfinished.txt"))
    assert accepted.is_empty()
    assert "run_stop is required" in rejected["message"].item()


def test_a_file_with_a_broken_message_is_an_unreadable_run(gated, in_submission):
    accepted, rejected = gated("mlperf_training_log", in_submission("mlperf_training_log_broken_message.txt"))
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["broken_message"]
    assert "line 7" in rejected["message"].item()


@pytest.mark.parametrize(("nodes", "meter_id"), [(1, "tern-x8/node_0"), (2, None)])
def test_the_meter_is_the_one_node_whose_power_was_logged(result, in_submission, nodes, meter_id):
    power = in_submission("mlperf_training_log_success.txt").parent / "power" / "result_3"
    power.mkdir(parents=True)
    for number in range(nodes):
        (power / f"node_{number}.txt").touch()
    assert result("mlperf_training_log_success.txt")["meter_id"] == meter_id


def test_another_file_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="no result file"):
        gated("mlperf_training_log", samples / "mlperf_power_log_three_channels.txt")
