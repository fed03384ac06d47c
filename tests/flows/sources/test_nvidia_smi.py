"""nvidia-smi: spellings of null, units in values, captures with other sections, bursts without an index."""

from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile


@pytest.fixture
def sampled(gated, feed, staged, samples):
    """Staged samples of a file, of which nothing may be rejected when staged."""

    def run(name, options=None):
        accepted, _ = gated("nvidia_smi", samples / name, options, "UTC")
        checked = staged("accelerator_samples", feed("nvidia_smi", "accelerator_samples", accepted))
        assert checked.rejected.is_empty()
        return checked.accepted.rows(named=True)

    return run


def test_units_are_taken_off_and_converted(sampled):
    first, _ = sampled("nvidia_smi_nulls.csv")
    assert first["sampled_at_utc"] == datetime(2024, 6, 1, 12, 0, 0, 250_000)
    assert first["device_id"] == "GPU-11111111-2222-3333-4444-555555555555"
    assert (first["power_w"], first["utilisation_ratio"], first["sm_clock_mhz"]) == (512.25, 0.87, 1755)
    # 1000 MiB and 81559 MiB, by hand.
    assert (first["memory_used_bytes"], first["memory_total_bytes"]) == (1_048_576_000, 85_520_809_984)
    assert first["sku"] == "NVIDIA Own 80GB"


def test_t12_every_spelling_of_null_is_unknown_beside_a_known_power(sampled):
    _, second = sampled("nvidia_smi_nulls.csv")
    assert second["power_w"] == 433.78
    unknown = ("utilisation_ratio", "memory_used_bytes", "temperature_c", "sm_clock_mhz")
    assert [second[column] for column in unknown] == [None] * 4


def test_the_source_may_name_the_model_and_the_server(sampled):
    first, _ = sampled("nvidia_smi_nulls.csv", {"sku": "Own 80GB SXM", "node": "t01"})
    assert (first["sku"], first["node_id"]) == ("Own 80GB SXM", "t01")


def test_only_queries_of_gpus_are_taken_from_a_capture(gated, samples):
    accepted, rejected = gated("nvidia_smi", samples / "nvidia_smi_capture.txt", {"node": "t01"}, "UTC")
    assert rejected.is_empty()
    assert accepted.select("row_number", "power.draw [W]").rows() == [(18, 70.5), (30, 633.0)]


def test_a_masked_gpu_goes_by_its_server_and_index(sampled):
    idle, load = sampled("nvidia_smi_capture.txt", {"node": "t01"})
    assert idle["device_id"] == load["device_id"] == "t01/gpu0"
    assert (idle["utilisation_ratio"], load["utilisation_ratio"]) == (0, 1)


def test_a_masked_gpu_without_a_server_is_rejected(gated, samples):
    accepted, rejected = gated("nvidia_smi", samples / "nvidia_smi_capture.txt", {}, "UTC")
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["device_is_known"] * 2


def test_a_wrong_time_zone_shows_against_the_capture_s_own_clock(gated, samples):
    accepted, rejected = gated("nvidia_smi", samples / "nvidia_smi_capture.txt", {"node": "t01"}, "Asia/Shanghai")
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["clock_agrees_with_capture"] * 2


def test_without_an_index_the_place_in_the_burst_tells_gpus_apart(sampled):
    rows = sampled("nvidia_smi_bursts_cut_off.csv", {"node": "t01", "gpus_per_burst": 2})
    assert [(row["device_id"], row["power_w"]) for row in rows] == [
        ("t01/gpu0", 100),
        ("t01/gpu1", 200),
        ("t01/gpu0", 300),
        ("t01/gpu1", 400),
    ]


def test_a_last_line_that_is_cut_off_is_kept_as_unreadable(gated, samples):
    options = {"node": "t01", "gpus_per_burst": 2}
    accepted, rejected = gated("nvidia_smi", samples / "nvidia_smi_bursts_cut_off.csv", options, "UTC")
    assert accepted.height == 4
    assert rejected.select("row_number", "rule", "record").rows() == [(6, "field_count", "2024")]


def test_a_burst_of_no_gpus_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="whole number above 0"):
        gated("nvidia_smi", samples / "nvidia_smi_bursts_cut_off.csv", {"node": "t01", "gpus_per_burst": 0}, "UTC")


def test_a_file_without_a_header_is_refused(gated, tmp_path):
    path = tmp_path / "noheader.csv"
    path.write_text("2024/06/01 12:00:00.250, 0, 512.25 W\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="not with noheader"):
        gated("nvidia_smi", path, {}, "UTC")


def test_local_times_need_a_time_zone(gated, samples):
    with pytest.raises(UnreadableFile, match="time_zone"):
        gated("nvidia_smi", samples / "nvidia_smi_nulls.csv")
