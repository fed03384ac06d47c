"""A scheduler: gives every request the earliest time at which enough accelerators are free for as long as it asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from suanheng.flows.demo.centres import Centre
from suanheng.flows.demo.clock import seconds_at
from suanheng.flows.demo.incidents import Incident, devices_of


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
        for taken in self._taken:
            taken[:] = [span for span in taken if span.ends > submitted]
        ends_of_others = sorted({span.ends for taken in self._taken for span in taken})
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
