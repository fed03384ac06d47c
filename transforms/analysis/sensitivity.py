"""Sensitivity: which uncertain thing moves the result how much.

Variance-based: the first-order index of a factor is the share of the variance that it explains alone, the total index
the share that it has a part in (Saltelli et al. 2010, doi 10.1016/j.cpc.2009.09.018). The design and the estimators are
SALib's. And by leaving out: what would the ranks be without an indicator?
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from SALib.analyze.sobol import first_order, total_order
from SALib.sample import sobol
from scipy.stats import qmc

from suanheng.transforms.analysis.experiment import Experiment
from suanheng.transforms.analysis.index import Index, compute
from suanheng.transforms.analysis.input_uncertainty import InputUncertainty
from suanheng.transforms.analysis.replicates import LOWER, UPPER
from suanheng.transforms.scoring.aggregate import heights
from suanheng.transforms.scoring.normalise import rank
from suanheng.transforms.scoring.values import UndefinedScore, Values

BASE_SAMPLES = 1_024
RESAMPLES = 1_000

_ROUNDING = 1e-12
"""Variation as a share of the outputs that is no more than the rounding of sums in another order."""


@dataclass(frozen=True)
class Design:
    """Outputs of a design after Saltelli, from which the indices are estimated.

    Attributes:
        names: the factors.
        a: outputs of the first sample, one per row of the sample.
        b: outputs of the second, independent sample.
        ab: sample × factors; outputs of the first sample with one factor taken from the second.
    """

    names: tuple[str, ...]
    a: Values
    b: Values
    ab: Values


def sensitivity(
    index: Index,
    table: pl.DataFrame,
    input_uncertainty: InputUncertainty,
    unit: str | None = None,
    base_samples: int = BASE_SAMPLES,
    seed: int = 0,
) -> pl.DataFrame:
    """Sensitivity of the ranking, or of the score of one unit, to everything that is uncertain.

    The index is computed base_samples × (factors + 2) times; the same seed gives the same result.

    Args:
        index: the index.
        table: one row per unit, as for ``index.compute``.
        input_uncertainty: what is uncertain; at least two factors.
        unit: whose score is explained; without it, the mean absolute change of all ranks against the stated ones.
        base_samples: size of the design, a power of two.
        seed: of the design and the resampling.

    Returns:
        see ``sobol_indices``.

    Raises:
        UndefinedIndex: the input uncertainty does not fit, or some combination of choices is not defined on the table.
        UndefinedScore: there are fewer than two factors or too many sources, the unit has no score, or nothing varies.
    """
    if base_samples < 2 or base_samples & (base_samples - 1):
        raise ValueError(
            f"expected a power of two of base samples, got {base_samples}: Sobol sequences are balanced so"
        )
    experiment = Experiment(index, table, input_uncertainty)
    if unit is not None and unit not in experiment.units:
        raise ValueError(f"expected one of the units {', '.join(experiment.units)}, got {unit}")
    factors = experiment.factors
    if len(factors) < 2:
        raise UndefinedScore("single factor", "one factor explains everything; sensitivity compares at least two")
    if 2 * experiment.dimensions > qmc.Sobol.MAXDIM:
        raise UndefinedScore(
            "too many sources",
            f"{experiment.dimensions} numbers per draw, at most {qmc.Sobol.MAXDIM // 2} can be designed",
        )
    problem = {
        "num_vars": experiment.dimensions,
        "names": [f"{factor.name} {number}" for factor in factors for number in range(factor.size)],
        "groups": [factor.name for factor in factors for _ in range(factor.size)],
        "bounds": [[0.0, 1.0]] * experiment.dimensions,
    }
    draws = sobol.sample(problem, base_samples, calc_second_order=False, seed=seed)
    scores = experiment.run(np.minimum(draws, np.nextafter(1.0, 0.0)))
    outputs = rank_change(scores, experiment.nominal()) if unit is None else scores[experiment.units.index(unit)]
    step = len(factors) + 2
    ab = np.stack([outputs[number::step] for number in range(1, step - 1)], axis=1)
    design = Design(tuple(factor.name for factor in factors), outputs[::step], outputs[step - 1 :: step], ab)
    return sobol_indices(design, seed=seed)


def rank_change(scores: Values, nominal: Values) -> Values:
    """Mean absolute difference of the ranks from the stated ones, over the units that have a rank in both.

    Args:
        scores: units × replicates.
        nominal: one score per unit.
    """
    differences = np.abs(rank(scores) - rank(nominal)[:, np.newaxis])
    known = ~np.isnan(differences)
    return np.where(known, differences, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def sobol_indices(design: Design, resamples: int = RESAMPLES, seed: int = 0, is_centred: bool = True) -> pl.DataFrame:
    """First-order and total indices with the quantiles 5 % and 95 % of their bootstrap distribution.

    Args:
        design: outputs.
        resamples: bootstrap resamples.
        seed: of the resampling.
        is_centred: whether the mean is subtracted first. It changes no expectation, but a first-order index estimated
            without it (as by COINr) scatters more the larger the mean is.

    Returns:
        One row per factor: factor, first_order, first_order_p05, first_order_p95, total, total_p05, total_p95.

    Raises:
        UndefinedScore: an output is unknown, or all are equal: no variance can be explained.
    """
    outputs = np.concatenate([design.a, design.b, design.ab.ravel()])
    if np.isnan(outputs).any():
        raise UndefinedScore("unknown output", "a unit without a score in some replicate cannot be explained")
    mean = np.mean([design.a, design.b]) if is_centred else 0.0
    a, b, ab = design.a - mean, design.b - mean, design.ab - mean
    if np.ptp(np.concatenate([a, b])) <= _ROUNDING * np.abs(outputs).max():
        raise UndefinedScore("no variation", "no factor moves the output, so there is no variance to explain")
    picked = np.random.default_rng(seed).integers(len(a), size=(len(a), resamples))
    rows = [
        {
            "factor": name,
            **_estimate("first_order", first_order, (a, ab[:, number], b), picked),
            **_estimate("total", total_order, (a, ab[:, number], b), picked),
        }
        for number, name in enumerate(design.names)
    ]
    return pl.DataFrame(rows)


def _estimate(
    name: str, estimator: Any, outputs: tuple[Values, Values, Values], picked: NDArray[np.int64]
) -> dict[str, float]:
    low, high = np.quantile(estimator(*(each[picked] for each in outputs)), (LOWER, UPPER))
    return {name: float(estimator(*outputs)), f"{name}_p05": float(low), f"{name}_p95": float(high)}


def removals(index: Index, table: pl.DataFrame, level: int = 1) -> pl.DataFrame:
    """The index without each indicator or group of one level in turn.

    Args:
        index: the index.
        table: one row per unit, as for ``index.compute``.
        level: 1 for indicators, 2 for the groups right above, and so on.

    Returns:
        One row per name left out and unit: removed, unit, score, rank, score_change, rank_change (without minus with).

    Raises:
        UndefinedIndex: a step is not defined, or nothing would be left of the index.
    """
    with_all = _top(index, table)
    levels = heights(index.groups)
    without_each = [
        _top(index.without(name), table).with_columns(removed=pl.lit(name)) for name in levels if levels[name] == level
    ]
    return (
        pl.concat(without_each)
        .join(with_all, on="unit", how="left", suffix="_with_all", maintain_order="left")
        .select(
            "removed",
            "unit",
            "score",
            "rank",
            score_change=pl.col("score") - pl.col("score_with_all"),
            rank_change=pl.col("rank") - pl.col("rank_with_all"),
        )
    )


def _top(index: Index, table: pl.DataFrame) -> pl.DataFrame:
    stages = compute(index, table)
    return pl.DataFrame(
        {
            "unit": stages.aggregated[index.unit],
            "score": stages.aggregated[index.top],
            "rank": stages.ranks[index.top],
        }
    )
