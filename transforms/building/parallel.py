"""Computes several quarters at the same time; they are written one by one, in their order."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

from suanheng.transforms.building.build import Computed, compute
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.building.staleness import Stale
from suanheng.transforms.scoring.methodology import CarbonChoices
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.ordered_pool import OrderedPool, Threads


@contextmanager
def prefetched_quarters(
    lake: Lake,
    scratch: ScratchDatabase,
    quarters: Sequence[Stale],
    now: datetime,
    choices: CarbonChoices,
    workers: int,
) -> Iterator[Callable[[Stale], Computed]]:
    """``with prefetched_quarters(…) as computed:`` gives each of some quarters, to be asked for in their order.

    What was given stays in its scratch database until the next is asked for.

    Args:
        lake: the warehouse; only read, and by connections beside it.
        scratch: a scratch database on the connection of the writer; used where one quarter is computed at a time.
        quarters: the quarters, in the order in which they will be written.
        now: the present.
        choices: what the methodology chooses for carbon.
        workers: quarters that are computed at the same time; with one, each is computed when it is asked for.
    """
    if min(workers, len(quarters)) < 2:
        yield lambda quarter: compute(lake, scratch, quarter.scope, now, choices)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="quarter") as executor:
        # One scratch database more than there are workers: the quarter that is written is in it meanwhile.
        threads = _Computing(executor, lake, now, choices, places=workers + 1)
        with OrderedPool(threads, [quarter.scope for quarter in quarters]) as pool:
            yield lambda quarter: pool.ask(quarter.scope).result()


class _Computing(Threads[Scope, Computed]):
    """Threads that compute quarters, each place with a connection of its own and a scratch database beside it."""

    def __init__(self, executor: Executor, lake: Lake, now: datetime, choices: CarbonChoices, places: int) -> None:
        super().__init__(executor, self._compute, places)
        self._lake, self._now, self._choices = lake, now, choices
        self._scratch: dict[int, tuple[Lake, ScratchDatabase]] = {}

    def begin(self, item: Scope, place: int) -> Future[Computed]:
        """Have a quarter computed; the first of each place waits for a connection and a scratch database."""
        if place not in self._scratch:
            beside = self._lake.beside()
            self._scratch[place] = beside, ScratchDatabase(beside, f"scratch_{place}")
        return super().begin(item, place)

    def _compute(self, scope: Scope, place: int) -> Computed:
        return compute(*self._scratch[place], scope, self._now, self._choices)
