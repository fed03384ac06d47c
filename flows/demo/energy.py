"""Electricity, heat and water of every hour, from the accelerators outwards, and dataset ``facility_readings``.

IT energy is that of the accelerators, of the servers around them, and of general servers, storage and network. The
total is IT energy times a PUE that follows the season; what UPS losses and lighting leave of the difference is cooling.
Panels on the roof take their part off the grid connection.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import HOUR_S, HOURS, Floats, hour_at, hour_of_day, hours, months, season, stream, utc
from suanheng.flows.demo.incidents import devices_of
from suanheng.flows.demo.load import Load

UPS_EFFICIENCY = 0.955
OTHER_SHARE_OF_IT = 0.02
HOST_IDLE_KW = 0.45
HOST_SHARE_OF_DEVICES = 0.10
"""A server draws this much besides its accelerators, and this share of what they draw for fans and power supplies."""


@dataclass(frozen=True)
class Supply:
    """Quantities of every simulated hour, as the meters round them: kWh, water in m3."""

    it_kwh: Floats
    cooling_kwh: Floats
    solar_kwh: Floats
    utility_kwh: Floats
    heat_reuse_kwh: Floats
    water_m3: Floats


def simulate(centre: Centre, load: Load, seed: int) -> Supply:
    """Hourly energy and water of a centre."""
    chance = stream(seed, centre.site_id, "energy")
    facility = centre.facility
    it_kwh = np.round(_it_kwh(centre, load, chance), 3)
    pue = facility.pue_mean + facility.pue_swing * season() + 0.012 * _warmth_of_day() + chance.normal(0, 0.004, HOURS)
    total_kwh = it_kwh * pue
    solar_kwh = np.round(_solar_kwh(facility.solar_kw, chance), 3)
    heating = (season() < -0.3) & (facility.heat_reuse_ratio > 0)
    water_l = it_kwh * facility.water_l_per_kwh * (1 + 0.45 * season()) * chance.uniform(0.95, 1.05, HOURS)
    return Supply(
        it_kwh=it_kwh,
        cooling_kwh=np.round(total_kwh - it_kwh * (1 / UPS_EFFICIENCY + OTHER_SHARE_OF_IT), 3),
        solar_kwh=solar_kwh,
        utility_kwh=np.round(total_kwh - solar_kwh, 3),
        heat_reuse_kwh=np.round(np.where(heating, it_kwh * facility.heat_reuse_ratio, 0.0), 3).astype(float),
        water_m3=np.round(water_l / 1000, 5),
    )


def readings(centre: Centre, supply: Supply) -> Iterator[tuple[date, pl.DataFrame]]:
    """First day of every local month and the readings of every meter in its hours."""
    meters = _meters(centre, supply)
    for start, end in months():
        span = slice(hour_at(start), hour_at(end))
        yield (
            start,
            pl.concat(
                [_meter_rows(f"{centre.code}-{code}", boundary, values, span) for code, boundary, values in meters],
                how="diagonal",
            ),
        )


def _it_kwh(centre: Centre, load: Load, chance: np.random.Generator) -> Floats:
    devices_kwh = load.power_w / 1000
    servers_kwh = np.zeros(HOURS)
    for server in centre.servers:
        own = list(devices_of(centre, server.node_id))
        servers_kwh += np.where(load.is_on[own[0]], HOST_IDLE_KW + HOST_SHARE_OF_DEVICES * devices_kwh[own].sum(0), 0.0)
    support_kwh = centre.facility.support_kw * (1 + 0.04 * _warmth_of_day() + chance.normal(0, 0.01, HOURS))
    return devices_kwh.sum(axis=0) + servers_kwh + support_kwh


def _warmth_of_day() -> Floats:
    """-1 before dawn to 1 in the afternoon."""
    return np.cos(2 * np.pi * (hour_of_day() - 15) / 24)


def _solar_kwh(peak_kw: float, chance: np.random.Generator) -> Floats:
    day_length_h = 12 + 2.6 * season()
    height = np.cos(np.pi * (hour_of_day() + 0.5 - 12.3) / day_length_h)
    clear = np.repeat(chance.beta(3, 1.6, HOURS // 24), 24)
    is_day = np.abs(hour_of_day() + 0.5 - 12.3) < day_length_h / 2
    return np.where(is_day, peak_kw * height * clear * (0.85 + 0.15 * season()), 0.0)


def _meters(centre: Centre, supply: Supply) -> list[tuple[str, str, Floats]]:
    meters = [
        ("E-UTILITY", "utility", supply.utility_kwh),
        ("E-UPS", "ups_output", supply.it_kwh),
        ("E-COOLING", "cooling", supply.cooling_kwh),
        ("W-MAIN", "water", supply.water_m3),
    ]
    if centre.facility.heat_reuse_ratio:
        meters.append(("H-EXPORT", "heat_reuse", supply.heat_reuse_kwh))
    if centre.facility.solar_kw:
        meters.append(("E-SOLAR", "on_site_renewable", supply.solar_kwh))
    return meters


def _meter_rows(meter_id: str, boundary: str, values: Floats, span: slice) -> pl.DataFrame:
    starts = hours()[span] * HOUR_S
    quantity = "water_m3" if boundary == "water" else "energy_kwh"
    return pl.DataFrame(
        {
            "meter_id": meter_id,
            "boundary": boundary,
            "started_at_utc": utc(starts),
            "ended_at_utc": utc(starts + HOUR_S),
            quantity: values[span],
            "is_estimated": False,
        }
    )
