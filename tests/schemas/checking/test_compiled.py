"""Compiled loops do without a place to be kept, which a function that is in no file never has."""

import numpy as np
import pytest
from numba import njit

from suanheng.schemas.checking.compiled import compiled

WITHOUT_A_FILE = (
    "def add(numbers):\n    total = 0\n    for number in numbers:\n        total += number\n    return total\n"
)


def test_a_loop_that_cannot_be_kept_is_compiled_all_the_same() -> None:
    there: dict = {}
    exec(compile(WITHOUT_A_FILE, "<nowhere>", "exec"), there)
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(there["add"])

    assert compiled(there["add"])(np.arange(5)) == 10
