"""Numbers with gaps, and the refusal to compute what is not defined on them.

Units stand along the first axis. What follows it is free: a column of an indicator has the shape (units,), the same
column in many replicates (units, replicates). Every step works along the first axis and so on both.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suanheng.config.errors import SuanhengError

Values: TypeAlias = NDArray[np.float64]
"""Numbers of several units or indicators; NaN is unknown, never zero."""


class UndefinedScore(SuanhengError):
    """Raised where a step of scoring has no defined result, instead of inventing one.

    Args:
        case: short name of the case, e.g. ``constant column``.
        explanation: why it has no result and what to do.
    """

    def __init__(self, case: str, explanation: str) -> None:
        super().__init__(f"{case}: {explanation}")
        self.case = case
        self.explanation = explanation


def as_values(numbers: ArrayLike) -> Values:
    """Numbers as a float array; ``None`` becomes NaN."""
    return np.asarray(numbers, dtype=np.float64)


def require_observations(values: Values, at_least: int = 1) -> None:
    """Refuse a column in which too little is known to compute with.

    Raises:
        UndefinedScore: nothing is known, or a single value where two are needed.
    """
    known = np.sum(~np.isnan(values), axis=0)
    if np.any(known == 0):
        raise UndefinedScore("no observation", "every value of the column is unknown; leave the indicator out")
    if np.any(known < at_least):
        raise UndefinedScore(
            "single observation", "one unit cannot be placed relative to others; normalise by goalposts instead"
        )


def extent(values: Values) -> tuple[Values, Values]:
    """Smallest and largest known value of each column, which must differ.

    Raises:
        UndefinedScore: fewer than two values are known, or all known values are equal.
    """
    require_observations(values, at_least=2)
    low, high = np.asarray(np.nanmin(values, axis=0)), np.asarray(np.nanmax(values, axis=0))
    if np.any(low == high):
        raise UndefinedScore(
            "constant column",
            f"every known value is {low[low == high].flat[0]:g}, so nothing sets units apart; "
            "normalise by goalposts instead",
        )
    return low, high
