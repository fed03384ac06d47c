"""The empty warehouse that tests copy is the one that the product makes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.transforms.building.tables import make_tables
from suanheng.warehouse.lake import reading, writing
from tests.empty_warehouse import made_anew

OF_ONE_WAREHOUSE = {
    "ducklake_snapshot": {"snapshot_time"},
    "ducklake_snapshot_changes": {"changes_made"},
    "ducklake_schema": {"schema_uuid"},
    "ducklake_table": {"table_uuid"},
    "ducklake_view": {"view_uuid"},
    "ducklake_data_file": {"path"},
}
"""Columns that differ from warehouse to warehouse: times, names that nobody else has, and a list in no order."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return with_tables(tmp_path_factory.mktemp("copied"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    with made_anew():
        return with_tables(tmp_path_factory.mktemp("made"))


def with_tables(root: Path) -> Workspace:
    (root / "suanheng.toml").touch()
    workspace = open_workspace(root)
    with writing(workspace, "empty") as lake:
        make_tables(lake)
    return workspace


def catalogue_of(workspace: Workspace) -> dict[str, list[str]]:
    """Every row of every table of the catalogue, as text; the place of the workspace is ``here``."""
    with closing(sqlite3.connect(workspace.root / "lake" / "catalog.sqlite")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {table: sorted(_rows(connection, table, str(workspace.root))) for table in tables}


def _rows(connection: sqlite3.Connection, table: str, place: str) -> list[str]:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    same = ", ".join(column for column in columns if column not in OF_ONE_WAREHOUSE.get(table, ()))
    return [repr(row).replace(place, "here") for row in connection.execute(f"SELECT {same} FROM {table}")]


def test_its_catalogue_is_row_by_row_that_of_one_made_anew(copied, made) -> None:
    expected = catalogue_of(made)
    assert sum(map(len, expected.values())) > 10_000
    assert catalogue_of(copied) == expected


def test_its_files_are_those_of_one_made_anew_and_lie_where_the_catalogue_looks_for_them(copied, made) -> None:
    def files(workspace: Workspace) -> list[tuple[str, str, int]]:
        paths = (workspace.root / "lake" / "data").rglob("*.parquet")
        return sorted((path.parent.name, str(pq.read_schema(path)), pq.read_metadata(path).num_rows) for path in paths)

    assert files(copied) == files(made)
    with reading(copied) as lake:
        known = lake.frame("SELECT data_file FROM ducklake_list_files('lake', 'records', schema => 'quarantine')")
    assert known.is_empty()


def test_nothing_is_left_to_make_in_it(copied) -> None:
    with writing(copied, "second") as lake:
        newest = lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
        make_tables(lake)
        assert lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')") == newest
