"""A score together with what it can be, given what is not known or only estimated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from suanheng.transforms.scoring.aggregate import Aggregation, aggregate_above
from suanheng.transforms.scoring.values import Values, as_values

WORST, BEST = 0.0, 100.0


@dataclass(frozen=True)
class Interval:
    """Scores, and their bounds if everything unknown were as bad, or as good, as can be.

    The three go through the same arithmetic, which never falls when a member rises: the score is between its
    bounds, equals both where all is known, and more knowledge never widens the interval.

    Attributes:
        score: units, or units × members; NaN where anything below is unknown.
        low: the lower bound.
        high: the upper bound.
    """

    score: Values
    low: Values
    high: Values

    @classmethod
    def of(cls, scores: Values, *ends: Values) -> "Interval":
        """Scores, each between its ends in whichever order they stand; an unknown one is anywhere from 0 to 100."""
        unknown = np.isnan(scores)
        lowest, highest = np.minimum.reduce([scores, *ends]), np.maximum.reduce([scores, *ends])
        return cls(scores, np.where(unknown, WORST, lowest), np.where(unknown, BEST, highest))

    @classmethod
    def side_by_side(cls, intervals: Sequence["Interval"]) -> "Interval":
        """Units × members, from the members."""
        return cls(
            np.column_stack([interval.score for interval in intervals]),
            np.column_stack([interval.low for interval in intervals]),
            np.column_stack([interval.high for interval in intervals]),
        )

    def members(self, which: slice | int) -> "Interval":
        """Some of the members."""
        return Interval(self.score[:, which], self.low[:, which], self.high[:, which])

    def mean(self, weights: Sequence[float], how: Aggregation) -> "Interval":
        """Mean over the members, all of which must be known for a score; see ``aggregate_above``."""

        def of(scores: Values) -> Values:
            return aggregate_above(scores, as_values(weights), how.method, how.lowest, exponent=how.exponent)

        return Interval(of(self.score), of(self.low), of(self.high))

    def columns(self) -> dict[str, pl.Series]:
        """Columns of a scorecard: an unknown score is null."""
        return {
            "score": pl.Series(self.score, dtype=pl.Float64).fill_nan(None),
            "score_low": pl.Series(self.low, dtype=pl.Float64),
            "score_high": pl.Series(self.high, dtype=pl.Float64),
        }
