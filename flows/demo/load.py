"""What the accelerators do in every hour: how long they are allocated, how long busy, and the power they draw.

A device draws its idle power, and in proportion to its busy time what the run adds. So the energy of a run and the
energy of a device rest on the same watts.
"""

from dataclasses import dataclass

import numpy as np

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import HOUR_S, HOURS, Floats, Ints, hour_at, hour_of_day, stream
from suanheng.flows.demo.incidents import devices_of
from suanheng.flows.demo.workloads import CHARACTERS, Run

PATTERN_OF_DAY = np.interp(np.arange(24), [0, 4, 10, 14, 20, 23], [0.65, 0.40, 1.0, 0.95, 1.0, 0.75])
"""Activity of a service that people wait for, over its activity in the busiest hour, by local hour."""


@dataclass(frozen=True)
class Load:
    """Arrays of shape (devices, simulated hours), and what the runs used.

    Attributes:
        is_on: whether the device is in service and has power.
        allocated: share of the hour in which a run holds the device.
        busy: share of the hour in which the device works; at most ``allocated``.
        tensor_active: share of the hour's cycles in which tensor units work.
        power_w: mean power in the hour, to 0.1 W; zero where the device is off.
        run_energy_j: energy of all devices of each run, one value per run.
    """

    is_on: np.ndarray
    allocated: Floats
    busy: Floats
    tensor_active: Floats
    power_w: Floats
    run_energy_j: Floats


@dataclass(frozen=True)
class _Stays:
    """One entry per run, device and hour: what share of the hour the run holds the device, and how busy it is."""

    run: Ints
    device: Ints
    hour: Ints
    share: Floats
    activity: Floats


def simulate(centre: Centre, runs: list[Run], seed: int) -> Load:
    """Turn runs into hourly load."""
    chance = stream(seed, centre.site_id, "load")
    kinds = centre.device_types
    stays = _stays(runs, chance)
    own_idle_w = np.array([kind.idle_w for kind in kinds]) * chance.uniform(0.94, 1.06, len(kinds))
    tdp_w = np.array([kind.tdp_w for kind in kinds])
    power_ratio = np.array([run.power_ratio for run in runs])
    added_w = (power_ratio[stays.run] * tdp_w[stays.device] - own_idle_w[stays.device]) * stays.activity
    tensor = stays.share * stays.activity * _tensor_ratio(runs)[stays.run]

    is_on = _is_on(centre)
    busy = np.floor(_per_hour(stays, stays.share * stays.activity, len(kinds)) * 1e4) / 1e4
    drawn_w = (
        own_idle_w[:, None] + chance.normal(0, 0.8, is_on.shape) + _per_hour(stays, stays.share * added_w, len(kinds))
    )
    energy_j = (own_idle_w[stays.device] + added_w) * stays.share * HOUR_S
    return Load(
        is_on=is_on,
        allocated=_per_hour(stays, stays.share, len(kinds)),
        busy=busy,
        tensor_active=np.round(np.minimum(_per_hour(stays, tensor, len(kinds)), busy), 4).astype(float),
        power_w=np.where(is_on, np.round(drawn_w, 1), 0.0),
        run_energy_j=np.bincount(stays.run, energy_j, minlength=len(runs)).astype(float),
    )


def _stays(runs: list[Run], chance: np.random.Generator) -> _Stays:
    held = [(n, device) for n, run in enumerate(runs) for device in run.devices]
    run = np.array([n for n, _ in held])
    starts = np.array([runs[n].started for n in run], dtype=float)
    ends = np.array([runs[n].ended for n in run], dtype=float)
    first = (starts // HOUR_S).astype(int)
    spans = np.minimum(np.ceil(ends / HOUR_S).astype(int), HOURS) - first
    spans = np.maximum(spans, 0)
    pick = np.repeat(np.arange(len(held)), spans)
    hour = first[pick] + np.arange(spans.sum()) - np.repeat(np.cumsum(spans) - spans, spans)
    share = (np.minimum(ends[pick], (hour + 1) * HOUR_S) - np.maximum(starts[pick], hour * HOUR_S)) / HOUR_S
    run = run[pick]
    served = np.array([CHARACTERS[r.workload_class].is_served for r in runs])[run]
    pattern = np.where(served, PATTERN_OF_DAY[hour_of_day()[hour]], 1.0)
    activity = np.array([r.activity for r in runs])[run] * pattern + chance.normal(0, 0.03, len(run))
    return _Stays(run, np.array([device for _, device in held])[pick], hour, share, np.clip(activity, 0.02, 0.99))


def _per_hour(stays: _Stays, amounts: Floats, devices: int) -> Floats:
    cells = stays.device * HOURS + stays.hour
    return np.bincount(cells, amounts, minlength=devices * HOURS).astype(float).reshape(devices, HOURS)


def _tensor_ratio(runs: list[Run]) -> Floats:
    """Share of busy time in which tensor units work: what the model FLOPs need, and a fifth more for slower kernels."""
    return np.array([min(1.0, 1.2 * run.mfu / run.activity) if run.mfu else 0.02 for run in runs])


def _is_on(centre: Centre) -> np.ndarray:
    is_on = np.ones((centre.devices, HOURS), dtype=bool)
    for server in centre.servers:
        is_on[list(devices_of(centre, server.node_id)), : max(0, hour_at(server.in_service_from))] = False
    for outage in centre.outages:
        is_on[list(devices_of(centre, outage.node_id)), hour_at(outage.starts) : hour_at(outage.ends)] = False
    return is_on
