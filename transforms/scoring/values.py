"""A column of numbers with gaps, and the refusal to compute what is not defined on it."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values: TypeAlias = NDArray[np.float64]
"""Numbers of several units or indicators; NaN is unknown, never zero."""


class UndefinedScore(ValueError):  # noqa: N818
    """Raised where a step of scoring has no defined result, instead of inventing one.

    Args:
        case: short name of the case, e.g. ``constant column``.
        explanation: why it has no result and what to do.
    """

    def __init__(self, case: str, explanation: str) -> None:
        super().__init__(f"{case}: {explanation}")
        self.case = case


def as_values(numbers: ArrayLike) -> Values:
    """Numbers as a float array; ``None`` becomes NaN."""
    return np.asarray(numbers, dtype=np.float64)


def observed(values: Values) -> Values:
    """The known values.

    Raises:
        UndefinedScore: nothing is known.
    """
    known = values[~np.isnan(values)]
    if known.size == 0:
        raise UndefinedScore("no observation", "every value of the column is unknown; leave the indicator out")
    return known


def extent(values: Values) -> tuple[float, float]:
    """Smallest and largest known value, which must differ.

    Raises:
        UndefinedScore: fewer than two values are known, or all known values are equal.
    """
    known = observed(values)
    if known.size == 1:
        raise UndefinedScore(
            "single observation", "one unit cannot be placed relative to others; normalise by goalposts instead"
        )
    low, high = float(known.min()), float(known.max())
    if low == high:
        raise UndefinedScore(
            "constant column",
            f"every known value is {low:g}, so nothing sets units apart; normalise by goalposts instead",
        )
    return low, high
