"""Loops that are compiled: Python that Numba turns into machine code when it is first run."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of numbers and arrays; it holds no lock while it runs.

    The outcome is kept for the next process, beside the module or in the user's cache; where neither can be written to,
    each process compiles anew, which takes seconds.
    """
    try:
        return njit(nogil=True, cache=True)(loop)
    except RuntimeError:
        return njit(nogil=True)(loop)


def inlined(part: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a part of compiled loops, each of which gets a copy of it: calling it takes no time."""
    return njit(inline="always")(part)
