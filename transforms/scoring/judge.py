"""Judge: which indicators count, and how many points each gets."""

import numpy as np
import polars as pl

from suanheng.schemas.tables.indicators import BELOW_COVERAGE, OK
from suanheng.transforms.scoring.interval import Interval
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.normalise import goalposts
from suanheng.transforms.scoring.values import as_values

ESTIMATED = "estimated"
"""Evidence that was not measured or declared, but derived, or taken from a default."""

ESTIMATE_ERROR = 0.5
"""How far an estimated value may be from the true one, as a share of it. Declared by this project: published defaults
of one thing, such as the embodied carbon of one server, differ by more than half."""


def judge(indicators: pl.DataFrame, methodology: Methodology) -> pl.DataFrame:
    """Hold the indicators that the methodology scores against its goalposts.

    An indicator counts if its status is ok and its coverage reaches the minimum; if only the coverage is missing, its
    status becomes ``below coverage``. The points of an estimate are in an interval, because nobody measured it: a value
    says less where it comes from a default than where the same value comes from a meter.

    Args:
        indicators: rows of ``indicators.all``.
        methodology: how to score.

    Returns:
        One row per site, period and scored indicator, in the order of time and of the methodology: the columns of
        ``indicators`` and dimension, position, weight, minimum_coverage, goalposts, is_scored, score, score_low,
        score_high.
    """
    has_value = ((pl.col("status") == OK) & pl.col("value").is_finite()).fill_null(False)
    is_covered = (pl.col("coverage") >= pl.col("minimum_coverage")).fill_null(False)
    judged = (
        indicators.join(_rules(methodology), on="indicator")
        .sort("site_id", "period_start", "period_end", "position")
        .with_columns(
            is_scored=has_value & is_covered,
            status=pl.when(has_value & ~is_covered).then(pl.lit(BELOW_COVERAGE)).otherwise("status"),
        )
    )
    return judged.with_columns(**_points(judged).columns())


def _points(judged: pl.DataFrame) -> Interval:
    at_0, at_100 = as_values(judged["goalpost_at_0"]), as_values(judged["goalpost_at_100"])
    values = as_values(judged.select(pl.when("is_scored").then("value")).to_series())
    is_estimated = (judged["evidence_class"] == ESTIMATED).fill_null(False).to_numpy()
    error = np.where(is_estimated, ESTIMATE_ERROR * np.abs(values), 0.0)
    return Interval.of(
        goalposts(values, at_0, at_100),
        goalposts(values - error, at_0, at_100),
        goalposts(values + error, at_0, at_100),
    )


def _rules(methodology: Methodology) -> pl.DataFrame:
    rules = [
        {
            "dimension": dimension.dimension,
            "indicator": indicator.indicator,
            "weight": indicator.weight,
            "minimum_coverage": indicator.minimum_coverage,
            "goalpost_at_0": indicator.at_0.value,
            "goalpost_at_100": indicator.at_100.value,
        }
        for dimension in methodology.dimensions
        for indicator in dimension.indicators
    ]
    numbers = ("weight", "minimum_coverage", "goalpost_at_0", "goalpost_at_100")
    return pl.DataFrame(rules, schema_overrides=dict.fromkeys(numbers, pl.Float64)).with_row_index("position", offset=1)
