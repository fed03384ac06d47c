"""Impute: put an estimate where a value is unknown. Not done by default; observed values never change."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from suanheng.transforms.scoring.values import Values

Method = Literal["none", "mean", "median"]

_ESTIMATES: dict[str, Callable[[Values], np.float64]] = {"mean": np.mean, "median": np.median}


def impute(values: Values, method: Method = "none", groups: Sequence[str] | None = None) -> Values:
    """Replace unknown values by the mean or median of the known ones.

    Args:
        values: one column.
        method: ``none`` leaves the gaps.
        groups: group of each unit; the estimate is then taken within the group. A group in which nothing is known
            keeps its gaps; one in which one value is known gets that value.
    """
    filled = values.copy()
    if method == "none":
        return filled
    estimate = _ESTIMATES[method]
    members = np.asarray(groups if groups is not None else [""] * len(values))
    for group in np.unique(members):
        in_group = members == group
        known = values[in_group & ~np.isnan(values)]
        if known.size:
            filled[in_group & np.isnan(values)] = estimate(known)
    return filled
