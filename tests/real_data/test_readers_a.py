"""Published numbers, reproduced from public data by reader, gate, feed and rollup."""

import csv
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

pytestmark = pytest.mark.real_data


@pytest.fixture
def ingested(gated, feed, staged) -> Callable[..., pl.DataFrame]:
    """Staged rows of files, none of whose records may be rejected at either gate."""

    def run(
        format: str,
        dataset: str,
        paths: Iterable[Path],
        options: dict | None = None,
        time_zone: str | None = None,
    ) -> pl.DataFrame:
        frames = []
        for path in paths:
            accepted, rejected = gated(format, path, options, time_zone)
            assert rejected.is_empty(), rejected.head()
            frames.append(accepted)
        checked = staged(dataset, feed(format, dataset, pl.concat(frames)))
        assert checked.rejected.is_empty(), checked.rejected.head()
        return checked.accepted

    return run


def _mlperf_logs(public_data: Path, name: str) -> list[Path]:
    return sorted((public_data / "mlperf_inference_v4.1_power").glob(f"*/*/*/performance/run_1/{name}"))


def _published(public_data: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Results and power of the round, by benchmark folder and scenario."""
    published: dict[tuple[str, str], dict[str, str]] = {}
    table = public_data / "mlperf_inference_v4.1_power" / "published_v4.1_closed.csv"
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["Platform"] == "H200-SXM-141GBx8_TRT_MaxQ" and row["Organization"] == "NVIDIA":
                benchmark, scenario = row["Location"].split("/")[-2:]
                published.setdefault((benchmark, scenario), {}).update({k: v for k, v in row.items() if v})
    return published


def test_two_h100_server_is_147_8_watts_and_32_percent_over_15277_hours(public_data, ingested):
    path = public_data / "gpu_server_hourly" / "cbsugpu08_usage_stats.txt"
    options = {"gpus_per_server": 2, "sku": "H100 PCIe 80GB"}
    hours = ingested("gpu_server_hourly", "accelerator_samples", [path], options, "America/New_York")
    assert hours.height == 15_277
    assert round(hours["power_w"].mean(), 1) == 147.8
    assert round(100 * hours["utilisation_ratio"].mean(), 1) == 32.0
    assert hours["device_count"].unique().to_list() == [2]
    # 2025-10-20 14:00 in New York, newest hour of the file, is 18:00 UTC.
    assert hours["sampled_at_utc"].max() == datetime(2025, 10, 20, 18)


@pytest.mark.parametrize(("server", "hours"), [("05", 23_371), ("06", 23_304), ("10", 8_694)])
def test_every_hour_of_the_other_servers_is_taken_in_once(public_data, ingested, server, hours):
    # The footers of the files count these rows.
    path = public_data / "gpu_server_hourly" / f"cbsugpu{server}_usage_stats.txt"
    rows = ingested("gpu_server_hourly", "accelerator_samples", [path], {"gpus_per_server": 2}, "America/New_York")
    assert rows.n_unique(["device_id", "sampled_at_utc"]) == rows.height == hours


def test_slurm_jobs_sum_to_the_published_hours(public_data, ingested):
    runs = ingested("sacct", "workload_runs", [public_data / "slurm_sacct" / "phillips.log"], time_zone="UTC")
    assert runs.n_unique(["cluster_id", "job_id", "submitted_at_utc"]) == runs.height == 4_285
    # Published for 2016-12-22 to 2017-01-01, both days included; cluster time is UTC.
    totals = duckdb.sql("""
        WITH run_hours AS (
            SELECT
                node_count, cpu_count, device_count,
                greatest(0, epoch(
                    least(ended_at_utc, TIMESTAMP '2017-01-02') - greatest(started_at_utc, TIMESTAMP '2016-12-22')
                )) / 3600 AS hours
            FROM runs
        )
        SELECT sum(hours), sum(hours * cpu_count), sum(hours * device_count), sum(hours * node_count) FROM run_hours
    """).fetchone()
    assert totals is not None
    assert [round(total, 4) for total in totals] == [438.8203, 11_767.9883, 506.9128, 1_344.8686]


def test_slurm_states_are_split_from_their_actors(public_data, ingested):
    runs = ingested("sacct", "workload_runs", [public_data / "slurm_sacct" / "phillips.log"], time_zone="UTC")
    states = dict(runs.group_by("state").len().iter_rows())
    assert states == {"completed": 2_324, "failed": 1_717, "cancelled": 243, "timeout": 1}


def test_mean_wall_power_is_the_published_one_for_all_26_submissions(public_data, ingested, rolled):
    power = ingested("mlperf_power_log", "facility_readings", _mlperf_logs(public_data, "spl.txt"), time_zone="UTC")
    # The 99 and 99.9 variants of a benchmark may share a run, and with it the log of the analyser.
    power = power.unique(["meter_id", "started_at_utc", "power_w"])
    assert power.n_unique(["meter_id", "started_at_utc"]) == power.height
    logs = _mlperf_logs(public_data, "mlperf_log_detail.txt")
    results = ingested("mlperf_run_log", "benchmark_results", logs, time_zone="UTC")
    rollup = rolled(
        "rollups/benchmark_power",
        {"staged.benchmark_results": results, "staged.facility_readings": power},
        date(2024, 7, 1),
        date(2024, 8, 1),
    )
    published = _published(public_data)
    assert rollup.height == len(published) == 26
    for row in rollup.iter_rows(named=True):
        submission = published[row["benchmark"].removeprefix("mlperf_inference/"), row["scenario"]]
        mean_w = float(row["power_sum_w"]) / row["power_samples"]
        assert round(mean_w, 4) == round(float(submission["Result_Power"]), 4)
        assert row["value"] == pytest.approx(float(submission["Result"]), rel=1e-9)
        assert row["is_valid"]


def test_sampled_energy_is_the_energy_of_the_counters(public_data, ingested, gated, feed, staged, rolled):
    folder = public_data / "gpu_power_a100"
    phases = ingested("nvml_phase_energy", "workload_runs", [folder / "Llama-2-70b-chat-hf-argonne-swing-4.csv"])
    options = {"node": "argonne-swing", "gpus_per_burst": 4}
    accepted, rejected = gated("nvidia_smi", folder / "nvidia-smi.csv", options, "America/Chicago")
    assert (accepted.height, rejected["rule"].to_list()) == (42_962, ["field_count"])
    samples = staged("accelerator_samples", feed("nvidia_smi", "accelerator_samples", accepted))
    assert samples.rejected.is_empty()
    rollup = rolled(
        "rollups/run_energy",
        {"staged.workload_runs": phases, "staged.accelerator_samples": samples.accepted},
        date(2024, 4, 1),
        date(2024, 5, 1),
    ).with_columns(
        ratio=pl.col("sampled_energy_j").cast(pl.Float64) / pl.col("stated_energy_j").cast(pl.Float64),
        seconds=pl.col("device_s").cast(pl.Float64) / 4,
    )
    assert rollup.height == phases.height == 66
    load = rollup.row(by_predicate=pl.col("job_id") == "model load", named=True)
    assert round(load["seconds"], 1) == 265.1
    assert round(load["ratio"], 3) == 1.001
    short = rollup.filter(pl.col("seconds").is_between(8, 10))
    assert short.height == 7
    assert short["ratio"].is_between(0.96, 1.05).all()


def test_every_system_description_becomes_a_server_with_its_accelerators(public_data, ingested):
    systems = sorted((public_data / "mlperf_inference_v4.1_systems").rglob("*.json"))
    described = [json.loads(path.read_text(encoding="utf-8")) for path in systems]
    assets = ingested("mlperf_system", "hardware_assets", systems, {"in_service_from": "2024-07-01"})
    accelerators = assets.filter(asset_class="accelerator")
    servers = assets.filter(pl.col("asset_class") != "accelerator")
    assert assets["asset_id"].is_unique().all()
    assert servers.height == len(systems) == 42
    assert accelerators["quantity"].sum() == sum(int(system["accelerators_per_node"] or 0) for system in described)
    assert set(accelerators["parent_asset_id"]) <= set(servers["asset_id"])
