"""Signals that get lost: a process that is asked to end ends, also while DuckDB is at work."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ENDING = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def signals_heard() -> Iterator[Callable[[], None]]:
    """Give a function that hands the signals to end which came meanwhile to their handlers once more.

    A handler raises what ends the process, as ``KeyboardInterrupt``. Where it does so inside DuckDB, that is lost, or
    comes out as the failure of a query; such a failure gives way to what the handler raises. Signals only ever reach
    the main thread; in others the function does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    heard, stated = os.pipe()
    for end in (heard, stated):
        os.set_blocking(end, False)
    before = signal.set_wakeup_fd(stated, warn_on_full_buffer=False)

    def hand_on() -> None:
        try:
            numbers = os.read(heard, 64)
        except BlockingIOError:
            return
        for number in _ENDING & set(numbers):
            handler = signal.getsignal(number)
            if callable(handler):
                handler(number, None)

    try:
        yield hand_on
    except Exception:
        hand_on()
        raise
    finally:
        signal.set_wakeup_fd(before)
        os.close(heard)
        os.close(stated)
