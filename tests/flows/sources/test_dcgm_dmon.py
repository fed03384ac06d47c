"""dcgmi dmon: fixed columns, instances under their GPU, millijoules, and times that it does not print."""

import json
from datetime import datetime

import pytest

from suanheng.schemas.checking.records import UnreadableFile

OPTIONS = {"node": "n01", "sku": "H100 SXM 80GB"}


@pytest.fixture
def sampled(gated, feed, staged, samples):
    """Staged samples of a file, none of which may be rejected."""

    def run(name):
        accepted, rejected = gated("dcgm_dmon", samples / name, OPTIONS)
        assert rejected.is_empty()
        checked = staged("accelerator_samples", feed("dcgm_dmon", "accelerator_samples", accepted))
        assert checked.rejected.is_empty()
        return checked.accepted

    return run


def test_values_lie_under_their_header(sampled):
    rows = sampled("dcgm_dmon_instances.txt").filter(device_id="n01/gpu1").rows(named=True)
    first, second = rows
    assert first["sampled_at_utc"] == datetime(2024, 6, 1)  # 08:00 at UTC+8
    assert (first["utilisation_ratio"], first["power_w"], first["tensor_active_ratio"]) == (0.87, 512.25, 0.3)
    # 3 600 000 mJ are 3 600 J; 2 000 MiB are 2 097 152 000 bytes.
    assert (first["energy_counter_j"], first["memory_used_bytes"]) == (3_600, 2_097_152_000)
    assert (first["sku"], first["node_id"], first["instance_id"]) == ("H100 SXM 80GB", "n01", "")
    # 0 % is a reading; N/A and the sentinel are none.
    assert (second["utilisation_ratio"], second["power_w"], second["energy_counter_j"]) == (0, None, None)
    assert (first["temperature_c"], second["temperature_c"]) == (None, 60)


def test_instances_are_of_the_gpu_above_them(sampled):
    rows = sampled("dcgm_dmon_instances.txt").filter(device_id="n01/gpu0")
    at_first = rows.filter(sampled_at_utc=datetime(2024, 6, 1))
    columns = ("instance_id", "utilisation_ratio", "power_w", "energy_counter_j")
    # The counter is the GPU's alone; the compute instance is a part of GPU-I 3 and not counted again.
    assert sorted(at_first.select(columns).rows()) == [
        ("", 0.5, 433.78, 7_200_000),
        ("GI-3", 1.0, None, None),
        ("GI-4", None, None, None),
    ]


def test_one_utilisation_whether_dcgm_prints_it_or_exports_it(gated, feed, tmp_path):
    # 40 % and 0.25 of GPU-a, once as dmon prints them and once as the exporter names them.
    printed = tmp_path / "dmon.txt"
    table = ("#Entity          GPUTL           GRACT           ", "GPU 0            40              0.250           ")
    printed.write_text("".join(f"2024-06-01T08:00:00+0800 {line}\n" for line in table), encoding="utf-8")
    labels = {"UUID": "GPU-a", "Hostname": "n01"}
    exported = tmp_path / "answer.json"
    series = [
        {"metric": {"__name__": metric, **labels}, "values": [[1717200000, value]]}
        for metric, value in (("DCGM_FI_DEV_GPU_UTIL", "40"), ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "0.25"))
    ]
    exported.write_text(
        json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}}), encoding="utf-8"
    )
    dmon = feed("dcgm_dmon", "accelerator_samples", gated("dcgm_dmon", printed, OPTIONS)[0])
    exporter = feed("prometheus_matrix", "accelerator_samples", gated("prometheus_matrix", exported)[0])
    columns = ("sampled_at_utc", "utilisation_ratio")
    assert dmon.select(columns).rows() == exporter.select(columns).rows() == [(datetime(2024, 6, 1), 0.25)]


def test_what_cannot_be_placed_is_unreadable(gated, samples):
    accepted, rejected = gated("dcgm_dmon", samples / "dcgm_dmon_defects.txt", OPTIONS)
    assert accepted["row_number"].to_list() == [6]
    assert rejected.sort("row_number").select("row_number", "rule").rows() == [
        (3, "instance_without_gpu"),
        (4, "less_than_or_equal_to"),  # 101 %
        (5, "sample"),  # no time
        (7, "sample"),
    ]


def test_a_gpu_without_a_server_is_unknown(gated, samples):
    accepted, rejected = gated("dcgm_dmon", samples / "dcgm_dmon_instances.txt", {})
    assert accepted.is_empty()
    assert set(rejected["rule"]) == {"device_is_known"}


def test_a_file_as_dmon_prints_it_has_no_times_and_is_refused(gated, samples, tmp_path):
    path = tmp_path / "dmon.txt"
    stamped = (samples / "dcgm_dmon_instances.txt").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.split(" ", 1)[1] for line in stamped), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="dmon prints no times"):
        gated("dcgm_dmon", path, OPTIONS)
