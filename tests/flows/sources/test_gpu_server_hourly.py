"""Hourly GPU server statistics: byte-order mark, newest first, a footer, local time, means per GPU."""

from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile

OPTIONS = {"gpus_per_server": 4, "sku": "Own 80GB"}
NEW_YORK = "America/New_York"


def test_hours_are_rows_and_the_footer_is_none(gated, samples):
    accepted, rejected = gated("gpu_server_hourly", samples / "gpu_server_hourly_newest_first.txt", OPTIONS, NEW_YORK)
    assert rejected.is_empty()
    assert accepted["row_number"].to_list() == [2, 3, 4]
    # By hand: 23:00 and 00:00 are winter time (UTC-5); 03:00 is the first summer hour (UTC-4), clocks went forward.
    assert accepted["timestamp"].to_list() == [
        datetime(2024, 3, 10, 7),
        datetime(2024, 3, 10, 5),
        datetime(2024, 3, 10, 4),
    ]


def test_a_server_is_as_many_equal_devices_as_it_has_gpus(gated, feed, staged, samples):
    accepted, _ = gated("gpu_server_hourly", samples / "gpu_server_hourly_newest_first.txt", OPTIONS, NEW_YORK)
    checked = staged("accelerator_samples", feed("gpu_server_hourly", "accelerator_samples", accepted))
    assert checked.rejected.is_empty()
    busy = checked.accepted.row(0, named=True)
    assert (busy["node_id"], busy["device_id"], busy["sku"]) == ("rack7", "rack7/gpus", "Own 80GB")
    assert (busy["device_count"], busy["interval_s"]) == (4, 3600)
    assert (busy["power_w"], busy["utilisation_ratio"], busy["temperature_c"]) == (180.5, 0.755, 51)
    assert busy["memory_used_bytes"] is None


def test_every_defect_is_named_and_no_row_is_lost(gated, samples):
    accepted, rejected = gated("gpu_server_hourly", samples / "gpu_server_hourly_five_defects.txt", OPTIONS, NEW_YORK)
    assert accepted["row_number"].to_list() == [2]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        3: "field_count",
        4: "type",
        5: "less_than_or_equal_to",
        6: "power_mean_between_extremes",
        7: "not_nullable",
    }


def test_the_source_must_say_over_how_many_gpus_the_means_are(gated, samples):
    with pytest.raises(UnreadableFile, match="Expected option gpus_per_server"):
        gated("gpu_server_hourly", samples / "gpu_server_hourly_newest_first.txt", {}, NEW_YORK)


def test_local_times_need_a_time_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("gpu_server_hourly", samples / "gpu_server_hourly_newest_first.txt", OPTIONS)


def test_a_file_that_holds_fewer_rows_than_its_footer_counts_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="Expected 2 rows, as its footer says; got 1 rows"):
        gated("gpu_server_hourly", samples / "gpu_server_hourly_row_missing.txt", OPTIONS, NEW_YORK)


def test_another_header_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="tab-separated header"):
        gated("gpu_server_hourly", samples / "nvidia_smi_nulls.csv", OPTIONS, NEW_YORK)


def test_bytes_that_are_no_utf_8_are_refused(gated, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("name\ttimestamp\tpowerave\ttempave\tutilave\nrück".encode("latin-1"))
    with pytest.raises(UnreadableFile, match="not text in utf-8"):
        gated("gpu_server_hourly", path, OPTIONS, NEW_YORK)
