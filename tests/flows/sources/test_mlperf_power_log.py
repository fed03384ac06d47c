"""Power analyser logs: totals repeated per channel, month before day, no zone, one file name for all."""

import re
import shutil
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from suanheng.schemas.checking.records import UnreadableFile


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


def test_the_source_may_name_the_meter(gated, samples):
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


def test_t14_energy_is_that_of_the_totals_and_not_twice_as_much(gated, feed, in_submission):
    path = in_submission("mlperf_power_log_three_channels.txt")
    accepted, _ = gated("mlperf_power_log", path, {}, "UTC")
    watts = feed("mlperf_power_log", "facility_readings", accepted).sort("started_at_utc")["power_w"]
    # Trapezoids of 600, 1200, 1500.5 and 610 W, one second apart: 900 + 1350.25 + 1055.25 J.
    joules = sum((first + second) / 2 for first, second in pairwise(watts))
    assert joules == 3305.5
    every_watts = [float(value) for value in re.findall(r"Watts,([\d.]+)", path.read_text(encoding="utf-8"))]
    assert sum(every_watts) == pytest.approx(2 * sum(watts), abs=0.5)


def test_t15_one_line_of_local_time_without_zone_goes_there_and_back(gated, feed, tmp_path):
    line = "Time,07-04-2024 23:59:59.250,Watts,512.75,Volts,229.1,Amps,2.30,PF,0.97,Mark,own_bench"
    path = tmp_path / "spl.txt"
    path.write_text(line + "\n", encoding="utf-8")
    accepted, rejected = gated("mlperf_power_log", path, {"meter_id": "analyser-1"}, "America/Los_Angeles")
    assert rejected.is_empty()
    row = feed("mlperf_power_log", "facility_readings", accepted).row(0, named=True)
    # 4 July in California is seven hours behind UTC.
    assert row["started_at_utc"] == datetime(2024, 7, 5, 6, 59, 59, 250_000)
    local = row["started_at_utc"].replace(tzinfo=UTC).astimezone(ZoneInfo("America/Los_Angeles"))
    back = f"Time,{local:%m-%d-%Y %H:%M:%S}.{local.microsecond // 1000:03},Watts,{row['power_w']}"
    assert line.startswith(back + ",")


def test_t15_without_a_declared_zone_the_log_is_refused(gated, in_submission):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("mlperf_power_log", in_submission("mlperf_power_log_three_channels.txt"))
