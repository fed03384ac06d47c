"""Uncertainty: what scores and ranks can be, from an index computed many times over."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from suanheng.transforms.analysis.experiment import Experiment
from suanheng.transforms.analysis.index import Index
from suanheng.transforms.analysis.input_uncertainty import InputUncertainty
from suanheng.transforms.scoring.normalise import rank
from suanheng.transforms.scoring.values import Values

REPLICATES = 10_000

LOWER, UPPER = 0.05, 0.95
"""Quantiles that bound an interval."""

_NUMBERS_AT_ONCE = 16_000_000
"""Numbers drawn before they are used: 128 MB. How they are cut changes no replicate."""


@dataclass(frozen=True)
class Replicates:
    """Scores under all that is uncertain.

    Attributes:
        units: names of the units.
        nominal: score of each unit as stated.
        scores: units × replicates; NaN where a unit has no score.
    """

    units: list[str]
    nominal: Values
    scores: Values

    @cached_property
    def ranks(self) -> Values:
        """Ranks in each replicate, 1 is best; of unrounded scores."""
        return rank(self.scores)


def replicate(
    index: Index, table: pl.DataFrame, input_uncertainty: InputUncertainty, replicates: int = REPLICATES, seed: int = 0
) -> Replicates:
    """Compute an index many times; the same seed gives the same replicates.

    Args:
        index: the index.
        table: one row per unit, as for ``index.compute``.
        input_uncertainty: what is uncertain.
        replicates: how many times.
        seed: of the generator.

    Raises:
        UndefinedIndex: the input uncertainty does not fit, or some combination of choices is not defined on the table.
    """
    experiment = Experiment(index, table, input_uncertainty)
    generator = np.random.default_rng(seed)
    step = max(1, _NUMBERS_AT_ONCE // max(1, experiment.dimensions))
    scores = [
        experiment.run(generator.random((min(step, replicates - start), experiment.dimensions)))
        for start in range(0, replicates, step)
    ]
    return Replicates(experiment.units, experiment.nominal(), np.concatenate(scores, axis=1))


def intervals(replicates: Replicates) -> pl.DataFrame:
    """What the score and the rank of each unit can be.

    Returns:
        One row per unit: unit; score and rank as stated; of both the mean, median and the quantiles 5 % and 95 %; and
        first_probability, the share of replicates in which the unit is first, alone or with others. Null where a unit
        has no score.
    """
    has_score = ~np.isnan(replicates.ranks).any(axis=1)
    return pl.DataFrame(
        {
            "unit": replicates.units,
            "score": replicates.nominal,
            **_spread("score", replicates.scores),
            "rank": rank(replicates.nominal),
            **_spread("rank", replicates.ranks),
            "first_probability": np.where(has_score, (replicates.ranks == 1).mean(axis=1), np.nan),
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _spread(of: str, values: Values) -> dict[str, Values]:
    low, median, high = np.quantile(values, (LOWER, 0.5, UPPER), axis=1)
    return {f"{of}_mean": values.mean(axis=1), f"{of}_median": median, f"{of}_p05": low, f"{of}_p95": high}


def win_probabilities(replicates: Replicates) -> pl.DataFrame:
    """How often each unit scores above each other; a draw is half a victory.

    Returns:
        One row per ordered pair of units: unit, rival, win_probability; null where either has no score. The two rows of
        a pair sum to 1.
    """
    of_each = [
        pl.DataFrame(
            {
                "unit": unit,
                "rival": replicates.units,
                "win_probability": (0.5 + 0.5 * np.sign(scores - replicates.scores)).mean(axis=1),
            }
        )
        for unit, scores in zip(replicates.units, replicates.scores, strict=True)
    ]
    return (
        pl.concat(of_each)
        .filter(pl.col("unit") != pl.col("rival"))
        .with_columns(pl.col("win_probability").fill_nan(None))
    )
