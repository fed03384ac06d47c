"""Tables are made once and finished, whoever was interrupted in it; only the ledger keep rows in the catalogue."""

import sqlite3
from pathlib import Path

import polars as pl
import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.transforms.building import build, tables
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.definitions.recipes import recipes
from suanheng.warehouse.lake import Lake, reading, writing
from suanheng.warehouse.tables import STAGES, columns_of_tables, selects_of_views

ROWS = "SELECT count(*) FROM {}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "suanheng.toml").write_text("", encoding="utf-8")
    (tmp_path / "sites.toml").write_text("", encoding="utf-8")
    return open_workspace(tmp_path)


def filled(lake: Lake) -> dict[str, int]:
    """Rows of the tables that have any; but for the names it was made with, which are entered at once."""
    tables = columns_of_tables(lake).keys() - {"ops.migrations"}
    counts = {table: lake.value(ROWS.format(_quoted(table))) for table in tables}
    return {table: rows for table, rows in counts.items() if rows}


def _quoted(table: str) -> str:
    stage, name = table.split(".")
    return f'{stage}."{name}"'


def without_meaning(lake: Lake) -> list[str]:
    """Tables whose first column says nothing of what it means."""
    query = (
        "SELECT schema_name || '.' || table_name FROM duckdb_columns() JOIN duckdb_tables() "
        "USING (database_name, schema_name, table_name) "
        "WHERE database_name = 'lake' AND column_index = 1 AND duckdb_columns.comment IS NULL"
    )
    return lake.frame(query).to_series().to_list()


@pytest.mark.usefixtures("warehouses_made_anew")
def test_new_tables_hold_no_row_and_say_what_their_first_column_means(workspace) -> None:
    with writing(workspace) as lake:
        make_tables(lake)
        assert filled(lake) == {}
        assert without_meaning(lake) == []
        assert len(columns_of_tables(lake)) > 100


def test_the_first_column_of_every_rollup_is_the_site_as_its_comment_says(workspace) -> None:
    with writing(workspace) as lake:
        make_tables(lake)
        columns = columns_of_tables(lake)
        assert {columns[recipe.table][0] for recipe in recipes("rollups")} == {"site_id"}


@pytest.mark.parametrize(
    ("rollup", "before"),
    [
        ("site_day", "CREATE TABLE rollups.site_day AS SELECT * FROM was UNION ALL BY NAME SELECT 'a' AS site_id"),
        ("site_day", "CREATE VIEW rollups.site_day AS FROM was"),
        ("site_day", "CREATE VIEW rollups.site_day AS FROM rollups.table_of_another_version"),
        ("activity_month", "CREATE VIEW rollups.activity_month AS FROM was"),
    ],
    ids=[
        "a table that is a view now",
        "a view of something else",
        "a view of what has gone",
        "a view that is a table now",
    ],
)
def test_a_rollup_becomes_the_table_or_view_that_its_recipe_says(workspace, rollup, before) -> None:
    of_the_lake = "table_catalog = 'lake' AND table_schema = 'rollups'"
    kinds = f"SELECT table_name, table_type FROM information_schema.tables WHERE {of_the_lake} ORDER BY 1"
    with writing(workspace) as lake:
        make_tables(lake)
        made, selects = lake.frame(kinds).rows(), selects_of_views(lake)
        lake.execute(f"CREATE TABLE was AS FROM rollups.{rollup}")
        lake.execute("CREATE TABLE rollups.table_of_another_version AS SELECT 'a' AS site_id")
        lake.execute(f"DROP {dict(made)[rollup].removeprefix('BASE ')} rollups.{rollup}")
        lake.execute(before)
        lake.execute("DROP TABLE rollups.table_of_another_version")
        build.make_rollup_tables(lake, build.empty_rollups(lake))
        assert (lake.frame(kinds).rows(), selects_of_views(lake)) == (made, selects)
        assert lake.value(f"SELECT count(*) FROM rollups.{rollup}") == 0
        assert without_meaning(lake) == ["main.was"]


@pytest.mark.parametrize("rollup", ["site_day", "activity_month"])
def test_a_night_sees_that_a_rollup_is_not_what_its_recipe_says(workspace, rollup) -> None:
    with writing(workspace) as lake:
        make_tables(lake)
        assert build.has_all_rollups(lake)
        is_view = f"rollups.{rollup}" in selects_of_views(lake)
        lake.execute(f"CREATE TABLE was AS FROM rollups.{rollup}")
        lake.execute(f"DROP {'VIEW' if is_view else 'TABLE'} rollups.{rollup}")
        assert not build.has_all_rollups(lake)
        lake.execute(f"CREATE {'TABLE' if is_view else 'VIEW'} rollups.{rollup} AS FROM was")
        assert not build.has_all_rollups(lake)
        make_tables(lake)
        assert build.has_all_rollups(lake)


@pytest.mark.long
@pytest.mark.usefixtures("warehouses_made_anew")
def test_whoever_comes_next_finishes_what_was_interrupted(workspace, monkeypatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with writing(workspace) as lake, monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(tables, "finish_tables", die)
        make_tables(lake)
    with writing(workspace) as lake:
        # The row that began their statistics is still there, but in no book.
        begun = filled(lake)
        assert set(begun.values()) == {1}
        assert {table.split(".")[0] for table in begun} >= {"raw", "staged", "reference", "scorecards"}
        assert not [table for table in begun if table.startswith("ops.")]
        make_tables(lake)
        assert filled(lake) == {}
        assert without_meaning(lake) == []


def test_making_them_again_makes_no_snapshot(workspace) -> None:
    with writing(workspace) as lake:
        make_tables(lake)
        before = lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
        make_tables(lake)
        assert lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')") == before


def test_a_new_table_knows_that_its_columns_may_be_null(workspace) -> None:
    # Without statistics DuckLake takes a column that an added file lacks for one without nulls.
    with writing(workspace) as lake:
        make_tables(lake)
    with sqlite3.connect(workspace.catalog.removeprefix("sqlite:")) as catalog:
        query = (
            "SELECT table_id, min(contains_null) FROM ducklake_table_column_stats "
            "JOIN ducklake_column USING (table_id, column_id) WHERE parent_column IS NULL GROUP BY table_id"
        )
        known = dict(catalog.execute(query).fetchall())
        tables = {number for (number,) in catalog.execute("SELECT table_id FROM ducklake_table")}
    assert known == dict.fromkeys(tables, 1)


@pytest.mark.long
@pytest.mark.usefixtures("warehouses_made_anew")
def test_the_books_of_a_warehouse_whose_schemas_are_there_are_kept_in_the_catalogue_too(workspace) -> None:
    with writing(workspace) as lake:
        for stage in STAGES:
            lake.execute(f"CREATE SCHEMA {stage}")
        make_tables(lake)
        query = "SELECT value, scope_entry FROM ducklake_options('lake') WHERE option_name = 'data_inlining_row_limit'"
        assert lake.frame(query).rows() == [("10", "ops")]


def test_rows_lie_in_the_catalogue_only_where_a_run_adds_few_to_its_books(workspace) -> None:
    with writing(workspace) as lake:
        make_tables(lake)
        site = {"name": "sites", "content_hash": "0", "row_count": 1, "run_id": "first"}
        lake.insert("ops.reference_tables", pl.DataFrame([site]))
        lake.insert("rollups.activity_month", pl.DataFrame([{"site_id": "a"}]))
    assert [path.parent.name for path in Path(workspace.data_path).rglob("*.parquet")].count("reference_tables") == 0
    with sqlite3.connect(workspace.catalog.removeprefix("sqlite:")) as catalog:
        query = (
            "SELECT DISTINCT schema_name FROM ducklake_inlined_data_tables JOIN ducklake_table USING (table_id) "
            "JOIN ducklake_schema USING (schema_id)"
        )
        assert catalog.execute(query).fetchall() == [("ops",)]
    with reading(workspace) as lake:
        assert lake.value(ROWS.format("ops.reference_tables")) == 1
        assert lake.value(ROWS.format("rollups.activity_month")) == 1
