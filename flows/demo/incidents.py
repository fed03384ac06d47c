"""Interruptions of service: announced maintenance, faults drawn by chance, and the outages a centre is given."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from suanheng.flows.demo.centres import Centre, Server
from suanheng.flows.demo.clock import HOUR_S, local_at, months, quarters, seconds_at, stream, utc

FAULTS_PER_MONTH = 0.45
_CAUSES = {
    "accelerator": 0.35,
    "node": 0.2,
    "network": 0.2,
    "storage": 0.08,
    "cooling": 0.05,
    "software": 0.08,
    "operator": 0.04,
}
XIDS = (79, 94, 63)
"""Error codes an accelerator reports with a fault: fallen off the bus, contained memory error, row remapping."""


@dataclass(frozen=True)
class Incident:
    """One interruption, in simulated seconds; ``devices`` are positions in the centre's list of accelerators."""

    starts: int
    ends: int
    devices: tuple[int, ...]
    cause: str
    is_planned: bool
    error_code: int | None = None


def draw(centre: Centre, seed: int) -> list[Incident]:
    """All incidents of a centre in order of time."""
    chance = stream(seed, centre.site_id, "incidents")
    incidents = [_maintenance(centre, number, start) for number, (start, _) in enumerate(quarters())]
    incidents += [_outage(centre, number) for number in range(len(centre.outages))]
    for start, end in months():
        for _ in range(chance.poisson(FAULTS_PER_MONTH)):
            incidents.append(_fault(centre, start, end, chance))
    return sorted(incidents, key=lambda incident: (incident.starts, incident.ends))


def frame(centre: Centre, incidents: list[Incident], interrupted: dict[Incident, int]) -> pl.DataFrame:
    """Rows of dataset ``incidents``.

    Args:
        centre: the centre.
        incidents: what happened.
        interrupted: jobs that each incident cut short.
    """
    return pl.DataFrame(
        {
            "incident_id": [
                f"{centre.code}-INC-{local_at(incident.starts):%Y%m%d}-{number:03d}"
                for number, incident in enumerate(incidents, 1)
            ],
            "cluster_id": centre.cluster_id,
            "started_at_utc": utc([incident.starts for incident in incidents]),
            "ended_at_utc": utc([incident.ends for incident in incidents]),
            "devices_affected": [len(incident.devices) for incident in incidents],
            "jobs_interrupted": [interrupted.get(incident, 0) for incident in incidents],
            "cause": [incident.cause for incident in incidents],
            "is_planned": [incident.is_planned for incident in incidents],
        }
    )


def devices_of(centre: Centre, node_id: str) -> tuple[int, ...]:
    """Positions, in the centre's list of accelerators, of those in a server."""
    first = 0
    for server in centre.servers:
        if server.node_id == node_id:
            return tuple(range(first, first + server.devices))
        first += server.devices
    raise KeyError(node_id)


def _maintenance(centre: Centre, number: int, quarter_start: date) -> Incident:
    """Six hours in the second month of a quarter, on its second Tuesday from 9:00, one server after the other."""
    month = quarter_start.replace(month=quarter_start.month + 1)
    first_tuesday = month + timedelta(days=(1 - month.weekday()) % 7)
    starts = seconds_at(datetime.combine(first_tuesday + timedelta(days=7), time(9)))
    servers = _in_service(centre, quarter_start)
    devices = devices_of(centre, servers[number % len(servers)].node_id)
    return Incident(starts, starts + 6 * HOUR_S, devices, "software", is_planned=True)


def _outage(centre: Centre, number: int) -> Incident:
    outage = centre.outages[number]
    devices = devices_of(centre, outage.node_id)
    return Incident(seconds_at(outage.starts), seconds_at(outage.ends), devices, "power", is_planned=False)


def _fault(centre: Centre, start: date, end: date, chance: np.random.Generator) -> Incident:
    starts = int(chance.integers(seconds_at(start), seconds_at(end)))
    lasts = int(np.clip(chance.lognormal(np.log(3 * HOUR_S), 0.7), 900, 30 * HOUR_S))
    servers = _in_service(centre, start)
    devices = devices_of(centre, servers[chance.integers(len(servers))].node_id)
    cause = str(chance.choice(list(_CAUSES), p=list(_CAUSES.values())))
    if cause != "accelerator":
        return Incident(starts, starts + lasts, devices, cause, is_planned=False)
    device = int(chance.choice(devices))
    return Incident(starts, starts + lasts, (device,), cause, is_planned=False, error_code=int(chance.choice(XIDS)))


def _in_service(centre: Centre, day: date) -> list[Server]:
    return [server for server in centre.servers if server.in_service_from <= day]
