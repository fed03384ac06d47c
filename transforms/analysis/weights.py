"""Weights: the same for all, taken from the data, or from comparisons that people make in pairs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suanheng.transforms.scoring.values import UndefinedScore, Values, extent

HIGHEST_CONSISTENCY_RATIO = 0.10
"""Above it, comparisons contradict each other too much to be used (Saaty 1980)."""

RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
"""Mean consistency index of random comparisons of 1, 2, … 10 members (Saaty 1980, *The Analytic Hierarchy Process*).
For more than ten members published values differ, and nobody compares so many in pairs: group them first."""

_EQUAL_EIGENVALUES = 1e-9


def equal_weights(members: int) -> Values:
    """The same weight for each member; they sum to 1.

    Raises:
        UndefinedScore: there are no members.
    """
    if members < 1:
        raise UndefinedScore("no members", "there is nothing to weigh")
    return np.full(members, 1.0 / members)


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


def principal_loadings(columns: Values) -> Values:
    """Loadings of the first principal component of the standardised columns: a unit vector with a positive sum.

    Args:
        columns: units × indicators, without gaps.

    Raises:
        UndefinedScore: a value is unknown, there is one unit, a column is constant, or the two largest components
            explain the same, so that there is no first one.
    """
    if np.isnan(columns).any():
        raise UndefinedScore("unknown value", "principal components need every value; impute or screen first")
    extent(columns)
    correlations = np.atleast_2d(np.corrcoef(columns, rowvar=False))
    explained, components = np.linalg.eigh(correlations)
    if len(explained) > 1 and explained[-1] - explained[-2] < _EQUAL_EIGENVALUES:
        raise UndefinedScore("no first component", "two components explain the same; state the weights instead")
    loadings = components[:, -1]
    return loadings if loadings.sum() >= 0 else -loadings


def pca_weights(columns: Values) -> Values:
    """Loadings of the first principal component as weights that sum to 1: a second view, never the default.

    Args:
        columns: units × indicators, without gaps, all oriented alike.

    Raises:
        UndefinedScore: see ``principal_loadings``; or a loading is not positive: the indicator runs against the
            others, and a negative weight would reward what is worse.
    """
    loadings = principal_loadings(columns)
    if np.any(loadings <= 0):
        raise UndefinedScore(
            "loading not above zero",
            f"an indicator runs against the others (loadings {np.round(loadings, 4).tolist()}); "
            "state the weights instead",
        )
    return loadings / loadings.sum()


class Judgement(NamedTuple):
    """Weights from comparisons in pairs.

    Attributes:
        weights: one per member; they sum to 1.
        consistency_ratio: 0 for comparisons without contradiction.
    """

    weights: Values
    consistency_ratio: float


def ahp_weights(comparisons: Values) -> Judgement:
    """Weights by the analytic hierarchy process: the principal eigenvector of the comparisons.

    CI = (λmax - n) ÷ (n - 1), CR = CI ÷ RI, with the random index RI of Saaty (1980).

    Args:
        comparisons: members × members; how many times as important the row is as the column.

    Raises:
        UndefinedScore: the matrix is not square, positive and reciprocal, has more than ten members, or its
            consistency ratio exceeds 0.10.
    """
    _require_reciprocal(comparisons)
    n = len(comparisons)
    if n > len(RANDOM_INDEX):
        raise UndefinedScore("too many members", f"{n} members; compare at most {len(RANDOM_INDEX)}, in groups")
    values, vectors = np.linalg.eig(comparisons)
    principal = int(np.argmax(values.real))
    weights = np.abs(vectors[:, principal].real)
    if n <= 2:  # two members cannot contradict each other
        return Judgement(weights / weights.sum(), 0.0)
    ratio = max(0.0, float((values[principal].real - n) / (n - 1) / RANDOM_INDEX[n - 1]))
    if ratio > HIGHEST_CONSISTENCY_RATIO:
        raise UndefinedScore(
            "inconsistent comparisons",
            f"consistency ratio {ratio:.3f}, expected at most {HIGHEST_CONSISTENCY_RATIO:.2f}; revise the comparisons",
        )
    return Judgement(weights / weights.sum(), ratio)


def _require_reciprocal(comparisons: NDArray[np.float64]) -> None:
    if comparisons.ndim != 2 or comparisons.shape[0] != comparisons.shape[1] or not len(comparisons):
        raise UndefinedScore("not a square of comparisons", f"got the shape {comparisons.shape}")
    if not np.all(np.isfinite(comparisons)) or np.any(comparisons <= 0):
        raise UndefinedScore("comparison not above zero", "each states how many times as important one member is")
    if not np.allclose(comparisons * comparisons.T, 1.0, rtol=1e-6):
        raise UndefinedScore("comparisons not reciprocal", "a is x times as important as b means b is 1/x times a")
