"""Runs the steps of a flow one after another and states how far it is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from suanheng.config.errors import is_fault_of_work
from suanheng.flows.orchestration.signals import signals_heard

Item = TypeVar("Item")


class Watcher(Protocol):
    """Is informed of what a flow is doing."""

    def started(self, run_id: str) -> None:
        """A run of that name starts."""

    def begin(self, title: str, total: int) -> None:
        """A step with that many parts begins."""

    def advance(self, part: str) -> None:
        """One part is done."""


class Silent:
    """Watches and says nothing."""

    def started(self, run_id: str) -> None:
        """Nothing."""

    def begin(self, title: str, total: int) -> None:
        """Nothing."""

    def advance(self, part: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Failure:
    """A part that failed. What it should have replaced is as it was."""

    part: str
    error: BaseException


class Steps:
    """How parts are run: directly, or each as a Prefect task."""

    def __init__(self, watcher: Watcher | None = None) -> None:
        self.watcher = watcher or Silent()

    def each(
        self, title: str, items: Sequence[Item], work: Callable[[Item], Any], part: Callable[[Item], str]
    ) -> Iterator[Any]:
        """Do the work for every item; gives its results, and a ``Failure`` for each that raised."""
        if items:
            self.watcher.begin(title, len(items))
        with signals_heard() as hand_on:
            for item in items:
                try:
                    result = self.run(title, part(item), work, item)
                except BaseException as error:
                    if not is_fault_of_work(error):
                        raise
                    result = Failure(part(item), error)
                hand_on()
                yield result
                self.watcher.advance(part(item))

    def run(self, title: str, part: str, work: Callable[[Item], Any], item: Item) -> Any:
        """Do the work for one item."""
        return work(item)


class PrefectSteps(Steps):
    """Every part is a run of its step's task; tried again only where that may help."""

    def run(self, title: str, part: str, work: Callable[[Item], Any], item: Item) -> Any:
        """Do the work for one item as a task."""
        # Prefect takes a second to import, and a run without it does not need it.
        from suanheng.flows.orchestration.tasks import TASKS

        return TASKS[title](part, partial(work, item))


_watcher: Watcher | None = None


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Flows that run inside are watched."""
    global _watcher  # noqa: PLW0603 - a flow's parameters must be plain data, so the watcher cannot be one
    _watcher, previous = watcher, _watcher
    try:
        yield
    finally:
        _watcher = previous


def current_watcher() -> Watcher | None:
    """Who watches the flow that runs now."""
    return _watcher


def done(results: Iterable[Any], failures: list[Failure]) -> list[Any]:
    """Results and failures apart; what another writer has done meanwhile is neither."""
    done: list[Any] = []
    for result in results:
        if result is not None:
            (failures if isinstance(result, Failure) else done).append(result)
    return done
