"""What a report is made of: rows of ``scorecards.*`` with the names of sites and indicators, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import polars.selectors as cs

from suanheng.config.errors import SuanhengError

Query = Callable[[str], pl.DataFrame]
"""Runs one SELECT and returns its rows."""

Row = dict[str, Any]

_SELECTS = {
    "composites": """
        SELECT site_id, period, period_kind, period_start, period_end, methodology, methodology_hash, score, score_low,
            score_high, grade, grade_low, grade_high, indicators_scored, indicators_total, coverage, evaluability,
            evidence_class, run_id, is_simulated OR EXISTS (
                FROM scorecards.indicators AS shown
                WHERE shown.site_id = composites.site_id AND shown.period = composites.period
                    AND shown.evidence_class = 'simulated'
            ) AS is_simulated
        FROM scorecards.composites AS composites {where} ORDER BY site_id, period_start, period""",
    "dimensions": """
        SELECT site_id, period, dimension, position, weight, score, score_low, score_high, indicators_scored,
            indicators_total
        FROM scorecards.dimensions {where} ORDER BY site_id, period, position, dimension""",
    "indicators": """
        SELECT site_id, period, scored.dimension, indicator, name_zh, name_en, position, is_scored, weight, numerator,
            denominator, value, scored.unit, scored.better, scored.origin, window_start, window_end, goalpost_at_0,
            goalpost_at_100, score, score_low, score_high, coverage, minimum_coverage, evidence_class, status,
            reference_rows, formula, source
        FROM (SELECT * FROM scorecards.indicators {where}) AS scored
        LEFT JOIN reference.indicators USING (indicator)
        ORDER BY site_id, period, position, indicator""",
    "targets": """
        SELECT site_id, period, reference_id, document_zh, document_en, metric, comparator, target_value, unit,
            applies_to, value, is_met, reason
        FROM scorecards.policy_targets {where} ORDER BY site_id, period, reference_id""",
    "reconciliations": """
        SELECT site_id, period, bill_kwh, meter_kwh, device_kwh, unexplained_kwh, unexplained_ratio, status
        FROM scorecards.energy_reconciliation {where} ORDER BY site_id, period""",
    "differences": """
        SELECT site_id, period, month_start, pair, left_kwh, right_kwh, difference_kwh, unexplained_kwh,
            unexplained_ratio, cause
        FROM scorecards.energy_differences {where} ORDER BY site_id, month_start, pair""",
}

_SITES = """
    SELECT site_id, name_zh, name_en, operator, time_zone, region_code, commissioned_on, size_class
    FROM reference.sites ORDER BY site_id"""


class NoScorecard(SuanhengError):
    """Raised when a scorecard is asked for that was never made."""


@dataclass(frozen=True)
class Scorecards:
    """Scorecards as the warehouse holds them: frames with one row per site and period, and finer.

    Attributes:
        sites: one row per site.
        composites: one row per site and period; ``is_simulated`` also where only an unscored indicator is.
        dimensions: one row per site, period and dimension.
        indicators: one row per site, period and indicator, with its name, formula and source.
        targets: one row per site, period and policy target.
        reconciliations: one row per site and period.
        differences: one row per site, month and pair of sides on which electricity is seen.
    """

    sites: pl.DataFrame
    composites: pl.DataFrame
    dimensions: pl.DataFrame
    indicators: pl.DataFrame
    targets: pl.DataFrame
    reconciliations: pl.DataFrame
    differences: pl.DataFrame


@dataclass(frozen=True)
class ScorecardView:
    """One scorecard with all it shows.

    Attributes:
        site: names and place of the site.
        composite: the score, its interval, grade, coverage, evaluability, methodology.
        dimensions: in the methodology's order.
        indicators: those of the five dimensions, by dimension and position, whether scored or withheld.
        supplementary: those that belong to no dimension and enter no score.
        targets: policy targets that apply.
        reconciliation: the energy reconciliation, if one was made.
        differences: months and pairs of sides whose electricity differs, with the likely cause.
        history: composites of the site's periods of the same kind up to this one, oldest first.
        dimension_history: dimensions of the same periods, with their ``period_start``.
    """

    site: Row
    composite: Row
    dimensions: list[Row]
    indicators: list[Row]
    supplementary: list[Row]
    targets: list[Row]
    reconciliation: Row | None
    differences: list[Row]
    history: pl.DataFrame
    dimension_history: pl.DataFrame


def read(query: Query, site_id: str | None = None, period: str | None = None) -> Scorecards:
    """Read scorecards: all, those of one site, or those of one period."""
    wanted = {"site_id": site_id, "period": period}
    conditions = [f"{column} = {_literal(value)}" for column, value in wanted.items() if value is not None]
    where = "WHERE " + " AND ".join(conditions) if conditions else ""
    frames = {name: _only_numbers(query(select.format(where=where))) for name, select in _SELECTS.items()}
    return Scorecards(sites=query(_SITES), **frames)


def load(query: Query, site_id: str, period: str) -> ScorecardView:
    """Read one scorecard and the earlier periods of its site.

    Raises:
        NoScorecard: there is none for this site and period.
    """
    return view(read(query, site_id), site_id, period)


def view(scorecards: Scorecards, site_id: str, period: str) -> ScorecardView:
    """Pick one scorecard out of those read.

    Raises:
        NoScorecard: there is none for this site and period.
    """
    composites = scorecards.composites.filter(site_id=site_id)
    here = composites.filter(period=period).rows(named=True)
    if not here:
        known = ", ".join(composites["period"].to_list()) or "none"
        raise NoScorecard(
            f"There is no scorecard for site {site_id!r} and period {period!r}. "
            f"Periods with a scorecard: {known}. Make it with: suanheng backfill."
        )
    composite = here[0]
    history = composites.filter(
        pl.col("period_kind") == composite["period_kind"], pl.col("period_start") <= composite["period_start"]
    )
    dimensions = scorecards.dimensions.filter(site_id=site_id)
    dimensions_here = dimensions.filter(period=period)
    indicators = scorecards.indicators.filter(site_id=site_id, period=period).join(
        dimensions_here.select("dimension", dimension_position="position"), on="dimension", how="left"
    )
    return ScorecardView(
        site=site_of(scorecards, site_id),
        composite=composite,
        dimensions=dimensions_here.rows(named=True),
        indicators=indicators.filter(pl.col("dimension").is_not_null())
        .sort("dimension_position", "position", "indicator", nulls_last=True)
        .rows(named=True),
        supplementary=indicators.filter(pl.col("dimension").is_null()).rows(named=True),
        targets=scorecards.targets.filter(site_id=site_id, period=period).rows(named=True),
        reconciliation=next(
            iter(scorecards.reconciliations.filter(site_id=site_id, period=period).rows(named=True)), None
        ),
        differences=scorecards.differences.filter(
            pl.col("site_id") == site_id,
            pl.col("month_start").is_between(composite["period_start"], composite["period_end"], closed="left"),
            pl.col("cause") != "none",
        ).rows(named=True),
        history=history,
        dimension_history=dimensions.join(history.select("period", "period_start"), on="period").sort("period_start"),
    )


def site_of(scorecards: Scorecards, site_id: str) -> Row:
    """Return a site's names and place; a site that is no longer listed is known by its identifier alone."""
    listed = scorecards.sites.filter(site_id=site_id).rows(named=True)
    return listed[0] if listed else {**dict.fromkeys(scorecards.sites.columns), "site_id": site_id}


def _literal(text: str) -> str:
    """Quote text for SQL; in a plain DuckDB string the quote is the only character with a meaning."""
    return "'" + text.replace("'", "''") + "'"


def _only_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn NaN and infinity into unknown: neither JSON nor a spreadsheet can hold them, and neither is a result."""
    return frame.with_columns(pl.when(cs.float().is_finite()).then(cs.float()).name.keep())
