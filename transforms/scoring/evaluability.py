"""Evaluability 可评估: how much of a score rests on evidence that was metered or measured."""

import numpy as np
from numpy.typing import NDArray

from suanheng.transforms.scoring.values import Values

FIRM_EVIDENCE = ("metered", "measured")


def evaluability(weights: Values, is_firm: NDArray[np.bool_], coverage: Values) -> Values:
    """Σ weight × (metered or measured) × coverage ÷ Σ weight.

    Args:
        weights: one per indicator.
        is_firm: units × indicators; whether the indicator is scored and rests on metered or measured evidence.
        coverage: units × indicators, 0 to 1; NaN counts as nothing seen.

    Returns:
        One share between 0 and 1 per unit.
    """
    return weighted_coverage(weights, np.where(is_firm, coverage, 0.0))


def weighted_coverage(weights: Values, coverage: Values) -> Values:
    """Σ weight × coverage ÷ Σ weight; NaN counts as nothing seen."""
    return np.clip((weights * np.nan_to_num(coverage, nan=0.0)).sum(axis=1) / weights.sum(), 0.0, 1.0)
