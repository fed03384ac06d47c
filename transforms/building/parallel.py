"""Computes quarters in threads ahead of the one that is written: they are written one by one, in their order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from suanheng.transforms.building.build import Computed, compute
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.scratch import Workbench
from suanheng.transforms.building.staleness import Stale
from suanheng.warehouse.lake import Lake


@contextmanager
def computing_ahead(
    lake: Lake, bench: Workbench, quarters: Sequence[Stale], now: datetime, workers: int
) -> Iterator[Callable[[Stale], Computed]]:
    """``with computing_ahead(…) as computed:`` gives each of some quarters, to be asked for in their order.

    What was given lies on its bench until the next is asked for.

    Args:
        lake: the warehouse; only read, and by connections beside it.
        bench: a bench on the connection of the writer; used where none is computed ahead.
        quarters: the quarters, in the order in which they will be written.
        now: the present.
        workers: quarters that are computed at the same time; with one, none is computed ahead.
    """
    if min(workers, len(quarters)) < 2:
        yield lambda quarter: compute(lake, bench, quarter.scope, now)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="quarter") as pool:
        ahead = _Ahead(pool, quarters, now)
        # One bench more than there are workers: the quarter that is written lies on it meanwhile.
        for number in range(min(workers + 1, len(quarters))):
            beside = lake.beside()
            ahead.begin_next(_Place(beside, Workbench(beside, f"bench_{number}")))
        try:
            yield ahead.computed
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Place:
    """Where a thread computes: a connection and the bench beside it."""

    lake: Lake
    bench: Workbench


class _Ahead:
    """Quarters that are being computed; as soon as one is written, the next is begun on its bench."""

    def __init__(self, pool: ThreadPoolExecutor, quarters: Sequence[Stale], now: datetime) -> None:
        self._pool, self._now = pool, now
        self._not_begun = deque(quarters)
        self._begun: dict[Scope, tuple[_Place, Future[Computed]]] = {}

    def begin_next(self, place: _Place) -> None:
        """Begin with the next quarter, where there is one."""
        if self._not_begun:
            scope = self._not_begun.popleft().scope
            self._begun[scope] = place, self._pool.submit(compute, place.lake, place.bench, scope, self._now)

    def computed(self, quarter: Stale) -> Computed:
        """A quarter, once it is computed; whatever was given before is written by now."""
        for scope in list(takewhile(lambda scope: scope != quarter.scope, self._begun)):
            place, _ = self._begun.pop(scope)
            self.begin_next(place)
        _, future = self._begun[quarter.scope]
        return future.result()
