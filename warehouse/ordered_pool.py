"""Work that is begun early and asked for in order: while one thing is used, the next ones are being made.

Quarters are computed so while the first of them is written, slices of a file are surveyed so by threads, and parts of
files by the workers of a Dask cluster. For example, with two places and the items a, b and c: a and b are begun at
once; a is asked for and waited for; when b is asked for, c is begun in the place of a.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Begun = TypeVar("Begun")


class Workers(ABC, Generic[Item, Begun]):
    """Who does the work: the threads of this process, or other processes."""

    @abstractmethod
    def places(self) -> int:
        """Items that may be under way at present; the one that was asked for last is one of them."""

    @abstractmethod
    def begin(self, item: Item, place: int) -> Begun:
        """Begin with an item and do not wait for it; no two items that are under way have the same place."""

    @abstractmethod
    def give_up(self, begun: Begun) -> None:
        """Stop what is not wanted any more, or is done with; after that its place is free."""


class Threads(Workers[Item, Future[Result]]):
    """Threads that do the work of each item in its place.

    Args:
        executor: the threads.
        work: the work of an item in a place.
        places: items that may be under way.
    """

    def __init__(self, executor: Executor, work: Callable[[Item, int], Result], places: int) -> None:
        self._executor, self._work, self._places = executor, work, places

    def places(self) -> int:
        """Items that may be under way."""
        return self._places

    def begin(self, item: Item, place: int) -> Future[Result]:
        """Have the work of an item done by the next thread that is free."""
        return self._executor.submit(self._work, item, place)

    def give_up(self, begun: Future[Result]) -> None:
        """Cancel what no thread has begun; a thread that is at it cannot be stopped, and is waited for."""
        if not begun.cancel():
            wait([begun])


@dataclass(frozen=True)
class _UnderWay(Generic[Item, Begun]):
    """An item that was begun."""

    item: Item
    place: int
    begun: Begun


class OrderedPool(Generic[Item, Begun]):
    """Items under way: the one that was asked for last, then as many of those to come as there are places.

    It is used by one thread, in a ``with`` block, at the end of which all that is under way is given up.

    Args:
        workers: who does the work.
        items: all different, in the order in which they will be asked for; some may never be.
    """

    def __init__(self, workers: Workers[Item, Begun], items: Iterable[Item]) -> None:
        self._workers = workers
        self._to_come = deque(items)
        self._under_way: list[_UnderWay[Item, Begun]] = []
        self._asked = 0
        self._begin_more()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Begun]:
        """Ask for all items that are left, one after the other."""
        for item in [*(each.item for each in self._under_way), *self._to_come]:
            yield self.ask(item)

    def ask(self, item: Item) -> Begun:
        """What was begun for an item; whoever asks waits for its outcome.

        What comes before it is given up: it was used, or nobody wants it. What is asked for keeps its place until the
        next item is asked for. An item that is not among those to come is begun now.
        """
        before = list(takewhile(lambda each: each.item != item, self._under_way))
        if len(before) < len(self._under_way):
            self._give_up(len(before))
        elif item in self._to_come:
            self._give_up(len(before))
            while self._to_come.popleft() != item:
                pass
            self._begin(item)
        else:
            self._give_up(self._asked)
            self._begin(item, at=0)
        self._asked = 1
        self._begin_more()
        return self._under_way[0].begun

    def close(self) -> None:
        """Give up everything."""
        self._to_come.clear()
        self._give_up(len(self._under_way))

    def _give_up(self, number: int) -> None:
        """Give up the first ones, the last of them first: it is the least likely to be begun meanwhile."""
        going, self._under_way = self._under_way[:number], self._under_way[number:]
        self._asked = 0
        for each in reversed(going):
            self._workers.give_up(each.begun)

    def _begin_more(self) -> None:
        while self._to_come and len(self._under_way) < self._workers.places():
            self._begin(self._to_come.popleft())

    def _begin(self, item: Item, at: int | None = None) -> None:
        taken = {each.place for each in self._under_way}
        place = next(place for place in count() if place not in taken)
        at = len(self._under_way) if at is None else at
        self._under_way.insert(at, _UnderWay(item, place, self._workers.begin(item, place)))
