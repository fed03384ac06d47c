"""Denominate: from a total to a figure per unit of size."""

import numpy as np

from suanheng.transforms.scoring.values import UndefinedScore, Values


def denominate(values: Values, denominators: Values) -> Values:
    """Divide each value by the size of its unit; unknown if either is unknown.

    Args:
        values: totals.
        denominators: sizes of the same units, positive.

    Raises:
        UndefinedScore: a size is zero or negative.
    """
    if np.any(denominators <= 0):
        raise UndefinedScore("denominator not above zero", "the size of a unit must be positive, or unknown")
    return values / denominators
