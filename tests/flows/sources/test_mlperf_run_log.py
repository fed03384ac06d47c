"""LoadGen run logs, and the power of benchmark results from the analyser's samples within the load."""

import shutil
from datetime import date, datetime
from decimal import Decimal

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def in_submission(tmp_path, samples):
    """A sample laid where a submission keeps the logs of a run."""

    def run(name, as_name="mlperf_log_detail.txt"):
        path = tmp_path / "results" / "tern-x8" / "own-bench" / "Server" / "performance" / "run_1" / as_name
        path.parent.mkdir(parents=True, exist_ok=True)
        return shutil.copy(samples / name, path)

    return run


@pytest.fixture
def result(gated, feed, staged, in_submission):
    """The one staged result of a sample."""

    def run(name, options=None):
        accepted, rejected = gated("mlperf_run_log", in_submission(name), options, "UTC")
        assert rejected.is_empty()
        checked = staged("benchmark_results", feed("mlperf_run_log", "benchmark_results", accepted))
        assert checked.rejected.is_empty()
        return checked.accepted

    return run


def test_tokens_are_the_result_where_a_benchmark_counts_them(result):
    row = result("mlperf_run_log_server_tokens.txt").row(0, named=True)
    assert (row["metric"], row["value"], row["unit"]) == ("tokens_per_s", 23_113.1, "tokens/s")
    assert (row["benchmark"], row["scenario"]) == ("mlperf_inference/own-bench", "Server")
    assert row["system_name"] == row["meter_id"] == "tern-x8"
    assert row["started_at_utc"] == datetime(2024, 7, 12, 10, 0, 0, 500_000)
    assert row["ended_at_utc"] == datetime(2024, 7, 12, 10, 0, 2, 500_000)
    assert row["is_valid"]


def test_samples_are_the_result_elsewhere_and_an_invalid_run_says_so(result):
    options = {"sku": "Own 80GB", "device_count": 8, "precision": "FP8", "meter_id": "analyser-1"}
    row = result("mlperf_run_log_offline_invalid.txt", options).row(0, named=True)
    assert (row["metric"], row["value"], row["unit"]) == ("samples_per_s", 41.5, "samples/s")
    assert (row["sku"], row["device_count"], row["precision"], row["meter_id"]) == ("Own 80GB", 8, "FP8", "analyser-1")
    assert row["is_valid"] is False


def test_a_run_without_throughput_is_rejected(gated, in_submission):
    accepted, rejected = gated("mlperf_run_log", in_submission("mlperf_run_log_single_stream.txt"), {}, "UTC")
    assert accepted.is_empty()
    assert rejected.select("row_number", "rule").rows() == [(1, "throughput_is_stated")]


def test_a_log_with_a_broken_line_is_an_unreadable_run(gated, in_submission):
    accepted, rejected = gated("mlperf_run_log", in_submission("mlperf_run_log_broken_line.txt"), {}, "UTC")
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["broken_message"]
    assert "line 2 cannot be read" in rejected["message"].item()


def test_a_file_without_messages_is_refused(gated, in_submission):
    with pytest.raises(UnreadableFile, match="not a detail log of LoadGen"):
        gated("mlperf_run_log", in_submission("mlperf_power_log_defects.txt"), {}, "UTC")


def test_a_run_whose_path_names_no_benchmark_is_rejected(gated, samples):
    _, rejected = gated("mlperf_run_log", samples / "mlperf_run_log_server_tokens.txt", {}, "UTC")
    assert "benchmark is required" in rejected["message"].item()


@pytest.fixture
def readings(gated, feed, staged, in_submission):
    """Staged readings of the analyser: 600 W, 1200 W, 1500.5 W, 610 W at 10:00:00, :01, :02, :03."""
    path = in_submission("mlperf_power_log_three_channels.txt", "spl.txt")
    accepted, _ = gated("mlperf_power_log", path, {}, "UTC")
    return staged("facility_readings", feed("mlperf_power_log", "facility_readings", accepted)).accepted


@pytest.fixture
def benchmark_power(rolled, readings):
    """Rows of rollups.benchmark_power for results."""

    def run(results, period_start=date(2024, 7, 1), period_end=date(2024, 8, 1), time_zone="UTC"):
        tables = {"staged.benchmark_results": results, "staged.facility_readings": readings}
        return rolled("rollups/benchmark_power", tables, period_start, period_end, time_zone).rows(named=True)

    return run


def test_only_samples_within_the_load_count(result, benchmark_power):
    (row,) = benchmark_power(result("mlperf_run_log_server_tokens.txt"))
    # The load lasts from 10:00:00.5 to 10:00:02.5: 1200 W + 1500.5 W.
    assert row["power_sum_w"] == Decimal("2700.5")
    assert row["power_samples"] == 2
    assert (row["month_start"], row["evidence_rank"]) == (date(2024, 7, 1), 2)


def test_a_result_without_samples_has_unknown_power(result, benchmark_power):
    (row,) = benchmark_power(result("mlperf_run_log_offline_invalid.txt"))
    assert row["power_sum_w"] is None
    assert row["power_samples"] == 0
    assert row["evidence_rank"] == 2


def test_results_of_other_months_stay_out(result, benchmark_power):
    results = result("mlperf_run_log_server_tokens.txt")
    assert benchmark_power(results, date(2024, 8, 1), date(2024, 9, 1)) == []
