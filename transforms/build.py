"""Builds one quarter of one site: rollups, indicators, scores, in one transaction or not at all."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import polars as pl

from suanheng.schemas.facts import MONTHLY_FACTS, PERIOD_FACTS
from suanheng.schemas.formats import raw_tables
from suanheng.schemas.indicators import INDICATORS
from suanheng.schemas.scorecards import SCORECARDS
from suanheng.transforms.recipes import FOLDER, Recipe, in_build_order, recipes, recipes_hash
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.scorecard import score
from suanheng.transforms.spine import OPERATION, Scope, add_months
from suanheng.warehouse.lake import Lake
from suanheng.warehouse.tables import columns_of, make_table

_SCORED = ("composites", "dimensions", "indicators")

_NOWHERE = {
    "site_id": "",
    "period_start": date.min,
    "period_end": date.min,
    "start_utc": datetime.min,
    "end_utc": datetime.min,
    "as_of": date.min,
}
"""Variables of a scope that holds nothing: with them a recipe tells its columns."""


def indicator_recipes() -> list[Recipe]:
    """Recipes of the indicators, by dimension and name; the fill that joins them to the spine is not one."""
    return [recipe for recipe in recipes("indicators") if recipe.folder]


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


def make_tables(lake: Lake) -> None:
    """Make the tables right of staged. A rollup whose recipe has other columns now is made anew."""
    for contract in (INDICATORS, MONTHLY_FACTS, PERIOD_FACTS):
        make_table(lake, "indicators", contract)
    for contract in SCORECARDS.values():
        make_table(lake, "scorecards", contract)
    lake.set_variables(_NOWHERE)
    for recipe in in_build_order("rollups"):
        described = lake.frame(f"DESCRIBE {recipe.query}")
        if columns_of(lake, "rollups", recipe.name) != described["column_name"].to_list():
            lake.execute(f"DROP TABLE IF EXISTS {recipe.table}")
            lake.execute(f"CREATE TABLE {recipe.table} AS SELECT * FROM (\n{recipe.query}\n) LIMIT 0")
            lake.execute(f"COMMENT ON TABLE {recipe.table} IS '{recipe.one_row_is.replace(chr(39), chr(39) * 2)}'")
    for recipe in indicator_recipes():
        if not columns_of(lake, "indicators", recipe.name):
            lake.execute(
                f'CREATE VIEW indicators."{recipe.name}" AS SELECT * FROM indicators."all" WHERE indicator = \'{recipe.name}\''
            )


def stale_scopes(
    lake: Lake, scopes: Iterable[Scope], methodology: Methodology, now: datetime, force: bool = False
) -> list[tuple[Scope, str]]:
    """Scopes whose fingerprint differs from the one they were last built with, each with its new fingerprint.

    With ``force`` every scope counts as stale.
    """
    query = "SELECT site_id, quarter_start, fingerprint FROM ops.builds"
    built = {(site_id, start): fingerprint for site_id, start, fingerprint in lake.frame(query).iter_rows()}
    made_with = _made_with(lake, methodology)
    wanted = [(scope, _fingerprint(lake, scope, made_with, now)) for scope in scopes]
    return [
        (scope, fingerprint)
        for scope, fingerprint in wanted
        if force or built.get((scope.site_id, scope.start)) != fingerprint
    ]


def build(
    lake: Lake, scope: Scope, fingerprint: str, methodology: Methodology, now: datetime, run_id: str, author: str
) -> None:
    """Build one quarter of one site.

    Everything the quarter's months, the quarter itself and, at the end of a year, the year hold is replaced together:
    a reader sees all of it before or all of it after. On failure everything stays as it was.
    """
    lake.set_variables(_variables(lake, scope, now))
    with lake.transaction(author, f"{run_id}: build {scope.site_id} {scope.name}"):
        for recipe in in_build_order("rollups"):
            _replace_months(lake, recipe.table, scope, recipe.query)
        _collect_facts(lake, scope)
        fill = next(recipe for recipe in recipes("indicators") if not recipe.folder)
        _replace_periods(lake, 'indicators."all"', scope, fill.query, closing=True)
        _score(lake, scope, methodology, run_id)
        for recipe in in_build_order("scorecards"):
            _replace_periods(lake, recipe.table, scope, recipe.query, closing=False)
        lake.execute("DELETE FROM ops.builds WHERE site_id = ? AND quarter_start = ?", [scope.site_id, scope.start])
        lake.execute(
            "INSERT INTO ops.builds BY NAME SELECT ? AS site_id, ? AS quarter_start, ? AS fingerprint, ? AS run_id",
            [scope.site_id, scope.start, fingerprint, run_id],
        )


def _variables(lake: Lake, scope: Scope, now: datetime) -> dict:
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


def _replace_months(lake: Lake, table: str, scope: Scope, query: str) -> None:
    lake.execute(
        f"DELETE FROM {table} WHERE site_id = ? AND month_start >= ? AND month_start < ?",
        [scope.site_id, scope.start, scope.end],
    )
    lake.execute(f"INSERT INTO {table} BY NAME {query}")


def _collect_facts(lake: Lake, scope: Scope) -> None:
    lake.execute(
        "DELETE FROM indicators.monthly_facts WHERE site_id = ? AND month_start >= ? AND month_start < ?",
        [scope.site_id, scope.start, scope.end],
    )
    lake.execute(f"DELETE FROM indicators.period_facts WHERE {_periods_of(closing=False)}")
    for recipe in indicator_recipes():
        table = "period_facts" if "period" in recipe.header["grain"].split(", ") else "monthly_facts"
        lake.execute(
            f"INSERT INTO indicators.{table} BY NAME SELECT '{recipe.name}' AS indicator, * FROM (\n{recipe.query}\n)"
        )


def _replace_periods(lake: Lake, table: str, scope: Scope, query: str, closing: bool) -> None:
    lake.execute(f"DELETE FROM {table} WHERE {_periods_of(closing)}")
    lake.execute(f"INSERT INTO {table} BY NAME {query}")


def _periods_of(closing: bool) -> str:
    """Periods that are built with the scope: those whose last month lies in it, or all that overlap it."""
    which = (
        "closing_month >= getvariable('period_start') AND closing_month < getvariable('period_end')"
        if closing
        else "period_end > getvariable('period_start') AND period_start < getvariable('period_end')"
    )
    return (
        "site_id = getvariable('site_id') AND period IN "
        f"(SELECT period FROM reference.site_periods WHERE site_id = getvariable('site_id') AND {which})"
    )


def _score(lake: Lake, scope: Scope, methodology: Methodology, run_id: str) -> None:
    periods = _periods_of(closing=True)
    indicators = lake.frame(f'SELECT * FROM indicators."all" WHERE {periods}')
    scorecards = score(indicators, methodology, lake.frame("SELECT * FROM reference.indicators"))
    for table in _SCORED:
        rows = getattr(scorecards, table)
        if "run_id" in SCORECARDS[table].columns:
            rows = rows.with_columns(run_id=pl.lit(run_id))
        lake.execute(f"DELETE FROM scorecards.{table} WHERE {periods}")
        lake.insert(f"scorecards.{table}", rows.select(list(SCORECARDS[table].columns)))


def _made_with(lake: Lake, methodology: Methodology) -> str:
    """Hash of what every quarter is made with: recipes, scoring code, methodology, reference facts."""
    code = b"".join(path.read_bytes() for path in sorted((FOLDER / "scoring").glob("*.py")))
    facts = lake.frame("SELECT name, content_hash FROM ops.reference_tables ORDER BY name").rows()
    return hashlib.sha256(repr((recipes_hash(), code, methodology.hash, facts)).encode()).hexdigest()


def _fingerprint(lake: Lake, scope: Scope, made_with: str, now: datetime) -> str:
    """Hash of what one quarter is made from. Its indicators look back a year, so files of that year count too."""
    looked_back = add_months(scope.start, -12)
    timed = [table for table, form in raw_tables().items() if set(form.feeds) & set(OPERATION)]
    files = lake.frame(
        "SELECT file_id, raw_table, status FROM ops.files WHERE site_id = ? AND ("
        "NOT list_contains(?, raw_table) OR first_at IS NULL "
        "OR (first_at < ?::TIMESTAMP + INTERVAL 1 DAY AND last_at >= ?::TIMESTAMP - INTERVAL 1 DAY)) ORDER BY ALL",
        [scope.site_id, timed, scope.end, looked_back],
    ).rows()
    stagings = lake.frame(
        "SELECT dataset, recipe_hash FROM ops.stagings WHERE site_id = ? ORDER BY ALL", [scope.site_id]
    ).rows()
    months = lake.frame(
        "SELECT month_start FROM reference.site_months WHERE site_id = ? AND month_start < ? ORDER BY ALL",
        [scope.site_id, scope.end],
    ).rows()
    is_over = now.date() >= scope.end
    year_is_over = now.date() >= date(scope.start.year + 1, 1, 1)
    return hashlib.sha256(repr((made_with, files, stagings, months, is_over, year_is_over)).encode()).hexdigest()
