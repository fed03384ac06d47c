"""Exports of VictoriaMetrics: milliseconds, null for NaN, lines that are broken or too long."""

import json
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile

TWO_DEVICES = "prometheus_json_lines_two_devices.jsonl"


def test_samples_are_rows_and_null_is_unknown(gated, samples):
    accepted, rejected = gated("prometheus_json_lines", samples / TWO_DEVICES)
    assert accepted.select("row_number", "value").rows() == [
        (1, 500.25),
        (2, None),
        (3, 520),
        (4, 1000),
        (6, 26_181_130.255356),
    ]
    assert accepted["time"][2] == datetime(2024, 6, 1, 12, 0, 30, 250_000)
    assert rejected.select("row_number", "rule", "value").rows() == [(5, "type", "Infinity")]


def test_a_device_without_an_id_of_its_own_goes_by_its_server_and_card(gated, feed, samples):
    accepted, _ = gated("prometheus_json_lines", samples / TWO_DEVICES)
    rows = feed("prometheus_json_lines", "accelerator_samples", accepted).sort("device_id", "sampled_at_utc")
    assert rows.select("device_id", "node_id", "power_w", "energy_counter_j").rows() == [
        ("node-7/0", "node-7", 500.25, None),
        ("node-7/0", "node-7", None, None),
        ("node-7/0", "node-7", 520, None),
        ("node-7/1", "node-7", None, 1000),
        ("node-7/1", "node-7", None, 26_181_130.255356),
    ]


def test_every_defect_is_named_and_no_line_is_lost(gated, samples):
    accepted, rejected = gated("prometheus_json_lines", samples / "prometheus_json_lines_defects.jsonl")
    assert accepted["row_number"].to_list() == [1]
    assert rejected.select("row_number", "rule").sort("row_number").rows() == [
        (2, "point"),
        (3, "json_line"),
        (4, "json_line"),
        (5, "json_line"),
    ]
    assert "line 4" in rejected.filter(row_number=5)["message"].item()


@pytest.mark.parametrize("content", ['{"status":"success"}\n', "metric 1\n", "[1]\n"])
def test_another_file_is_refused(gated, tmp_path, content):
    path = tmp_path / "export.jsonl"
    path.write_text(content)
    with pytest.raises(UnreadableFile, match="no export of VictoriaMetrics"):
        gated("prometheus_json_lines", path)


def test_a_line_that_would_have_to_be_held_whole_is_refused(gated, tmp_path):
    path = tmp_path / "export.jsonl"
    series = {"metric": {"__name__": "up"}, "values": [1] * 1_200_000, "timestamps": [1_717_243_200_000] * 1_200_000}
    path.write_text(json.dumps(series, separators=(",", ":")))
    with pytest.raises(UnreadableFile, match="max_rows_per_line"):
        gated("prometheus_json_lines", path)
