"""Power logs of MLPerf training: readings behind the conversion, in epoch milliseconds."""

import shutil
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


def test_power_is_the_reading_times_the_factor_of_the_log(gated, feed, staged, samples, tmp_path):
    path = tmp_path / "Tern" / "results" / "tern-x8" / "own-llm" / "power" / "result_3" / "node_0.txt"
    path.parent.mkdir(parents=True)
    shutil.copy(samples / "mlperf_training_power_two_readings.txt", path)
    accepted, rejected = gated("mlperf_training_power", path)
    assert rejected.is_empty()
    checked = staged("facility_readings", feed("mlperf_training_power", "facility_readings", accepted))
    assert checked.rejected.is_empty()
    assert checked.accepted["meter_id"].unique().to_list() == ["tern-x8/node_0"]
    # 8 kW and 8.4 kW behind supplies of 80 %: a factor of 1.25.
    assert dict(checked.accepted.select("started_at_utc", "power_w").iter_rows()) == {
        datetime(2024, 1, 10, 1): 10_000,
        datetime(2024, 1, 10, 1, 0, 1): 10_500,
    }


def test_every_defect_is_named_and_a_log_without_a_factor_is_taken_as_it_is(gated, feed, samples):
    path = samples / "mlperf_training_power_defects.txt"
    accepted, rejected = gated("mlperf_training_power", path, {"meter_id": "node"})
    assert feed("mlperf_training_power", "facility_readings", accepted)["power_w"].to_list() == [8_000]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        2: "type",
        3: "greater_than_or_equal_to",
        4: "broken_message",
    }


def test_a_file_whose_path_names_no_system_needs_a_meter(gated, samples):
    with pytest.raises(UnreadableFile, match="option meter_id"):
        gated("mlperf_training_power", samples / "mlperf_training_power_two_readings.txt")


def test_a_file_without_readings_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="no power log"):
        gated("mlperf_training_power", samples / "mlperf_training_log_success.txt", {"meter_id": "node"})
