"""Power analyser logs: totals repeated per channel, month before day, no zone, one file name for all."""

import shutil
from datetime import datetime

import pytest

from suanheng.schemas.gate import UnreadableFile


@pytest.fixture
def in_submission(tmp_path, samples):
    """A sample laid where a submission keeps its power log."""

    def run(name):
        path = tmp_path / "results" / "tern-x8" / "own-bench" / "Server" / "performance" / "run_1" / "spl.txt"
        path.parent.mkdir(parents=True)
        return shutil.copy(samples / name, path)

    return run


def test_power_is_the_total_and_not_the_sum_of_every_watts(gated, feed, staged, in_submission):
    accepted, rejected = gated("mlperf_power_log", in_submission("mlperf_power_log_three_channels.txt"), {}, "UTC")
    assert rejected.is_empty()
    checked = staged("facility_readings", feed("mlperf_power_log", "facility_readings", accepted))
    assert checked.rejected.is_empty()
    assert checked.accepted["power_w"].to_list() == [600, 1200, 1500.5, 610]
    first = checked.accepted.row(0, named=True)
    # 12 July, not 7 December.
    assert first["started_at_utc"] == first["ended_at_utc"] == datetime(2024, 7, 12, 10)
    assert (first["meter_id"], first["boundary"]) == ("tern-x8", "it_input")


def test_the_binding_may_name_the_meter(gated, samples):
    path = samples / "mlperf_power_log_three_channels.txt"
    accepted, _ = gated("mlperf_power_log", path, {"meter_id": "analyser-1"}, "America/Los_Angeles")
    assert accepted["meter_id"].unique().to_list() == ["analyser-1"]
    assert accepted["Time"].min() == datetime(2024, 7, 12, 17)


def test_a_file_whose_path_names_no_system_needs_a_meter(gated, samples):
    with pytest.raises(UnreadableFile, match="option meter_id"):
        gated("mlperf_power_log", samples / "mlperf_power_log_three_channels.txt", {}, "UTC")


def test_every_defect_is_named_and_no_line_is_lost(gated, in_submission):
    accepted, rejected = gated("mlperf_power_log", in_submission("mlperf_power_log_defects.txt"), {}, "UTC")
    # A line without channels cannot be verified, and is kept.
    assert accepted["row_number"].to_list() == [1]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        2: "watts_is_the_sum_of_channels",
        3: "greater_than_or_equal_to",
        4: "type",
        5: "key_value_pairs",
    }


def test_another_file_is_refused(gated, in_submission):
    with pytest.raises(UnreadableFile, match="not a log of a power analyser"):
        gated("mlperf_power_log", in_submission("mlperf_run_log_server_tokens.txt"), {}, "UTC")
