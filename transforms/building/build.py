"""Builds one quarter of one site: rollups, indicators, scores, in one transaction or not at all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.config import fingerprints
from suanheng.schemas.tables.scorecards import SCORECARDS
from suanheng.transforms.analysis.score_changes import explain_periods
from suanheng.transforms.building.periods import Scope, add_months
from suanheng.transforms.building.scratch import EMPTY_SCOPE, ScratchDatabase
from suanheng.transforms.building.staleness import Stale
from suanheng.transforms.definitions.catalogue import fill, indicator_recipes
from suanheng.transforms.definitions.recipes import in_build_order, kept_rollups, recipes, recipes_hash
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import CarbonChoices, Methodology
from suanheng.transforms.scoring.scorecard import score
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import (
    begin_statistics,
    columns_of_tables,
    finish_tables,
    quoted,
    selects_of_views,
)

_SCORED = ("composites", "dimensions", "indicators")
_OF_PERIODS = "site_id = ? AND list_contains(?, period)"
_TABLES_OF_CLOSING_PERIODS = (
    'indicators."all"',
    "scorecards.explanations",
    *(f"scorecards.{name}" for name in _SCORED),
)


def empty_rollups(lake: Lake) -> ScratchDatabase:
    """A scratch database on which the rollups are without rows: they state their columns."""
    scratch = ScratchDatabase(lake)
    scratch.make(in_build_order("rollups"), [], EMPTY_SCOPE)
    return scratch


def make_rollup_tables(lake: Lake, scratch: ScratchDatabase) -> None:
    """Make the rollups as they are in a scratch database, tables without rows; anew where a recipe gives other columns.

    A view is also made anew where its recipe selects something else, and a rollup that was a table and is a view now,
    or the other way round, is what its recipe says. What a table held is gone then: a quarter is built anew where the
    recipes have changed.
    """
    there, now = columns_of_tables(lake), columns_of_tables(lake, scratch.name)
    selected, selects = selects_of_views(lake), selects_of_views(lake, scratch.name)
    others = [
        recipe
        for recipe in in_build_order("rollups")
        if there.get(recipe.table) != now[recipe.table] or selected.get(recipe.table) != selects.get(recipe.table)
    ]
    if others:
        with lake.transaction("rollup tables"):
            for recipe in others:
                lake.execute(f"DROP {'VIEW' if recipe.table in selected else 'TABLE'} IF EXISTS {recipe.table}")
                if recipe.is_view:
                    lake.execute(f"CREATE VIEW {recipe.table} AS {recipe.query}")
                    lake.execute(f"COMMENT ON VIEW {recipe.table} IS {quoted(recipe.one_row_is)}")
                else:
                    lake.execute(f"CREATE TABLE {recipe.table} AS FROM {scratch.name}.{recipe.table} LIMIT 0")
                    lake.execute(f"COMMENT ON TABLE {recipe.table} IS {quoted(recipe.one_row_is)}")
                    begin_statistics(lake, recipe.table, now[recipe.table][0])
    finish_tables(lake, first_columns_of_rollups())


def has_all_rollups(lake: Lake) -> bool:
    """Whether every rollup is there, as the table or the view that its recipe says."""
    there, selected = columns_of_tables(lake), selects_of_views(lake)
    return all(
        recipe.table in (selected if recipe.is_view else there.keys() - selected.keys())
        for recipe in recipes("rollups")
    )


def first_columns_of_rollups() -> dict[str, str]:
    """What the first column of each rollup means, by its table; of a view nothing is said."""
    return {recipe.table: "Site." for recipe in kept_rollups()}


def forget_beyond_spine(lake: Lake) -> None:
    """Remove what was built for months and periods that no site has any more; all of a site that has no build left."""
    months = "(site_id, month_start) NOT IN (SELECT (site_id, month_start) FROM reference.site_months)"
    periods = "(site_id, period) NOT IN (SELECT (site_id, period) FROM reference.site_periods)"
    unbuilt = "site_id NOT IN (SELECT site_id FROM ops.builds)"
    there = columns_of_tables(lake)
    lake.execute(
        "DELETE FROM ops.builds WHERE (site_id, quarter_start) NOT IN "
        "(SELECT (site_id, date_trunc('quarter', month_start)::DATE) FROM reference.site_months)"
    )
    for table in (
        "indicators.monthly_facts",
        *(recipe.table for recipe in kept_rollups() if recipe.table in there),
    ):
        lake.execute(f"DELETE FROM {table} WHERE {months}")
    for table in ('indicators."all"', "indicators.period_facts", *(f"scorecards.{name}" for name in SCORECARDS)):
        lake.execute(f"DELETE FROM {table} WHERE {periods} OR {unbuilt}")


@dataclass(frozen=True)
class Computed:
    """A quarter that is in a scratch database, computed and not yet written."""

    scratch: ScratchDatabase
    variables: Mapping[str, Any]


def compute(lake: Lake, scratch: ScratchDatabase, scope: Scope, now: datetime, choices: CarbonChoices) -> Computed:
    """Run the rollups and indicators of a quarter in a scratch database; the warehouse is only read."""
    scratch.lay_out(scope.site_id)
    variables = scope_variables(lake, scope, now, choices)
    scratch.make(in_build_order("rollups"), indicator_recipes(), variables)
    return Computed(scratch, variables)


def build(lake: Lake, computed: Computed, stale: Stale, methodology: Methodology) -> None:
    """Write one computed quarter of one site, and score it.

    Everything the quarter's months, the quarter itself and, at the end of a year, the year hold is replaced together:
    a reader sees all of it before or all of it after. On failure everything stays as it was. Quarters that look back
    on this one are outdated by it: they are stale until they are built after it, in this run or the next.
    """
    scope, scratch = stale.scope, computed.scratch.name
    lake.set_variables(computed.variables)
    place = [scope.site_id, scope.start]
    with lake.transaction(f"build {scope.title}"):
        periods = _periods_of(lake, scope)
        left = _forget(lake, scope, periods)
        filled = [table for table in _tables_of_months() if lake.value(f"SELECT count(*) FROM {scratch}.{table}")]
        for table in filled:
            lake.execute(f"INSERT INTO {table} BY NAME FROM {scratch}.{table}")
        lake.execute(f"INSERT INTO indicators.period_facts BY NAME FROM {scratch}.indicators.period_facts")
        lake.execute(f'INSERT INTO indicators."all" BY NAME {fill().query}')
        _score(lake, scope, periods, methodology)
        for recipe in in_build_order("scorecards"):
            lake.execute(f"INSERT INTO {recipe.table} BY NAME {recipe.query}")
        lake.execute(
            "UPDATE ops.builds SET outdated_by = ? WHERE site_id = ? AND quarter_start > ? AND quarter_start <= ?",
            [scope.name, *place, add_months(scope.start, 12)],
        )
        lake.execute(
            "INSERT INTO ops.builds BY NAME "
            "SELECT ? AS site_id, ? AS quarter_start, ? AS made_from, ? AS from_snapshot, ? AS as_of, ? AS filled, "
            "? AS run_id",
            [
                *place,
                json.dumps(stale.made_from),
                stale.from_snapshot,
                computed.variables["as_of"],
                filled + left,
                lake.run_id,
            ],
        )


def built_by(lake: Lake, run_id: str | None = None) -> set[Scope]:
    """Quarters that were last built by a run; by any where none is named."""
    query = "SELECT site_id, quarter_start FROM ops.builds WHERE coalesce(run_id = ?, true)"
    return {Scope(site_id, start, add_months(start, 3)) for site_id, start in lake.frame(query, [run_id]).iter_rows()}


def scope_variables(lake: Lake, scope: Scope, now: datetime, choices: CarbonChoices) -> dict[str, Any]:
    """What the recipes of a scope read with ``getvariable``."""
    zones = dict(lake.frame("SELECT site_id, time_zone FROM reference.sites").iter_rows())
    zone = ZoneInfo(zones[scope.site_id])
    start, end = (
        datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None) for day in (scope.start, scope.end)
    )
    return {
        "site_id": scope.site_id,
        "period_start": scope.start,
        "period_end": scope.end,
        "start_utc": start,
        "end_utc": end,
        "as_of": now.astimezone(zone).date(),
        **choices.variables,
    }


@dataclass(frozen=True)
class _Periods:
    """Periods of a site, by how they are to a quarter.

    Attributes:
        closing: those whose last month is in it.
        overlapping: those of which any part does.
        touching: these, and those that end where it starts.
        before: those right before a closing one of the same kind, with the ``next_period``.
    """

    closing: list[str]
    overlapping: list[str]
    touching: list[str]
    before: pl.DataFrame


def _periods_of(lake: Lake, scope: Scope) -> _Periods:
    periods = lake.frame("SELECT * FROM reference.site_periods WHERE site_id = ?", [scope.site_id])
    closing = periods.filter(pl.col("closing_month").is_between(scope.start, scope.end, closed="left"))
    touching = periods.filter(pl.col("period_end") >= scope.start, pl.col("period_start") < scope.end)
    later = closing.select("period_kind", period_end="period_start", next_period="period")
    return _Periods(
        closing=closing["period"].to_list(),
        overlapping=touching.filter(pl.col("period_end") > scope.start)["period"].to_list(),
        touching=touching["period"].to_list(),
        before=periods.join(later, on=["period_kind", "period_end"]).select("period", "next_period"),
    )


def _forget(lake: Lake, scope: Scope, periods: _Periods) -> list[str]:
    """Remove what a quarter will replace; tables that still hold rows of it, because no recipe makes them any more.

    What was never built has left nothing, and to look for it takes long.

    Months belong to one quarter. A period may have been filled by another one, as a year by each that was its last one
    so far.
    """
    builds = dict(lake.frame("SELECT quarter_start, filled FROM ops.builds WHERE site_id = ?", [scope.site_id]).rows())
    made, filled = _tables_of_months(), builds.get(scope.start)
    if scope.start in builds:
        of_months = "site_id = ? AND month_start >= ? AND month_start < ?"
        for table in made:
            if filled is None or table in filled:
                lake.execute(f"DELETE FROM {table} WHERE {of_months}", [scope.site_id, scope.start, scope.end])
        lake.execute("DELETE FROM ops.builds WHERE site_id = ? AND quarter_start = ?", [scope.site_id, scope.start])
    if builds:
        going = dict.fromkeys(_TABLES_OF_CLOSING_PERIODS, periods.closing)
        going["indicators.period_facts"] = periods.overlapping
        for recipe in recipes("scorecards"):
            going[recipe.table] = periods.touching if "rebuilds" in recipe.header else periods.overlapping
        for table, names in going.items():
            lake.execute(f"DELETE FROM {table} WHERE {_OF_PERIODS}", [scope.site_id, names])
    return [table for table in filled or () if table not in made]


def _tables_of_months() -> list[str]:
    return [*(recipe.table for recipe in kept_rollups()), "indicators.monthly_facts"]


def _score(lake: Lake, scope: Scope, periods: _Periods, methodology: Methodology) -> None:
    query = f'SELECT * FROM indicators."all" WHERE {_OF_PERIODS}'
    indicators = lake.frame(query, [scope.site_id, periods.closing])
    scorecards = score(indicators, methodology, lake.frame("SELECT * FROM reference.indicators"))
    for table in _SCORED:
        rows = getattr(scorecards, table)
        if "run_id" in SCORECARDS[table].columns:
            rows = rows.with_columns(run_id=pl.lit(lake.run_id))
        lake.insert(f"scorecards.{table}", rows.select(list(SCORECARDS[table].columns)))
    before = lake.frame(query, [scope.site_id, _scored_before(lake, scope, periods, methodology)])
    explanations = explain_periods(
        judge(indicators, methodology), judge(before.join(periods.before, on="period"), methodology), methodology
    )
    lake.insert("scorecards.explanations", explanations)


def _scored_before(lake: Lake, scope: Scope, periods: _Periods, methodology: Methodology) -> list[str]:
    """Periods right before the closing ones that were scored with the same methodology."""
    query = f"SELECT period FROM scorecards.composites WHERE {_OF_PERIODS} AND methodology_hash = ?"
    before = periods.before["period"].to_list()
    return lake.frame(query, [scope.site_id, before, methodology.hash])["period"].to_list()


def code_hash() -> str:
    """SHA-256 of all that turns files into numbers: every recipe, and every module that can change a number."""
    return hashlib.sha256(repr((recipes_hash(), fingerprints.installed().everything())).encode()).hexdigest()
