"""Builds one quarter of one site: rollups, indicators, scores, in one transaction or not at all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.schemas.scorecards import SCORECARDS
from suanheng.transforms.recipes import Recipe, counting_modules, in_build_order, recipes, recipes_hash
from suanheng.transforms.scoring.explanation import explain_periods
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.scorecard import score
from suanheng.transforms.spine import Scope, add_months
from suanheng.transforms.staleness import Stale
from suanheng.transforms.workbench import NOWHERE, Workbench
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import begin_statistics, columns_of_tables, finish_tables, quoted

_SCORED = ("composites", "dimensions", "indicators")
_TABLES_OF_CLOSING_PERIODS = (
    'indicators."all"',
    "scorecards.explanations",
    *(f"scorecards.{name}" for name in _SCORED),
)

# Periods that are built with a scope: those whose last month lies in it, or all that overlap it, or these and those
# that end where it starts, where a month is held against the month after it.
_CLOSING = "closing_month >= getvariable('period_start') AND closing_month < getvariable('period_end')"
_OVERLAPPING = "period_end > getvariable('period_start') AND period_start < getvariable('period_end')"
_OVERLAPPING_OR_BEFORE = "period_end >= getvariable('period_start') AND period_start < getvariable('period_end')"

_PERIODS_BEFORE = """
    WITH pairs AS (
        SELECT earlier.site_id, earlier.period, later.period AS next_period
        FROM (SELECT * FROM reference.site_periods WHERE {periods}) AS later
        JOIN reference.site_periods AS earlier USING (site_id, period_kind)
        JOIN scorecards.composites AS scored ON scored.site_id = earlier.site_id AND scored.period = earlier.period
        WHERE earlier.period_end = later.period_start AND scored.methodology_hash = ?
    )
    SELECT indicators.*, next_period FROM indicators."all" AS indicators JOIN pairs USING (site_id, period)
"""
"""Indicators of the periods of the same kind right before those of a scope, scored with the same methodology."""


def indicator_recipes() -> list[Recipe]:
    """Recipes of the indicators, by dimension and name; the fill that joins them to the spine is not one."""
    return [recipe for recipe in recipes("indicators") if recipe.folder]


def fill() -> Recipe:
    """The recipe that joins the facts of all indicators to the spine."""
    return next(recipe for recipe in recipes("indicators") if not recipe.folder)


def catalogue() -> pl.DataFrame:
    """One row per indicator, from the headers of the recipes: what it is, its unit and its source."""
    rows = []
    for recipe in indicator_recipes():
        name_en, _, name_zh = recipe.header.get("name", recipe.name).partition(" | ")
        header = recipe.header
        rows.append(
            {
                "indicator": recipe.name,
                "dimension": None if recipe.folder == "supplementary" else recipe.folder,
                "name_en": name_en,
                "name_zh": name_zh or name_en,
                **{key: header.get(key) for key in ("formula", "unit", "better", "origin", "source", "gap")},
                "window": header.get("window", "period"),
                "recipe": recipe.shown_path,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"dimension": pl.String})


def indicator_views() -> dict[str, str]:
    """Statements that make one view per indicator over the table of all, by ``stage.view``."""
    return {
        f"indicators.{recipe.name}": f'CREATE VIEW indicators."{recipe.name}" AS '
        f"SELECT * FROM indicators.\"all\" WHERE indicator = '{recipe.name}'"
        for recipe in indicator_recipes()
    }


def laid_out_for_nobody(lake: Lake) -> Workbench:
    """A bench on which the rollups lie without rows: they tell their columns."""
    bench = Workbench(lake)
    bench.make(in_build_order("rollups"), [], NOWHERE)
    return bench


def make_rollup_tables(lake: Lake, bench: Workbench, run_id: str, author: str) -> None:
    """Make the tables of the rollups as they lie on a bench, without rows; anew where a recipe gives other columns."""
    there, now = columns_of_tables(lake), columns_of_tables(lake, bench.name)
    others = [recipe for recipe in in_build_order("rollups") if there.get(recipe.table) != now[recipe.table]]
    if others:
        with lake.transaction(author, f"{run_id}: rollup tables"):
            for recipe in others:
                lake.execute(f"DROP TABLE IF EXISTS {recipe.table}")
                lake.execute(f"CREATE TABLE {recipe.table} AS FROM {bench.name}.{recipe.table} LIMIT 0")
                lake.execute(f"COMMENT ON TABLE {recipe.table} IS {quoted(recipe.one_row_is)}")
                begin_statistics(lake, recipe.table, now[recipe.table][0])
    finish_tables(lake, first_columns_of_rollups(), author, f"{run_id}: rollup tables are ready")


def first_columns_of_rollups() -> dict[str, str]:
    """What the first column of each rollup means, by its table."""
    return {recipe.table: "Site." for recipe in recipes("rollups")}


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
        *(recipe.table for recipe in recipes("rollups") if recipe.table in there),
    ):
        lake.execute(f"DELETE FROM {table} WHERE {months}")
    for table in ('indicators."all"', "indicators.period_facts", *(f"scorecards.{name}" for name in SCORECARDS)):
        lake.execute(f"DELETE FROM {table} WHERE {periods} OR {unbuilt}")


@dataclass(frozen=True)
class Computed:
    """A quarter that lies on a bench, computed and not yet written."""

    bench: Workbench
    variables: Mapping[str, Any]


def compute(lake: Lake, bench: Workbench, scope: Scope, now: datetime) -> Computed:
    """Run the rollups and indicators of a quarter on a bench; the warehouse is only read."""
    bench.lay_out(scope.site_id)
    variables = scope_variables(lake, scope, now)
    bench.make(in_build_order("rollups"), indicator_recipes(), variables)
    return Computed(bench, variables)


def build(lake: Lake, computed: Computed, stale: Stale, methodology: Methodology, run_id: str, author: str) -> None:
    """Write one computed quarter of one site, and score it.

    Everything the quarter's months, the quarter itself and, at the end of a year, the year hold is replaced together:
    a reader sees all of it before or all of it after. On failure everything stays as it was. Quarters that look back
    on this one are outdated by it: they are stale until they are built after it, in this run or the next.
    """
    scope, bench = stale.scope, computed.bench.name
    lake.set_variables(computed.variables)
    place = [scope.site_id, scope.start]
    with lake.transaction(author, f"{run_id}: build {scope.title}"):
        left = _forget(lake, scope)
        filled = [table for table in _tables_of_months() if lake.value(f"SELECT count(*) FROM {bench}.{table}")]
        for table in filled:
            lake.execute(f"INSERT INTO {table} BY NAME FROM {bench}.{table}")
        lake.execute(f"INSERT INTO indicators.period_facts BY NAME FROM {bench}.indicators.period_facts")
        lake.execute(f'INSERT INTO indicators."all" BY NAME {fill().query}')
        _score(lake, methodology, run_id)
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
                run_id,
            ],
        )


def built_by(lake: Lake, run_id: str | None = None) -> set[Scope]:
    """Quarters that were last built by a run; by any where none is named."""
    query = "SELECT site_id, quarter_start FROM ops.builds WHERE coalesce(run_id = ?, true)"
    return {Scope(site_id, start, add_months(start, 3)) for site_id, start in lake.frame(query, [run_id]).iter_rows()}


def scope_variables(lake: Lake, scope: Scope, now: datetime) -> dict[str, Any]:
    """What the recipes of a scope read with ``getvariable``."""
    zone = ZoneInfo(lake.value("SELECT time_zone FROM reference.sites WHERE site_id = ?", [scope.site_id]))
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
    }


def _forget(lake: Lake, scope: Scope) -> list[str]:
    """Remove what a quarter will replace; tables that still hold rows of it, because no recipe makes them any more.

    What was never built has left nothing, and to look for it takes long.

    Months belong to one quarter. A period may have been filled by another one, as a year by each that was its last one
    so far.
    """
    builds = dict(lake.frame("SELECT quarter_start, filled FROM ops.builds WHERE site_id = ?", [scope.site_id]).rows())
    going: list[tuple[str, str]] = []
    made, filled = _tables_of_months(), builds.get(scope.start)
    if scope.start in builds:
        months = "month_start >= getvariable('period_start') AND month_start < getvariable('period_end')"
        going += [(table, months) for table in made if filled is None or table in filled]
        going += [("ops.builds", "quarter_start = getvariable('period_start')")]
    if builds:
        going += [(table, _periods(_CLOSING)) for table in _TABLES_OF_CLOSING_PERIODS]
        going += [("indicators.period_facts", _periods(_OVERLAPPING))]
        going += [
            (recipe.table, _periods(_OVERLAPPING_OR_BEFORE if "rebuilds" in recipe.header else _OVERLAPPING))
            for recipe in recipes("scorecards")
        ]
    for table, which in going:
        lake.execute(f"DELETE FROM {table} WHERE site_id = getvariable('site_id') AND {which}")
    return [table for table in filled or () if table not in made]


def _tables_of_months() -> list[str]:
    return [*(recipe.table for recipe in in_build_order("rollups")), "indicators.monthly_facts"]


def _periods(which: str) -> str:
    return f"period IN (SELECT period FROM reference.site_periods WHERE site_id = getvariable('site_id') AND {which})"


def _score(lake: Lake, methodology: Methodology, run_id: str) -> None:
    periods = f"site_id = getvariable('site_id') AND {_periods(_CLOSING)}"
    indicators = lake.frame(f'SELECT * FROM indicators."all" WHERE {periods}')
    scorecards = score(indicators, methodology, lake.frame("SELECT * FROM reference.indicators"))
    for table in _SCORED:
        rows = getattr(scorecards, table)
        if "run_id" in SCORECARDS[table].columns:
            rows = rows.with_columns(run_id=pl.lit(run_id))
        lake.insert(f"scorecards.{table}", rows.select(list(SCORECARDS[table].columns)))
    before = lake.frame(_PERIODS_BEFORE.format(periods=periods), [methodology.hash])
    explanations = explain_periods(judge(indicators, methodology), judge(before, methodology), methodology)
    lake.insert("scorecards.explanations", explanations)


def code_hash() -> str:
    """Hash of the recipes, the sums of samples and the scoring code: what turns staged rows into numbers."""
    code = b"".join(path.read_bytes() for path in counting_modules())
    return hashlib.sha256(repr((recipes_hash(), code)).encode()).hexdigest()
