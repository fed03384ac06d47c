"""Answers of query_range: values as text, sentinels, partial answers, long series in little memory; and the feeds."""

import gzip
import json
import subprocess
import sys
from datetime import datetime

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile

NOON = 1_717_243_200  # 2024-06-01 12:00:00 UTC
TWO_DEVICES = "prometheus_matrix_two_devices.json"


@pytest.fixture
def answer(tmp_path):
    """A file that holds an answer of these series: ``answer(({"__name__": …}, [(seconds, value), …]), …)``."""

    def write(*series, **said):
        result = [
            {"metric": metric, "values": [[NOON + at, str(value)] for at, value in points]} for metric, points in series
        ]
        path = tmp_path / "answer.json"
        path.write_text(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **said}))
        return path

    return write


@pytest.fixture
def fed(gated, feed, staged):
    """Rows of a dataset from an answer, as they are staged, and what staging rejects."""

    def run(path, dataset="accelerator_samples"):
        accepted, rejected = gated("prometheus_matrix", path)
        assert rejected.is_empty(), rejected
        checked = staged(dataset, feed("prometheus_matrix", dataset, accepted))
        key = ["device_id", "instance_id", "sampled_at_utc"] if dataset == "accelerator_samples" else ["meter_id"]
        return checked.accepted.sort(key), checked.rejected

    return run


def test_points_are_rows_in_their_order(gated, samples):
    accepted, rejected = gated("prometheus_matrix", samples / TWO_DEVICES)
    assert accepted["row_number"].to_list() == [1, 2, 3, 4, 5, 6, 7, 9]
    assert accepted.row(1, named=True)["time"] == datetime(2024, 6, 1, 12, 0, 15, 500_000)
    labels = json.loads(accepted["labels"][0])
    assert (accepted["metric"][0], labels["UUID"], "__name__" in labels) == (
        "DCGM_FI_DEV_POWER_USAGE",
        "GPU-aaaa",
        False,
    )
    # Infinity is no number; it is quarantined, not unknown.
    assert rejected.select("row_number", "rule", "value").rows() == [(8, "type", "+Inf")]


def test_nan_and_a_sentinel_kept_as_a_double_are_unknown(gated, samples):
    accepted, _ = gated("prometheus_matrix", samples / TWO_DEVICES)
    assert accepted.filter(row_number=3)["value"].item() is None
    # 9223372036854775794, no reading, is 9223372036854775808 once it is a double.
    assert accepted.filter(row_number=6)["value"].item() is None


def test_metrics_of_a_device_become_one_row_in_base_units(gated, feed, samples):
    accepted, _ = gated("prometheus_matrix", samples / TWO_DEVICES)
    rows = feed("prometheus_matrix", "accelerator_samples", accepted).sort("device_id", "sampled_at_utc")
    first = rows.row(0, named=True)
    assert (first["device_id"], first["node_id"], first["sku"]) == ("GPU-aaaa", "node-1", "Own 80GB")
    assert (first["power_w"], first["utilisation_ratio"], first["instance_id"]) == (300.5, 0.5, "")
    # 2500 mJ are 2.5 J.
    assert rows.filter(device_id="GPU-bbbb")["energy_counter_j"].to_list() == [None, 2.5]


def test_defects_are_named_and_no_point_is_lost(gated, samples):
    accepted, rejected = gated("prometheus_matrix", samples / "prometheus_matrix_defects.json")
    assert accepted["row_number"].to_list() == [1]
    assert dict(rejected.select("row_number", "rule").sort("row_number").iter_rows()) == {
        2: "point",
        3: "point",
        4: "type",
        5: "point",  # milliseconds where seconds should be
        6: "not_nullable",
        7: "native_histogram",
        8: "no_object",
    }


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"status":"error","errorType":"bad_data","error":"parse error: unclosed"}', "parse error: unclosed"),
        ('{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}', "vector"),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"val', "beginning"),
        (
            '{"status":"success","data":{"resultType":"matrix","result":[{"values":[],"metric":{}}]}}',
            "before its metric",
        ),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":7,"values":[]}]}}', "metric is 7"),
        ('{"some":"other"}', "without data.result"),
        ("[]", "other JSON"),
        ("<html>Log in</html>", "no JSON"),
        ("", "no JSON"),
    ],
)
def test_what_is_no_whole_answer_is_refused(gated, tmp_path, document, reason):
    path = tmp_path / "answer.json"
    path.write_text(document, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=reason):
        gated("prometheus_matrix", path)


@pytest.mark.parametrize("said", [{"warnings": ["store 10.0.0.9 is down"]}, {"isPartial": True}])
def test_a_partial_answer_is_refused(gated, answer, said):
    with pytest.raises(UnreadableFile, match=r"partial answer.*(store 10.0.0.9 is down|isPartial)"):
        gated("prometheus_matrix", answer(({"__name__": "up"}, [(0, 1)]), **said))


@pytest.mark.parametrize(
    "remark",
    [
        'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "power" (1:6)',
        'PromQL warning: bucket label "le" is missing or has a malformed value of "" (1:25)',
    ],
)
def test_a_remark_on_the_query_is_no_refusal(gated, answer, remark):
    assert gated("prometheus_matrix", answer(({"__name__": "up"}, [(0, 1)]), warnings=[remark]))[0].height == 1
    with pytest.raises(UnreadableFile, match=r"got store 10.0.0.9 is down\."):
        gated("prometheus_matrix", answer(({"__name__": "up"}, [(0, 1)]), warnings=[remark, "store 10.0.0.9 is down"]))


def test_an_answer_without_warnings_may_say_what_it_wants_besides(gated, answer):
    path = answer(({"__name__": "up"}, [(0, 1)]), warnings=[], infos=["not a counter"], trace={"a": [{"b": [1]}]})
    assert gated("prometheus_matrix", path)[0].height == 1


def test_a_byte_order_mark_and_compression_are_no_obstacle(gated, samples, tmp_path):
    path = tmp_path / "answer.json.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + (samples / TWO_DEVICES).read_bytes()))
    assert gated("prometheus_matrix", path)[0].height == 8


def test_unmapped_metrics_feed_nothing(fed, answer):
    accepted, rejected = fed(answer(({"__name__": "node_load1", "instance": "a:9100"}, [(0, 1)])))
    assert accepted.is_empty()
    assert rejected.is_empty()


def test_a_series_scraped_twice_gives_a_second_row_of_the_same_key(fed, answer):
    power = {"__name__": "DCGM_FI_DEV_POWER_USAGE", "UUID": "GPU-a"}
    clock = {"__name__": "DCGM_FI_DEV_SM_CLOCK", "UUID": "GPU-a"}
    accepted, _ = fed(
        answer(({**power, "job": "one"}, [(0, 300)]), (clock, [(0, 1500)]), ({**power, "job": "two"}, [(0, 301)]))
    )
    # Staging keeps the first and quarantines the second as duplicate_key.
    assert accepted.select("row_number", "power_w", "sm_clock_mhz").rows() == [(1, 300, 1500), (3, 301, None)]


def test_a_device_without_its_label_is_rejected(fed, answer):
    accepted, rejected = fed(answer(({"__name__": "rocm_energy_joules", "instance": "node-7:8000"}, [(0, 1)])))
    assert accepted.is_empty()
    assert rejected.select("rule", "column_name").rows() == [("not_nullable", "device_id")]


def test_the_known_metric_of_lowest_precedence_counts(fed, answer):
    device = {"UUID": "GPU-a"}
    accepted, _ = fed(
        answer(
            ({"__name__": "DCGM_FI_DEV_GPU_UTIL", **device}, [(0, 90), (15, 80)]),
            ({"__name__": "DCGM_FI_PROF_GR_ENGINE_ACTIVE", **device}, [(0, 0.5), (15, "NaN")]),
        )
    )
    # The activity of the engine goes before the percentage; where it is unknown the percentage stands in.
    assert accepted["utilisation_ratio"].to_list() == [0.5, 0.8]


def test_one_device_goes_by_one_name_whatever_its_exporter_calls_it(fed, answer):
    uuid = "11111111-2222-3333-4444-555555555555"
    accepted, _ = fed(
        answer(
            ({"__name__": "DCGM_FI_DEV_POWER_USAGE", "UUID": f"GPU-{uuid}"}, [(0, 300)]),
            ({"__name__": "nvidia_smi_utilization_gpu_ratio", "uuid": uuid}, [(0, 0.25)]),
            ({"__name__": "nvidia_gpu_power_usage_milliwatts", "uuid": "GPU-other", "minor_number": "0"}, [(0, 13240)]),
        )
    )
    # 13240 mW are 13.24 W.
    assert accepted.select("device_id", "power_w", "utilisation_ratio").rows() == [
        (f"GPU-{uuid}", 300, 0.25),
        ("GPU-other", 13.24, None),
    ]


def test_partitions_of_an_amd_device_are_its_instances(fed, answer):
    # ROCm/device-metrics-exporter names them gpu_partition_id; all of a device share its serial number.
    partition = {"serial_number": "S1", "hostname": "node-1", "gpu_compute_partition_type": "cpx"}
    clock = {"__name__": "gpu_clock", "clock_type": "system"}
    accepted, rejected = fed(
        answer(
            ({"__name__": "gpu_package_power", "gpu_partition_id": "0", **partition}, [(0, 450)]),
            ({"__name__": "gpu_package_power", "gpu_partition_id": "1", **partition}, [(0, 0)]),
            *(
                ({**clock, "clock_index": str(at), "gpu_partition_id": "0", **partition}, [(0, 2100)])
                for at in range(8)
            ),
        )
    )
    assert rejected.is_empty()
    assert accepted.select("device_id", "instance_id", "power_w").rows() == [("S1", "0", 450), ("S1", "1", 0)]


def test_blanks_of_dcgm_for_doubles_and_small_numbers_are_unknown(fed, answer):
    # dcgm_structs.h: DCGM_FP64_BLANK 140737488355328.0, DCGM_INT32_NOT_SUPPORTED 0x7ffffff2.
    device = {"UUID": "GPU-a"}
    accepted, rejected = fed(
        answer(
            ({"__name__": "DCGM_FI_DEV_POWER_USAGE", **device}, [(0, "140737488355328")]),
            ({"__name__": "DCGM_FI_DEV_GPU_TEMP", **device}, [(0, 0x7FFFFFF2)]),
            ({"__name__": "DCGM_FI_DEV_SM_CLOCK", **device}, [(0, 1410)]),
        )
    )
    assert rejected.is_empty()
    assert accepted.select("power_w", "temperature_c", "sm_clock_mhz").rows() == [(None, None, 1410)]


def test_t18_a_gauge_in_bytes_and_the_last_error_code_are_not_added_up(fed, answer):
    device = {"UUID": "GPU-a"}
    accepted, _ = fed(
        answer(
            ({"__name__": "DCGM_FI_PROF_PCIE_TX_BYTES", **device}, [(0, 5e9), (15, 6e9)]),
            ({"__name__": "DCGM_FI_DEV_XID_ERRORS", **device}, [(0, 31), (15, 79), (30, 79)]),
        )
    )
    # The codes stand as they were reported, the newest last; the rate of the bus is in no column, least of all energy.
    assert accepted["error_code"].to_list() == [31, 79, 79]
    assert accepted["energy_counter_j"].to_list() == [None] * 3


def test_t19_of_overlapping_zones_none_is_summed_into_the_site(fed, answer):
    def zone(name, watts, path="intel-rapl:0"):
        return ({"__name__": "kepler_node_cpu_watts", "node_name": "n1", "zone": name, "path": path}, [(0, watts)])

    accepted, _ = fed(
        answer(zone("package", 200), zone("package", 210, "intel-rapl:1"), zone("core", 150), zone("psys", 500)),
        "facility_readings",
    )
    assert accepted.select("meter_id", "power_w", "boundary").rows() == [
        ("kepler/n1/core/intel-rapl:0", 150, "other"),
        ("kepler/n1/package/intel-rapl:0", 200, "other"),
        ("kepler/n1/package/intel-rapl:1", 210, "other"),
        ("kepler/n1/psys/intel-rapl:0", 500, "other"),
    ]


def test_t19_of_overlapping_meters_of_a_server_only_the_first_counts(fed, answer):
    platform = {"node_name": "n1", "chassis_id": "1", "power_control_id": "0"}
    accepted, _ = fed(
        answer(
            ({"__name__": "ipmi_dcmi_power_consumption_watts", "instance": "n1:9290"}, [(0, 820)]),
            (
                {"__name__": "kepler_platform_watts", **platform, "power_control_name": "Server Power Control"},
                [(0, 830)],
            ),
            (
                {
                    **{"__name__": "kepler_platform_watts", **platform, "power_control_id": "1"},
                    "power_control_name": "CPU Sub-system Power",
                },
                [(0, 300)],
            ),
            ({"__name__": "scaph_host_power_microwatts", "instance": "n1:8080"}, [(0, 7e8)]),
            (
                {
                    **{"__name__": "kepler_platform_watts", "node_name": "n2", "chassis_id": "1"},
                    **{"power_control_id": "0", "power_control_name": "Server Power Control"},
                },
                [(0, 640)],
            ),
        ),
        "facility_readings",
    )
    assert accepted.select("meter_id", "node_id", "power_w", "boundary").rows() == [
        ("ipmi/n1", "n1", 820, "it_input"),
        ("kepler/n1/1/0", "n1", 830, "other"),
        ("kepler/n1/1/1", "n1", 300, "other"),
        ("kepler/n2/1/0", "n2", 640, "it_input"),
        ("scaphandre/n1", "n1", 700, "other"),
    ]


def test_counters_of_meters_are_kilowatt_hours_and_nan_is_no_reading(fed, answer):
    zone = {"node_name": "n1", "zone": "package", "path": "p"}
    accepted, rejected = fed(
        answer(
            ({"__name__": "kepler_node_cpu_joules_total", **zone}, [(0, 7.2e6)]),
            ({"__name__": "ipmi_power_watts", "instance": "n1:9290", "id": "90", "name": "Pwr"}, [(0, "NaN")]),
        ),
        "facility_readings",
    )
    # 7.2 MJ are 2 kWh.
    assert accepted.select("meter_id", "energy_counter_kwh", "power_w").rows() == [("kepler/n1/package/p", 2, None)]
    assert rejected.is_empty()


@pytest.fixture
def device_hours(rolled):
    """Device-hours of staged samples on 1 June 2024, of accelerators whose rated power nobody knows."""

    def run(staged_rows):
        accelerators = pl.DataFrame(schema={"sku": pl.String, "tdp_w": pl.Float64, "is_usable": pl.Boolean})
        tables = {"staged.accelerator_samples": staged_rows, "reference.accelerators": accelerators}
        june, july = datetime(2024, 6, 1).date(), datetime(2024, 7, 1).date()
        return rolled("rollups/device_hour", tables, june, july).sort("device_id", "hour_start_utc")

    return run


def test_t20_a_counter_that_falls_to_zero_adds_up_by_segments(fed, answer, device_hours):
    # A point a minute. The counter rises 30 kJ a minute from 5 MJ, the driver is loaded again after 30 minutes, and it
    # rises from 0. By hand: 29 + 30 steps of 30 kJ, and one step across the fall bridged by 500 W x 60 s = 30 kJ:
    # 60 x 30 kJ = 1.8 MJ = 0.5 kWh. Last minus first would be negative.
    counter = [(60 * i, 5_000_000_000 + 30_000_000 * i if i < 30 else 30_000_000 * (i - 30)) for i in range(61)]
    power = [(60 * i, 500) for i in range(61)]
    device = {"UUID": "GPU-a"}
    accepted, _ = fed(
        answer(
            ({"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", **device}, counter),
            ({"__name__": "DCGM_FI_DEV_POWER_USAGE", **device}, power),
        )
    )
    first = device_hours(accepted).row(0, named=True)
    assert float(first["energy_kwh"]) == 0.5
    assert float(first["energy_device_hours"]) == 1


def test_p03_sentinel_wrap_and_instances_do_not_multiply_energy(fed, answer, device_hours):
    # Four instances repeat the whole device's counter and power. A point a minute, 600 W: 36 kJ a minute. At minute 20
    # the counter is a sentinel, at minute 40 it wraps. By hand: 60 minutes x 36 kJ = 2.16 MJ = 0.6 kWh, once.
    def counter(i):
        return "9223372036854775808" if i == 20 else 36_000_000 * (i if i < 40 else i - 40)

    series = []
    for instance in ("1", "2", "5", "6"):
        device = {"UUID": "GPU-a", "GPU_I_ID": instance}
        series += [
            ({"__name__": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", **device}, [(60 * i, counter(i)) for i in range(61)]),
            ({"__name__": "DCGM_FI_DEV_POWER_USAGE", **device}, [(60 * i, 600) for i in range(61)]),
        ]
    accepted, rejected = fed(answer(*series))
    assert rejected.is_empty()
    assert accepted["instance_id"].unique().sort().to_list() == ["1", "2", "5", "6"]
    first = device_hours(accepted).row(0, named=True)
    assert float(first["energy_kwh"]) == pytest.approx(0.6, rel=1e-9)
    assert float(first["device_hours"]) == 1


def test_p11_of_16_instances_13_state_their_activity(fed, answer, device_hours):
    # Four devices of four instances each. All state their memory, 13 their activity of 0.4: the last device's 2 to 4
    # do not. A point a minute over an hour. An instance of one slice is a seventh of its device: known are 13 of 28.
    series = []
    for number in range(16):
        device = {"UUID": f"GPU-{number // 4}", "GPU_I_ID": str(number % 4 + 1), "GPU_I_PROFILE": "1g.20gb"}
        series.append(({"__name__": "DCGM_FI_DEV_FB_USED", **device}, [(60 * i, 1024) for i in range(61)]))
        if number < 13:
            series.append(({"__name__": "DCGM_FI_PROF_GR_ENGINE_ACTIVE", **device}, [(60 * i, 0.4) for i in range(61)]))
    accepted, rejected = fed(answer(*series))
    assert rejected.is_empty()
    assert accepted.n_unique(["device_id", "instance_id"]) == 16
    assert accepted.drop_nulls("utilisation_ratio").n_unique(["device_id", "instance_id"]) == 13
    hour = device_hours(accepted).filter(hour_start_utc=datetime(2024, 6, 1, 12)).sum()
    held, known, busy = (
        float(hour[name].item()) for name in ("device_hours", "utilisation_device_hours", "busy_device_hours")
    )
    assert known / held == pytest.approx(13 / 28, rel=1e-8)
    assert busy / known == pytest.approx(0.4, rel=1e-8)  # sevenths are kept to nine decimals


MEMORY = """
import json, resource, sys
from pathlib import Path
from suanheng.flows.sources.prometheus_matrix import read
path, points = Path(sys.argv[1]), 0
first = next(read(path, {})).rows.height
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for chunk in read(path, {}):
    points += chunk.rows.height
print(json.dumps([first, points, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""


@pytest.mark.long
def test_p09_a_series_of_a_million_points_is_read_in_little_memory(tmp_path):
    # One series of 1,200,000 points, 36 MB of JSON: whole it would take some 300 MB as Python objects.
    path = tmp_path / "year.json.gz"
    count = 1_200_000
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[')
        for start in range(0, count, 10_000):
            points = (f'[{NOON + 15 * i}.125,"{i % 700}.25"]' for i in range(start, start + 10_000))
            file.write(("," if start else "") + ",".join(points))
        file.write("]}]}}")
    run = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True)
    first, points, grown_kib = json.loads(run.stdout)
    assert (first, points) == (100_000, count)
    assert grown_kib < 40 * 1024
