"""Weights taken from the data."""

import numpy as np

from suanheng.transforms.scoring.values import UndefinedScore, Values


def entropy_weights(columns: Values) -> Values:
    """Weight each indicator by how unevenly the units share it; the weights sum to 1.

    p = x ÷ Σx, e = -Σ p ln p ÷ ln n, w = (1 - e) ÷ Σ(1 - e). It rewards dispersion, not importance: a second view,
    never the default.

    Args:
        columns: units × indicators, non-negative, without gaps.

    Raises:
        UndefinedScore: there is one unit (ln 1 = 0), a value is unknown or negative, a column is zero throughout, or
            no column varies.
    """
    units = columns.shape[0]
    if units < 2:
        raise UndefinedScore("single observation", "entropy divides by ln n, which is 0 for one unit")
    if np.isnan(columns).any():
        raise UndefinedScore("unknown value", "entropy weights need every value")
    totals = columns.sum(axis=0)
    if np.any(columns < 0) or np.any(totals == 0):
        raise UndefinedScore(
            "share of nothing", "entropy weights need non-negative columns that are not zero throughout"
        )
    shares = columns / totals
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    constant = columns.min(axis=0) == columns.max(axis=0)
    divergence = np.where(constant, 0.0, 1 + (shares * logs).sum(axis=0) / np.log(units))
    if divergence.sum() == 0:
        raise UndefinedScore("constant column", "no indicator varies between the units, so none can be weighted")
    return divergence / divergence.sum()
