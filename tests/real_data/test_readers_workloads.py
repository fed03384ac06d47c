"""Workload records of public data, held against what the same records say in another field."""

import re

import pytest

pytestmark = pytest.mark.real_data


def test_t01_memory_asked_for_is_the_memory_allocated_to_every_job(public_data, gated, feed, staged):
    path = public_data / "slurm_sacct" / "phillips.log"
    accepted, rejected = gated("sacct", path, {}, "UTC")
    assert rejected.is_empty()
    checked = staged("workload_runs", feed("sacct", "workload_runs", accepted))
    asked = dict(checked.accepted.select("job_id", "requested_memory_bytes").iter_rows())
    # 4,238 of the 4,285 requests are a flag; where it was granted, the allocation lists the memory in total.
    assert accepted["reqmem"].str.starts_with("2147486648M").sum() == 4_238
    units = {"M": 2**20, "G": 2**30}
    for job, allocated in accepted.select("jobidraw", "alloctres").iter_rows():
        amount, unit = re.search(r"mem=([\d.]+)([MG])", allocated).groups()
        assert asked[job] == float(amount) * units[unit]


def test_t14_every_watts_of_a_power_log_sums_to_twice_the_energy(public_data, gated, feed):
    logs = (public_data / "mlperf_inference_v4.1_power").glob("*/3d-unet-99/Offline/performance/run_1/spl.txt")
    path = next(iter(logs))
    accepted, rejected = gated("mlperf_power_log", path, {}, "UTC")
    assert rejected.is_empty()
    total = feed("mlperf_power_log", "facility_readings", accepted)["power_w"].sum()
    every_watts = sum(map(float, re.findall(r"Watts,([\d.]+)", path.read_text(encoding="utf-8"))))
    assert every_watts / total == pytest.approx(2, abs=1e-3)
