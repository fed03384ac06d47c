"""What tenants run: requests drawn by chance, placed on accelerators, with an outcome and a character of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import (
    DAY_S,
    HOUR_S,
    SIMULATED_FROM,
    SIMULATED_TO,
    Floats,
    months,
    seconds_at,
    stream,
)
from suanheng.flows.demo.incidents import Incident, devices_of

JOBS_PER_MONTH = (40, 80)
LONGEST_RUN_S = 10 * DAY_S
SHORTEST_RUN_S = 600
PATIENCE_S = 60 * HOUR_S
"""Median wait after which a tenant withdraws a request."""

_OUTCOMES = {
    "completed": 0.85,
    "failed": 0.05,
    "cancelled": 0.04,
    "timeout": 0.02,
    "out_of_memory": 0.02,
    "preempted": 0.02,
}
_NODE_CAUSES = ("accelerator", "node", "power")


@dataclass(frozen=True)
class Character:
    """What distinguishes one class of work from another; pairs are the lowest and the highest value that occurs.

    Attributes:
        median_h: median length of a run before the month's demand stretches it.
        activity: share of time in which an allocated accelerator is busy.
        power_ratio: power over design power while busy.
        mfu: model FLOPs over peak while productive; ``None`` where no model is run.
        productive: share of the run that moves the work forward; ``None`` where nobody measures it.
        flop_stated: how often the run states its model FLOPs.
        flop_per_parameter: model FLOPs per token and active parameter.
        is_served: whether people wait for it, so that its activity follows the hours of the day.
    """

    median_h: float
    activity: tuple[float, float]
    power_ratio: tuple[float, float]
    mfu: tuple[float, float] | None
    productive: tuple[float, float] | None
    flop_stated: float
    flop_per_parameter: int
    is_served: bool = False


CHARACTERS = {
    "training": Character(30, (0.82, 0.97), (0.84, 0.96), (0.37, 0.48), (0.88, 0.97), 0.85, 6),
    "fine_tuning": Character(8, (0.72, 0.92), (0.74, 0.90), (0.33, 0.43), (0.85, 0.95), 0.70, 6),
    "inference": Character(24, (0.55, 0.85), (0.52, 0.72), (0.10, 0.20), (0.90, 0.99), 0.25, 2, is_served=True),
    "hpc": Character(6, (0.65, 0.90), (0.66, 0.84), None, None, 0.0, 0),
    "other": Character(2, (0.15, 0.50), (0.35, 0.55), None, None, 0.0, 0),
}

_BUSY_HOURS = np.array([2, 1, 1, 1, 1, 1, 2, 3, 6, 9, 10, 10, 7, 8, 10, 10, 9, 8, 6, 5, 5, 5, 4, 3], dtype=float)


@dataclass(frozen=True)
class Run:
    """One request and what became of it; times in simulated seconds.

    ``lasts`` is how long it runs if nothing cuts it short; ``started`` and ``devices`` are empty if it never ran.
    """

    submitted: int
    lasts: int
    state: str
    workload_class: str
    requested_devices: int
    requested_s: int
    activity: float
    power_ratio: float
    mfu: float | None
    productive_ratio: float | None
    states_flop: bool
    model_name: str | None
    job_id: int = 0
    started: int | None = None
    ended: int = 0
    devices: tuple[int, ...] = ()
    cut_by: Incident | None = None
    is_service: bool = False


@dataclass(frozen=True)
class Placement:
    """Where and when a request runs, in simulated seconds, and the fault that cuts it short."""

    starts: int
    ends: int
    devices: tuple[int, ...]
    cut_by: Incident | None


@dataclass(frozen=True)
class _Taken:
    starts: int
    ends: int
    is_foreseen: bool

    def admits(self, starts: int, ends: int) -> bool:
        """Whether a run may be planned; a fault that nobody foresees only keeps runs from starting during it."""
        return starts >= self.ends or (ends <= self.starts if self.is_foreseen else starts < self.starts)


class Timetable:
    """What every accelerator of a centre is taken by. Requests are placed in the order in which they arrive."""

    def __init__(self, centre: Centre, incidents: Sequence[Incident]) -> None:
        """Take the accelerators before they are in service, during maintenance, during faults and while partitioned."""
        self._nodes = [devices_of(centre, server.node_id) for server in centre.servers]
        kinds = centre.device_types
        self._pools = [tuple(n for n, kind in enumerate(kinds) if kind.sku == sku) for sku in centre.skus]
        self._taken: list[list[_Taken]] = [[] for _ in range(centre.devices)]
        self._faults = [incident for incident in incidents if not incident.is_planned]
        for server, devices in zip(centre.servers, self._nodes, strict=True):
            self._take(devices, 0, seconds_at(server.in_service_from))
        for incident in incidents:
            self._take(incident.devices, incident.starts, incident.ends, is_foreseen=incident.is_planned)
        if sliced := centre.partitioning:
            device = devices_of(centre, sliced.node_id)[sliced.position]
            self._take((device,), seconds_at(sliced.starts), seconds_at(sliced.ends))

    def place(self, submitted: int, count: int, lasts: int, latest: int) -> Placement | None:
        """Place a request for ``count`` accelerators over ``lasts`` seconds; ``None`` if it cannot start by ``latest``.

        A request that fits into one server stays within one, a larger one on devices of one type.
        """
        for spans in self._taken:
            spans[:] = [span for span in spans if span.ends > submitted]
        ends_of_others = sorted({span.ends for spans in self._taken for span in spans})
        for starts in (submitted, *ends_of_others):
            if starts > latest:
                return None
            if devices := self._free(count, starts, starts + lasts):
                return self._run(devices, starts, starts + lasts)
        return None

    def _free(self, count: int, starts: int, ends: int) -> tuple[int, ...]:
        groups = self._nodes if count <= max(map(len, self._nodes)) else self._pools
        free = (tuple(device for device in group if self._admits(device, starts, ends)) for group in groups)
        return next((group[:count] for group in free if len(group) >= count), ())

    def _admits(self, device: int, starts: int, ends: int) -> bool:
        return all(span.admits(starts, ends) for span in self._taken[device])

    def _run(self, devices: tuple[int, ...], starts: int, ends: int) -> Placement:
        cuts = [f for f in self._faults if starts < f.starts < ends and not set(f.devices).isdisjoint(devices)]
        cut_by = min(cuts, key=lambda fault: fault.starts, default=None)
        ends = cut_by.starts if cut_by else ends
        self._take(devices, starts, ends)
        return Placement(starts, ends, devices, cut_by)

    def _take(self, devices: Iterable[int], starts: int, ends: int, *, is_foreseen: bool = True) -> None:
        for device in devices:
            self._taken[device].append(_Taken(starts, ends, is_foreseen))


def draw(centre: Centre, incidents: list[Incident], seed: int) -> list[Run]:
    """All requests of a centre in the order in which they came, with what became of them."""
    chance = stream(seed, centre.site_id, "runs")
    timetable = Timetable(centre, incidents)
    runs = _services(centre, chance)
    span = list(months(SIMULATED_FROM.date(), SIMULATED_TO.date()))
    for number, (start, end) in enumerate(span):
        growth = number / (len(span) - 1)
        for request in _requests(centre, start, end, growth, chance):
            runs.append(_served(request, timetable, chance))
    return _numbered(sorted(runs, key=lambda run: run.submitted))


def _numbered(runs: list[Run]) -> list[Run]:
    """Number the jobs; the scheduler was installed anew on 1 January 2023 and begins at 1 again."""
    anew = seconds_at(date(2023, 1, 1))
    before = sum(run.submitted < anew for run in runs)
    return [replace(run, job_id=n + 1 if run.submitted < anew else n + 1 - before) for n, run in enumerate(runs)]


def _requests(centre: Centre, start: date, end: date, growth: float, chance: np.random.Generator) -> list[Run]:
    demand = centre.demand
    count = int(np.clip(chance.poisson(demand.jobs_per_month * (0.85 + 0.3 * growth)), *JOBS_PER_MONTH))
    classes = chance.choice(list(demand.mix), size=count, p=list(demand.mix.values()))
    sizes = np.array([chance.choice(demand.sizes[kind]) for kind in classes])
    lengths = np.array([CHARACTERS[kind].median_h for kind in classes]) * chance.lognormal(0, 0.6, count)
    asked = np.interp(growth, [0, 1], demand.occupancy) * _device_hours_on_offer(centre, start, end)
    run_s = np.clip(lengths * asked / (lengths * sizes).sum() * HOUR_S, SHORTEST_RUN_S, LONGEST_RUN_S)
    submitted = np.sort(_arrivals(start, end, count, chance))
    return [
        _request(centre, str(kind), int(size), int(length), int(at), chance)
        for kind, size, length, at in zip(classes, sizes, run_s, submitted, strict=True)
    ]


def _device_hours_on_offer(centre: Centre, start: date, end: date) -> float:
    devices = sum(server.devices for server in centre.servers if server.in_service_from <= start)
    sliced = centre.partitioning
    if sliced and sliced.starts <= start < sliced.ends:
        devices -= 1
    return devices * (seconds_at(end) - seconds_at(start)) / HOUR_S


def _arrivals(start: date, end: date, count: int, chance: np.random.Generator) -> Floats:
    """Seconds at which requests come in: mostly in office hours, fewer at the weekend."""
    first = seconds_at(start)
    hours = np.arange((seconds_at(end) - first) // HOUR_S)
    weekday = (start.weekday() + hours // 24) % 7
    weight = _BUSY_HOURS[hours % 24] * np.where(weekday < 5, 1.0, 0.4)
    return first + (chance.choice(hours, size=count, p=weight / weight.sum()) + chance.random(count)) * HOUR_S


def _request(centre: Centre, kind: str, size: int, run_s: int, submitted: int, chance: np.random.Generator) -> Run:
    character = CHARACTERS[kind]
    state = str(chance.choice(list(_OUTCOMES), p=list(_OUTCOMES.values())))
    run_s = max(SHORTEST_RUN_S, run_s // 10) if state == "out_of_memory" else run_s
    limit_h = int(np.ceil(run_s / HOUR_S * chance.uniform(1.05, 1.6)))
    productive = chance.uniform(*character.productive) if character.productive else None
    if productive and state in ("failed", "cancelled", "preempted", "out_of_memory"):
        productive *= chance.uniform(0.3, 0.9)
    return Run(
        submitted=submitted,
        lasts=limit_h * HOUR_S if state == "timeout" else run_s,
        state=state,
        workload_class=kind,
        requested_devices=size,
        requested_s=limit_h * HOUR_S,
        activity=chance.uniform(*character.activity),
        power_ratio=chance.uniform(*character.power_ratio),
        mfu=chance.uniform(*character.mfu) if character.mfu else None,
        productive_ratio=productive,
        states_flop=bool(chance.random() < character.flop_stated),
        model_name=str(chance.choice(centre.demand.models)) if character.mfu else None,
    )


def _served(request: Run, timetable: Timetable, chance: np.random.Generator) -> Run:
    """What becomes of a request: it runs, a fault cuts it short, or its tenant loses patience and withdraws it."""
    patience = int(np.clip(chance.lognormal(np.log(PATIENCE_S), 0.5), 6 * HOUR_S, 20 * DAY_S))
    withdrawn = request.submitted + (patience if chance.random() > 0.02 else int(chance.integers(60, HOUR_S)))
    placement = timetable.place(request.submitted, request.requested_devices, request.lasts, latest=withdrawn)
    if placement is None:
        return replace(request, ended=withdrawn, state="cancelled")
    run = replace(request, started=placement.starts, ended=placement.ends, devices=placement.devices)
    if placement.cut_by is None:
        return run
    state = "node_failure" if placement.cut_by.cause in _NODE_CAUSES else "failed"
    lost = run.productive_ratio and run.productive_ratio * chance.uniform(0.6, 0.95)
    return replace(run, state=state, cut_by=placement.cut_by, productive_ratio=lost)


def _services(centre: Centre, chance: np.random.Generator) -> list[Run]:
    """The service that runs on the slices of a partitioned device, one run per month."""
    sliced = centre.partitioning
    if sliced is None:
        return []
    device = devices_of(centre, sliced.node_id)[sliced.position]
    span = months(sliced.starts, sliced.ends)
    return [
        replace(
            _request(centre, "inference", 1, HOUR_S, seconds_at(start), chance),
            started=seconds_at(start),
            ended=seconds_at(end),
            requested_s=seconds_at(end) - seconds_at(start),
            devices=(device,),
            state="completed",
            productive_ratio=0.97,
            model_name=centre.demand.models[0],
            is_service=True,
        )
        for start, end in span
    ]
