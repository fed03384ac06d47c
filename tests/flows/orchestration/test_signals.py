"""A process that is asked to end while DuckDB is at work ends, and does not go on with the next part."""

import os
import signal
import threading
from contextlib import suppress

import duckdb
import pytest

from suanheng.flows.orchestration.signals import signals_heard
from suanheng.flows.orchestration.steps import Steps

LONG = "SELECT count(*) FROM range(1000000000) AS a, range(1000) AS b WHERE a.range % 7 = b.range % 5"


@pytest.fixture
def interrupted_soon():
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    yield timer.start
    timer.cancel()
    timer.join()


def test_an_interruption_inside_a_query_ends_the_steps(interrupted_soon) -> None:
    begun = []

    def work(item: str) -> None:
        begun.append(item)
        interrupted_soon()
        duckdb.connect().execute(LONG).fetchall()

    with pytest.raises(KeyboardInterrupt):
        list(Steps().each("build", ["first", "second"], work, part=str))
    assert begun == ["first"]


def test_an_interruption_inside_a_query_is_no_failure_of_the_query(interrupted_soon) -> None:
    interrupted_soon()
    with pytest.raises(KeyboardInterrupt), signals_heard():
        duckdb.connect().execute(LONG).fetchall()


def test_an_interruption_that_is_swallowed_ends_the_steps() -> None:
    begun = []

    def work(item: str) -> None:
        begun.append(item)
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        list(Steps().each("build", ["first", "second"], work, part=str))
    assert begun == ["first"]


def test_steps_outside_the_main_thread_run_as_ever() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.extend(Steps().each("build", [1, 2], lambda n: n * 2, part=str)))
    thread.start()
    thread.join()
    assert results == [2, 4]
