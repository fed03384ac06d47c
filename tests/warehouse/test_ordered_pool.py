"""What is begun early comes in order, a bounded number at a time, each in its own place; at the end it is given up."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

import pytest

from suanheng.warehouse.ordered_pool import OrderedPool, Threads, Workers


class ByHand(Workers[str, Future[str]]):
    """Workers whose items are done when a test says so."""

    def __init__(self, places: int) -> None:
        self.number = places
        self.begun: list[tuple[str, int]] = []
        self.given_up: list[str] = []
        self._item_of: dict[int, str] = {}

    def places(self) -> int:
        return self.number

    def begin(self, item: str, place: int) -> Future[str]:
        self.begun.append((item, place))
        future: Future[str] = Future()
        self._item_of[id(future)] = item
        future.set_result(item.upper())
        return future

    def give_up(self, begun: Future[str]) -> None:
        self.given_up.append(self._item_of[id(begun)])


def test_as_many_are_begun_as_there_are_places_and_the_next_in_the_place_of_one_that_was_used() -> None:
    workers = ByHand(places=2)
    with OrderedPool(workers, "abcd") as pool:
        assert workers.begun == [("a", 0), ("b", 1)]
        assert pool.ask("a").result() == "A"
        # What was asked for is being used: its place is not free yet.
        assert workers.begun == [("a", 0), ("b", 1)]
        assert pool.ask("b").result() == "B"
        assert workers.begun == [("a", 0), ("b", 1), ("c", 0)]
        assert pool.ask("c").result() == "C"
        assert workers.begun == [("a", 0), ("b", 1), ("c", 0), ("d", 1)]


def test_what_is_asked_for_again_at_once_is_the_same() -> None:
    workers = ByHand(places=2)
    with OrderedPool(workers, "abc") as pool:
        assert pool.ask("a") is pool.ask("a")
    assert workers.begun == [("a", 0), ("b", 1)]


def test_what_nobody_asks_for_is_given_up_when_a_later_one_is_asked_for() -> None:
    workers = ByHand(places=2)
    with OrderedPool(workers, "abcdef") as pool:
        assert pool.ask("b").result() == "B"
        assert workers.given_up == ["a"]
        # Neither c, which is under way, nor d, which is not, is wanted.
        assert pool.ask("e").result() == "E"
        assert workers.given_up == ["a", "c", "b"]
        assert [item for item, _ in workers.begun] == ["a", "b", "c", "e", "f"]


def test_what_was_not_to_come_is_begun_when_it_is_asked_for_and_others_stay_under_way() -> None:
    workers = ByHand(places=2)
    with OrderedPool(workers, "abc") as pool:
        pool.ask("a")
        assert pool.ask("other").result() == "OTHER"
        assert workers.given_up == ["a"]
        assert pool.ask("b").result() == "B"
        assert workers.begun == [("a", 0), ("b", 1), ("other", 0), ("c", 0)]


def test_what_was_not_to_come_is_begun_although_all_places_are_taken() -> None:
    workers = ByHand(places=1)
    with OrderedPool(workers, "a") as pool:
        assert pool.ask("other").result() == "OTHER"
        assert workers.begun == [("a", 0), ("other", 1)]


def test_the_number_of_places_is_that_of_the_moment() -> None:
    workers = ByHand(places=0)
    with OrderedPool(workers, "abcde") as pool:
        assert workers.begun == []
        assert pool.ask("a").result() == "A"
        workers.number = 3
        pool.ask("b")
        assert [item for item, _ in workers.begun] == ["a", "b", "c", "d"]
        workers.number = 1
        pool.ask("c")
        assert [item for item, _ in workers.begun] == ["a", "b", "c", "d"]


def test_all_that_are_left_come_one_after_the_other() -> None:
    workers = ByHand(places=2)
    with OrderedPool(workers, "abcd") as pool:
        pool.ask("b")
        assert [begun.result() for begun in pool] == ["B", "C", "D"]


def test_what_is_under_way_at_the_end_is_given_up_and_nothing_more_begun() -> None:
    workers = ByHand(places=2)
    with pytest.raises(KeyboardInterrupt), OrderedPool(workers, "abcd") as pool:
        pool.ask("a")
        raise KeyboardInterrupt
    assert sorted(workers.given_up) == ["a", "b"]
    assert [item for item, _ in workers.begun] == ["a", "b"]


@pytest.fixture
def threads() -> Iterator[Callable[[Callable[[int, int], int], int, int], Threads[int, int]]]:
    """``threads(work, number, places)``: so many threads for so many places."""
    executors: list[ThreadPoolExecutor] = []

    def make(work: Callable[[int, int], int], number: int, places: int) -> Threads[int, int]:
        executors.append(ThreadPoolExecutor(number))
        return Threads(executors[-1], work, places)

    yield make
    for executor in executors:
        executor.shutdown()


def test_threads_compute_in_places_that_no_two_items_share(threads) -> None:
    lock, taken, most = Lock(), set(), 0

    def work(item: int, place: int) -> int:
        nonlocal most
        with lock:
            assert place not in taken
            taken.add(place)
            most = max(most, len(taken))
        with lock:
            taken.remove(place)
        return item * item

    with OrderedPool(threads(work, 2, 3), range(50)) as pool:
        assert [pool.ask(item).result() for item in range(50)] == [item * item for item in range(50)]
    assert most <= 2


def test_an_error_reaches_whoever_asks_for_its_item_and_no_other(threads) -> None:
    def work(item: int, place: int) -> int:
        return 12 // item

    with OrderedPool(threads(work, 2, 3), [3, 0, 4]) as pool:
        assert pool.ask(3).result() == 4
        with pytest.raises(ZeroDivisionError):
            pool.ask(0).result()
        assert pool.ask(4).result() == 3


def test_at_the_end_what_no_thread_has_begun_is_cancelled_and_what_one_is_at_is_waited_for(threads) -> None:
    is_at_it, may_end, done = Event(), Event(), []

    def work(item: int, place: int) -> int:
        is_at_it.set()
        assert may_end.wait(60)
        done.append(item)
        return item

    with OrderedPool(threads(work, 1, 3), range(9)) as pool:
        assert is_at_it.wait(60)
        # The thread ends with 0 only once 1, the last that is given up before it, is cancelled.
        pool._under_way[1].begun.add_done_callback(lambda _: may_end.set())
    assert done == [0]
