"""Scorecards: indicators of sites and periods held against a methodology."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suanheng.schemas.columns import EVIDENCE_CLASSES
from suanheng.schemas.contract import Contract
from suanheng.schemas.tables.scorecards import COMPOSITES, DIMENSIONS, SCORED_INDICATORS
from suanheng.transforms.scoring.evaluability import FIRM_EVIDENCE, evaluability, weighted_coverage
from suanheng.transforms.scoring.fit import require_fit
from suanheng.transforms.scoring.grade import grade, grade_of_interval
from suanheng.transforms.scoring.interval import Interval
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Dimension, Methodology
from suanheng.transforms.scoring.values import Values, as_values

_ORDER = ["site_id", "period_start", "period_end"]


@dataclass(frozen=True)
class Scorecards:
    """Scores of sites and periods; columns as in ``schemas.scorecards``, without ``run_id``.

    Attributes:
        composites: one row per site and period.
        dimensions: one row per site, period and dimension.
        indicators: one row per site, period and indicator, supplementary ones included.
    """

    composites: pl.DataFrame
    dimensions: pl.DataFrame
    indicators: pl.DataFrame


def score(indicators: pl.DataFrame, methodology: Methodology, catalogue: pl.DataFrame) -> Scorecards:
    """Score every site and period.

    A level has a score if everything below it is scored; its interval is what the missing part, from 0 to 100, and the
    estimated part allow.

    Args:
        indicators: rows of ``indicators.all``.
        methodology: how to score.
        catalogue: ``reference.indicators``, at least indicator, unit, better and origin.

    Raises:
        MethodologyMismatch: the methodology does not fit the catalogue or the rows.
    """
    require_fit(indicators, methodology, catalogue)
    periods = indicators.select("site_id", "period", "period_kind", "period_start", "period_end").unique().sort(_ORDER)
    judged = judge(indicators, methodology)
    of_indicators = Interval(*(_matrix(judged, column, methodology) for column in ("score", "score_low", "score_high")))
    of_dimensions = _of_dimensions(of_indicators, methodology)
    return Scorecards(
        composites=_composites(periods, judged, of_dimensions, methodology),
        dimensions=_dimensions(periods, of_indicators, of_dimensions, methodology),
        indicators=_indicators(indicators, judged, methodology, catalogue),
    )


def _matrix(judged: pl.DataFrame, column: str, methodology: Methodology) -> NDArray[Any]:
    """Site-periods × indicators; ``judged`` has each indicator once per site and period, in order."""
    return judged[column].to_numpy().reshape(-1, len(methodology.indicators))


def _members(methodology: Methodology) -> Iterator[tuple[Dimension, slice]]:
    """Each dimension and where its indicators stand among all."""
    start = 0
    for dimension in methodology.dimensions:
        end = start + len(dimension.indicators)
        yield dimension, slice(start, end)
        start = end


def _of_dimensions(of_indicators: Interval, methodology: Methodology) -> Interval:
    how = methodology.of_indicators
    return Interval.side_by_side(
        [
            of_indicators.members(members).mean([i.weight for i in dimension.indicators], how)
            for dimension, members in _members(methodology)
        ]
    )


def _composites(
    periods: pl.DataFrame, judged: pl.DataFrame, of_dimensions: Interval, methodology: Methodology
) -> pl.DataFrame:
    composite = of_dimensions.mean([d.weight for d in methodology.dimensions], methodology.of_dimensions)
    weights = _weights_in_composite(methodology)
    coverage = as_values(_matrix(judged, "coverage", methodology))
    indicators_scored = _matrix(judged, "is_scored", methodology).sum(axis=1)
    is_firm = (pl.col("is_scored") & pl.col("evidence_class").is_in(list(FIRM_EVIDENCE))).fill_null(False)
    counts_as_firm = _matrix(judged.with_columns(is_firm=is_firm), "is_firm", methodology)
    weakest = _weakest_evidence(judged)
    frame = periods.with_columns(
        methodology=pl.lit(methodology.methodology),
        methodology_hash=pl.lit(methodology.hash),
        **composite.columns(),
        **_grades(composite, indicators_scored, methodology),
        indicators_scored=pl.Series(indicators_scored),
        indicators_total=pl.lit(len(methodology.indicators)),
        coverage=pl.Series(weighted_coverage(weights, coverage)),
        evaluability=pl.Series(evaluability(weights, counts_as_firm, coverage)),
        evidence_class=weakest,
        is_simulated=(weakest == EVIDENCE_CLASSES[-1]).fill_null(False),
    )
    return _in_columns_of(COMPOSITES, frame)


def _weights_in_composite(methodology: Methodology) -> Values:
    """Share of each indicator in the composite; the shares sum to 1."""
    total = sum(dimension.weight for dimension in methodology.dimensions)
    return as_values(
        [
            dimension.weight / total * indicator.weight / sum(i.weight for i in dimension.indicators)
            for dimension in methodology.dimensions
            for indicator in dimension.indicators
        ]
    )


def _weakest_evidence(judged: pl.DataFrame) -> pl.Series:
    """Weakest kind of evidence that any scored indicator rests on, per site and period; null where none is scored."""
    strongest_first = pl.Enum(EVIDENCE_CLASSES)
    return (
        judged.group_by("site_id", "period", maintain_order=True)
        .agg(pl.col("evidence_class").cast(strongest_first).filter(pl.col("is_scored")).max())
        .get_column("evidence_class")
        .cast(pl.String)
    )


def _grades(
    composite: Interval, indicators_scored: NDArray[np.int64], methodology: Methodology
) -> dict[str, pl.Series]:
    """Grades of the intervals; none where nothing is scored, because there is nothing to grade."""
    bands = methodology.grades
    intervals = [
        (low, high) if scored else None
        for low, high, scored in zip(composite.low, composite.high, indicators_scored, strict=True)
    ]
    grades = {
        "grade": [interval and grade_of_interval(*interval, bands) for interval in intervals],
        "grade_low": [interval and grade(interval[0], bands) for interval in intervals],
        "grade_high": [interval and grade(interval[1], bands) for interval in intervals],
    }
    return {name: pl.Series(column, dtype=pl.String) for name, column in grades.items()}


def _dimensions(
    periods: pl.DataFrame, of_indicators: Interval, of_dimensions: Interval, methodology: Methodology
) -> pl.DataFrame:
    is_scored = ~np.isnan(of_indicators.score)
    frames = [
        periods.with_columns(
            dimension=pl.lit(dimension.dimension),
            position=pl.lit(position + 1),
            weight=pl.lit(dimension.weight),
            **of_dimensions.members(position).columns(),
            indicators_scored=pl.Series(is_scored[:, members].sum(axis=1)),
            indicators_total=pl.lit(len(dimension.indicators)),
        )
        for position, (dimension, members) in enumerate(_members(methodology))
    ]
    return _in_columns_of(DIMENSIONS, pl.concat(frames).sort(*_ORDER, "position"))


def _indicators(
    indicators: pl.DataFrame, judged: pl.DataFrame, methodology: Methodology, catalogue: pl.DataFrame
) -> pl.DataFrame:
    """Scored indicators in the order of the methodology, then the supplementary ones."""
    supplementary = indicators.join(_supplementary(methodology, catalogue), on="indicator").with_columns(
        is_scored=False
    )
    frame = (
        pl.concat([judged, supplementary], how="diagonal")
        .drop("numerator", "denominator", "unit")
        .rename({"window_numerator": "numerator", "window_denominator": "denominator"})
        .join(catalogue.select("indicator", "unit", "better", "origin"), on="indicator", how="left")
    )
    return _in_columns_of(SCORED_INDICATORS, frame.sort(*_ORDER, "position"))


def _supplementary(methodology: Methodology, catalogue: pl.DataFrame) -> pl.DataFrame:
    """Indicators that are not scored and their positions: those the methodology names, then the others by name."""
    scored = [indicator.indicator for indicator in methodology.indicators]
    others = sorted(set(catalogue["indicator"]) - {*scored, *methodology.supplementary})
    names = pl.DataFrame({"indicator": [*methodology.supplementary, *others]}, schema={"indicator": pl.String})
    return names.with_row_index("position", offset=len(scored) + 1)


def _in_columns_of(contract: Contract, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in contract.dtypes().items() if name != "run_id")
