"""Datasets ``model_evaluations`` and ``benchmark_results``: what models know and accelerators reach."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from suanheng.flows.demo.centres import Accelerator, Centre
from suanheng.flows.demo.clock import DATA_TO, HOUR_S, quarters, seconds_at, stream, utc

BENCHMARKS = ("GSM8K", "MMLU", "MATH", "ARC-C", "HumanEval")
BENCHMARK_VERSION = "1.0"


@dataclass(frozen=True)
class Model:
    """A fictitious model: billions of parameters, and accuracy by benchmark at its first evaluation."""

    active_params_billion: float
    total_params_billion: float
    accuracy: tuple[float, float, float, float, float]


MODELS = {
    "Demo-Heron-34B": Model(34.0, 34.0, (0.812, 0.741, 0.438, 0.884, 0.610)),
    "Demo-Heron-7B": Model(7.1, 7.1, (0.604, 0.622, 0.241, 0.771, 0.415)),
    "Demo-Egret-13B": Model(13.2, 13.2, (0.701, 0.668, 0.317, 0.823, 0.482)),
    "Demo-Tern-MoE-40B": Model(3.9, 40.1, (0.773, 0.704, 0.402, 0.861, 0.573)),
}


def evaluations(centre: Centre, seed: int) -> list[tuple[date, pl.DataFrame]]:
    """Evaluations of the centre's models, twice a year from its first evaluation on; later ones are better."""
    chance = stream(seed, centre.site_id, "evaluations")
    rounds: list[tuple[date, pl.DataFrame]] = []
    day = centre.evaluates_models_from
    while day < DATA_TO:
        rounds.append((day, _evaluation_rows(centre, day, len(rounds), chance)))
        day += timedelta(days=182)
    return rounds


def _evaluation_rows(centre: Centre, day: date, number: int, chance: np.random.Generator) -> pl.DataFrame:
    rows = [
        {
            "model_name": model_name,
            "benchmark": benchmark,
            "benchmark_version": BENCHMARK_VERSION,
            "evaluated_on": day,
            "accuracy_ratio": round(min(0.97, accuracy + 0.006 * number + chance.normal(0, 0.003)), 4),
            "active_params_billion": MODELS[model_name].active_params_billion,
            "total_params_billion": MODELS[model_name].total_params_billion,
        }
        for model_name in centre.demand.models
        for benchmark, accuracy in zip(BENCHMARKS, MODELS[model_name].accuracy, strict=True)
    ]
    return pl.DataFrame(rows)


def benchmarks(centre: Centre, seed: int) -> list[tuple[date, pl.DataFrame]]:
    """Results of every quarter: a matrix product on one device, a served model and an all-reduce on a server."""
    chance = stream(seed, centre.site_id, "benchmarks")
    return [(start, _benchmark_rows(centre, start, chance)) for start, _ in quarters()]


def _benchmark_rows(centre: Centre, quarter_start: date, chance: np.random.Generator) -> pl.DataFrame:
    servers = [server for server in centre.servers if server.in_service_from <= quarter_start]
    ninth_day = datetime.combine(quarter_start + timedelta(days=8), time(8))
    rows = []
    for number, server in enumerate(servers):
        begins = seconds_at(ninth_day) + number * 3 * HOUR_S
        results = _results(server.accelerator, server.devices, chance)
        for position, result in enumerate(results):
            starts = begins + position * 2400
            rows.append(
                {
                    "benchmark": result["benchmark"],
                    "benchmark_version": "demo-1",
                    "scenario": result["scenario"],
                    "system_name": server.node_id,
                    "configuration": result["configuration"],
                    "metric": result["metric"],
                    "value": result["value"],
                    "unit": result["unit"],
                    "peak_value": result["peak_value"],
                    "precision": result["precision"],
                    "sku": server.accelerator.sku,
                    "device_count": result["device_count"],
                    "mean_power_w": result["mean_power_w"],
                    "power_boundary": "accelerators",
                    "started_at_utc": starts,
                    "ended_at_utc": starts + 1800,
                    "is_valid": True,
                }
            )
    return pl.DataFrame(rows).with_columns(
        utc(np.array([row["started_at_utc"] for row in rows])).alias("started_at_utc"),
        utc(np.array([row["ended_at_utc"] for row in rows])).alias("ended_at_utc"),
    )


def _results(kind: Accelerator, devices: int, chance: np.random.Generator) -> list[dict[str, object]]:
    matmul = {
        "benchmark": "matmul",
        "scenario": "bf16",
        "configuration": "8192x8192x8192",
        "metric": "matmul_tflops",
        "value": round(kind.peak_tflops * chance.uniform(0.82, 0.87), 1),
        "unit": "TFLOP/s",
        "peak_value": kind.peak_tflops,
        "precision": "BF16",
        "device_count": 1,
        "mean_power_w": round(kind.tdp_w * chance.uniform(0.93, 0.99), 1),
    }
    serving = {
        "benchmark": "serving",
        "scenario": "offline",
        "configuration": "Demo-Heron-7B, input 512, output 256",
        "metric": "output_tokens_per_s",
        "value": round(devices * chance.uniform(2100, 2400), 1),
        "unit": "tokens/s",
        "peak_value": None,
        "precision": "FP16",
        "device_count": devices,
        "mean_power_w": round(devices * kind.tdp_w * chance.uniform(0.68, 0.76), 1),
    }
    all_reduce = {
        "benchmark": "all_reduce",
        "scenario": "intra_node",
        "configuration": "8 GiB",
        "metric": "bus_bandwidth",
        "value": round(chance.uniform(226, 236), 1),
        "unit": "GB/s",
        "peak_value": 300.0,
        "precision": None,
        "device_count": devices,
        "mean_power_w": None,
    }
    return [matmul, serving, all_reduce]
