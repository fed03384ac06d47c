"""Dataset ``accelerator_samples``: one row per device and hour, and one per slice while a device is partitioned.

The energy counter is read at the start of the hour: the difference to the next reading is the mean power of this hour
times its length. It begins again at zero when a server was without power.
"""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import HOUR_S, Floats, hour_at, months, season, seconds_at, stream, utc
from suanheng.flows.demo.incidents import Incident, devices_of
from suanheng.flows.demo.load import Load

GIB = 1024**3
MIB = 1024**2


def samples(centre: Centre, load: Load, incidents: list[Incident], seed: int) -> Iterator[tuple[date, pl.DataFrame]]:
    """First day of every local month and its samples, by device, instance and time."""
    chance = stream(seed, centre.site_id, "telemetry")
    counter_j = energy_counter_j(load, chance)
    for start, end in months():
        devices = _device_rows(centre, load, counter_j, incidents, chance, slice(hour_at(start), hour_at(end)))
        rows = _partitioned(centre, devices, chance) if _is_partitioned(centre, start) else devices
        yield start, _without_gap(centre, rows).sort("device_id", "instance_id", "sampled_at_utc")


def device_id(centre: Centre, position: int) -> str:
    """Unique id of a device, in the vendor's pattern."""
    return f"GPU-{centre.code.lower()}000000-0000-4000-8000-{position + 1:012d}"


def energy_counter_j(load: Load, chance: np.random.Generator) -> Floats:
    """Counter at the start of every hour, shape (devices, hours)."""
    used_j = np.cumsum(load.power_w * HOUR_S, axis=1)
    at_start_j = np.concatenate([np.zeros((len(used_j), 1)), used_j[:, :-1]], axis=1)
    begins_anew = load.is_on & ~np.concatenate([load.is_on[:, :1], load.is_on[:, :-1]], axis=1)
    zero_point_j = np.maximum.accumulate(np.where(begins_anew, at_start_j, 0.0), axis=1)
    earlier_j = np.round(chance.uniform(1e9, 4e9, (len(used_j), 1)))
    counts_from_earlier = load.is_on[:, :1] & (np.cumsum(begins_anew, axis=1) == 0)
    return at_start_j - zero_point_j + np.where(counts_from_earlier, earlier_j, 0.0)


def _device_rows(
    centre: Centre,
    load: Load,
    counter_j: Floats,
    incidents: list[Incident],
    chance: np.random.Generator,
    span: slice,
) -> pl.DataFrame:
    device, hour = np.nonzero(load.is_on[:, span])
    hour = hour + span.start
    at = (device, hour)
    kinds = centre.device_types
    busy, power_w = load.busy[at], load.power_w[at]
    memory_bytes = np.array([kind.memory_gib for kind in kinds])[device] * GIB
    in_use = 0.01 + np.clip(load.allocated[at] * chance.uniform(0.55, 0.9, len(hour)), 0, 0.93)
    nodes = [server.node_id for server in centre.servers for _ in range(server.devices)]
    return pl.DataFrame(
        {
            "node_id": _named(nodes, device),
            "device_id": _named([device_id(centre, n) for n in range(centre.devices)], device),
            "instance_id": pl.Series([""]).new_from_index(0, len(hour)),
            "sku": _named([kind.sku for kind in kinds], device),
            "sampled_at_utc": utc(hour * HOUR_S),
            "interval_s": np.full(len(hour), float(HOUR_S)),
            "device_count": np.ones(len(hour), dtype=np.int64),
            "utilisation_ratio": busy,
            "tensor_active_ratio": load.tensor_active[at],
            "memory_used_bytes": np.round(in_use * memory_bytes / MIB) * MIB,
            "memory_total_bytes": memory_bytes.astype(float),
            "power_w": power_w,
            "energy_counter_j": counter_j[at],
            "temperature_c": np.round(26 + 0.095 * power_w + 3 * season()[hour] + chance.normal(0, 0.8, len(hour))),
            "sm_clock_mhz": np.round(210 + 1200 * np.minimum(1, 1.15 * busy)),
            "error_code": _error_codes(incidents, device, hour),
        }
    )


def _named(names: list[str], positions: np.ndarray) -> pl.Series:
    return pl.Series(names).gather(positions)


def _error_codes(incidents: list[Incident], device: np.ndarray, hour: np.ndarray) -> pl.Series:
    """The code of an accelerator's fault in the hours that the fault touches, null otherwise."""
    codes = np.full(len(hour), np.nan)
    for incident in incidents:
        if incident.error_code is not None:
            touched = (hour * HOUR_S < incident.ends) & ((hour + 1) * HOUR_S > incident.starts)
            codes[touched & np.isin(device, incident.devices)] = incident.error_code
    return pl.Series(codes, nan_to_null=True).cast(pl.Int64)


def _is_partitioned(centre: Centre, day: date) -> bool:
    sliced = centre.partitioning
    return sliced is not None and sliced.starts <= day < sliced.ends


def _partitioned(centre: Centre, rows: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """Add a row per slice, with a utilisation and a memory of its own and the device's power and counter repeated.

    The whole device keeps power and counter, but reports no utilisation any more.
    """
    sliced = centre.partitioning
    assert sliced is not None
    position = devices_of(centre, sliced.node_id)[sliced.position]
    is_sliced = pl.col("device_id") == device_id(centre, position)
    whole = rows.filter(is_sliced)
    slices = [_slice(whole, instance, chance) for instance in sliced.instances]
    silent = [
        pl.when(is_sliced).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("utilisation_ratio", "tensor_active_ratio")
    ]
    return pl.concat([rows.with_columns(silent), *slices])


def _slice(whole: pl.DataFrame, instance: str, chance: np.random.Generator) -> pl.DataFrame:
    """Rows of one 2g.20gb instance: a quarter of the device's memory."""
    busy = np.clip(whole["utilisation_ratio"].to_numpy() * chance.normal(1, 0.12, whole.height), 0, 1)
    memory_bytes = whole["memory_total_bytes"] / 4
    return whole.with_columns(
        instance_id=pl.lit(instance),
        utilisation_ratio=pl.Series(np.round(busy, 4)),
        tensor_active_ratio=pl.Series(np.round(busy * 0.15, 4)),
        memory_used_bytes=(memory_bytes * 0.7 / MIB).round() * MIB,
        memory_total_bytes=memory_bytes,
    )


def _without_gap(centre: Centre, rows: pl.DataFrame) -> pl.DataFrame:
    if centre.gap is None:
        return rows
    first, last = utc([seconds_at(centre.gap.starts), seconds_at(centre.gap.ends)])
    return rows.filter((pl.col("sampled_at_utc") < first) | (pl.col("sampled_at_utc") >= last))
