"""Dataset ``workload_runs``: what the scheduler's accounts say about the runs when the last quarter has ended."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import (
    DATA_FROM,
    DATA_TO,
    HOUR_S,
    Floats,
    local_at,
    months,
    next_month,
    seconds_at,
    stream,
    utc,
)
from suanheng.flows.demo.load import Load
from suanheng.flows.demo.models import MODELS
from suanheng.flows.demo.workloads import CHARACTERS, Run

CPUS_PER_DEVICE = 16
INTERNAL_TENANT = "internal-research"
_TENANTS = {"tenant-university": 0.3, "tenant-startup": 0.25, "tenant-hospital": 0.15, INTERNAL_TENANT: 0.3}
_QUEUES = {
    "training": "train",
    "fine_tuning": "train",
    "inference": "serve",
    "hpc": "batch",
    "other": "interactive",
}


def accounts(centre: Centre, runs: list[Run], load: Load, seed: int) -> Iterator[tuple[date, pl.DataFrame]]:
    """First day of every local month, and the runs submitted in it.

    The first month is the one before the data begin: it holds the runs that were still waiting or running then.
    """
    rows = _rows(centre, runs, load, stream(seed, centre.site_id, "accounts"))
    submitted = np.array([run.submitted for run in runs])
    is_alive = np.array([run.ended for run in runs]) > seconds_at(DATA_FROM)
    for start, end in months(next_month(DATA_FROM, -1), DATA_TO):
        in_month = (submitted >= seconds_at(start)) & (submitted < seconds_at(end))
        yield start, rows.filter(pl.Series(in_month & is_alive))


def _rows(centre: Centre, runs: list[Run], load: Load, chance: np.random.Generator) -> pl.DataFrame:
    horizon = seconds_at(DATA_TO)
    started = np.array([np.nan if run.started is None or run.started >= horizon else run.started for run in runs])
    ended = np.array([np.nan if run.ended > horizon else run.ended for run in runs], dtype=float)
    ran = ~np.isnan(started)
    over = ~np.isnan(ended)
    finished = ran & over
    count = np.array([len(run.devices) for run in runs])
    run_s = np.where(finished, ended - started, np.nan)
    productive_s = np.floor(
        run_s * np.array([np.nan if r.productive_ratio is None else r.productive_ratio for r in runs])
    )
    pflop = _model_pflop(centre, runs, productive_s)
    states_flop = np.array([run.states_flop for run in runs])
    tenants = chance.choice(list(_TENANTS), size=len(runs), p=list(_TENANTS.values()))
    charged = _charged(centre, runs, run_s * count / HOUR_S, tenants)
    energy_j = np.where(finished & centre.demand.reports_energy, np.round(load.run_energy_j), np.nan)
    held = np.where(ran, count, 0)
    return pl.DataFrame(
        {
            "cluster_id": centre.cluster_id,
            "job_id": [str(run.job_id) for run in runs],
            "submitted_at_utc": utc([run.submitted for run in runs]),
            "started_at_utc": utc(started),
            "ended_at_utc": utc(ended),
            "state": [_state(run, has_run, has_ended) for run, has_run, has_ended in zip(runs, ran, over, strict=True)],
            "user_id": [f"user-{number:02d}" for number in chance.integers(1, 26, len(runs))],
            "tenant_id": tenants.tolist(),
            "queue": ["mig" if run.is_service else _QUEUES[run.workload_class] for run in runs],
            "workload_class": [run.workload_class for run in runs],
            "sku": _sku(centre, runs, ran),
            "node_count": np.where(ran, np.maximum(1, held // 8), 0),
            "device_count": held,
            "cpu_count": held * CPUS_PER_DEVICE,
            "requested_device_count": [run.requested_devices for run in runs],
            "requested_s": [float(run.requested_s) for run in runs],
            "model_name": [run.model_name for run in runs],
            "precision": [_precision(run) for run in runs],
            "tokens": _nullable(_tokens(runs, pflop)),
            "model_pflop": _nullable(np.where(states_flop, pflop, np.nan)),
            "flops_convention": pl.Series(
                [
                    _convention(run) if stated else None
                    for run, stated in zip(runs, states_flop & ~np.isnan(pflop), strict=True)
                ],
                dtype=pl.String,
            ),
            "productive_s": _nullable(productive_s),
            "energy_j": _nullable(energy_j),
            "charged_amount": _nullable(charged),
            "currency": pl.Series([None if np.isnan(amount) else "CNY" for amount in charged], dtype=pl.String),
        }
    )


def _model_pflop(centre: Centre, runs: list[Run], productive_s: Floats) -> Floats:
    """Model FLOPs: MFU times peak over the productive seconds of all devices; NaN where no model ran to an end."""
    peak_tflops = centre.device_types[0].peak_tflops
    mfu = np.array([np.nan if run.mfu is None else run.mfu for run in runs])
    count = np.array([len(run.devices) for run in runs])
    return np.round(mfu * peak_tflops / 1000 * productive_s * count, 3)


def _tokens(runs: list[Run], pflop: Floats) -> Floats:
    """Tokens that the model FLOPs stand for: 6 per active parameter and token in training, 2 in serving."""
    flop_per_token = np.array(
        [
            CHARACTERS[run.workload_class].flop_per_parameter * MODELS[run.model_name].active_params_billion * 1e9
            if run.model_name
            else np.nan
            for run in runs
        ]
    )
    return np.round(pflop * 1e15 / flop_per_token)


def _charged(centre: Centre, runs: list[Run], device_hours: Floats, tenants: np.ndarray) -> Floats:
    """Device-hours at the price listed when the run began; nothing is charged inside the house."""
    begun = [local_at(run.started or 0).date() for run in runs]
    price = np.array([centre.tariff.device_hour_on(day) for day in begun])
    return np.where(tenants == INTERNAL_TENANT, np.nan, np.round(device_hours * price, 2))


def _state(run: Run, has_run: bool, has_ended: bool) -> str:
    if has_ended:
        return run.state
    return "running" if has_run else "pending"


def _sku(centre: Centre, runs: list[Run], ran: np.ndarray) -> list[str | None]:
    kinds = centre.device_types
    return [kinds[run.devices[0]].sku if has_run else None for run, has_run in zip(runs, ran, strict=True)]


def _precision(run: Run) -> str | None:
    if run.mfu is None:
        return "FP64" if run.workload_class == "hpc" else None
    return "FP16" if run.workload_class == "inference" else "BF16"


def _convention(run: Run) -> str:
    return "megatron" if run.workload_class == "training" else "palm"


def _nullable(values: Floats) -> pl.Series:
    return pl.Series(values, nan_to_null=True)
