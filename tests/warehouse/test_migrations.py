"""Renamed tables and columns: rows stay, old snapshots keep their names, and all is read by the names of today."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.schemas.contract import Column, Contract
from suanheng.transforms.building.tables import make_tables, tables_of_contracts
from suanheng.warehouse import migrations
from suanheng.warehouse.adoption import adopt
from suanheng.warehouse.errors import NewerWarehouse
from suanheng.warehouse.lake import Lake, reading, writing
from suanheng.warehouse.migrations import MIGRATIONS, Migration
from suanheng.warehouse.tables import columns_of_tables, make_stages, make_table, migrate
from tests.warehouse.conftest import Postgres

pytestmark = pytest.mark.usefixtures("warehouses_made_anew")

BEFORE = {
    "ops.notes": Contract("notes", "one note", columns={"told": Column(pl.String, "What was stated.")}),
    "rollups.sums": Contract(
        "sums",
        "one sum",
        columns={"hour": Column(pl.Int64, "Hour."), "lump": Column(pl.Int64, "Energy.", unit="J")},
    ),
}
FIRST = (
    Migration("2.0.0", "rollups.hourly", "rollups.sums", {"lump": "energy_j"}),
    Migration("2.0.0", "ops.notes", columns={"told": "stated"}),
)
SECOND = (*FIRST, Migration("3.0.0", "rollups.hourly_sums", "rollups.hourly", {"energy_j": "total_j"}))
AFTER = {
    "ops.notes": Contract("notes", "one note", columns={"stated": Column(pl.String, "What was stated.")}),
    "rollups.hourly_sums": Contract(
        "hourly_sums",
        "one hour",
        columns={"hour": Column(pl.Int64, "Hour."), "total_j": Column(pl.Int64, "Sum.", unit="J")},
    ),
}
SUMS = "SELECT hour, total_j FROM rollups.hourly_sums ORDER BY hour"
NOTES = "SELECT stated FROM ops.notes ORDER BY ALL"


def old_warehouse(root: Path, settings: str = "") -> Workspace:
    """A warehouse from before all migrations: rows in files, in an added file and in the catalogue itself."""
    (root / "suanheng.toml").write_text(settings, encoding="utf-8")
    workspace = open_workspace(root)
    pl.DataFrame({"hour": [3], "lump": [30]}).write_parquet(root / "added.parquet")
    with writing(workspace) as lake:
        make_stages(lake)
        for table, contract in BEFORE.items():
            make_table(lake, table, contract, ())
        lake.execute("DELETE FROM rollups.sums")
        lake.execute("COMMENT ON COLUMN rollups.sums.hour IS 'Hour.'")
        lake.insert("rollups.sums", pl.DataFrame({"hour": [1, 2], "lump": [10, 20]}))
        lake.insert("ops.notes", pl.DataFrame({"told": ["a", "b"]}))
        with lake.transaction("adopt"):
            adopt(lake, "rollups.sums", root / "added.parquet", {})
    return workspace


@pytest.fixture
def old(tmp_path: Path, knowing: Callable[..., None]) -> Workspace:
    """Such a warehouse, and a version that knows two renamed tables, one of them renamed twice."""
    workspace = old_warehouse(tmp_path)
    knowing(*SECOND)
    return workspace


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``knowing(*migrations)``: the version that is tested knows these and no other."""
    return lambda *known: monkeypatch.setattr(migrations, "MIGRATIONS", known)


def assert_read_by_todays_names(lake: Lake) -> None:
    assert lake.frame(SUMS).rows() == [(1, 10), (2, 20), (3, 30)]
    assert lake.frame(NOTES).rows() == [("a",), ("b",)]
    assert lake.value("SELECT count(snapshot_id) FROM ops.notes") == 2
    there = columns_of_tables(lake)
    assert (there["rollups.hourly_sums"][:2], there["ops.notes"][:1]) == (["hour", "total_j"], ["stated"])


def snapshot(workspace: Workspace) -> int:
    with reading(workspace) as lake:
        return lake.value("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")


def test_an_old_warehouse_is_read_by_the_names_of_today_and_not_changed(old: Workspace) -> None:
    before = snapshot(old)
    with reading(old) as lake:
        assert_read_by_todays_names(lake)
        with lake.naming_tables_of("memory"):
            assert lake.frame(f"FROM {lake.place('rollups.hourly_sums')}").height == 3
        assert lake.value("SELECT count(*) FROM ops.notes") == 2
        assert_read_by_todays_names(lake.beside())
    assert snapshot(old) == before


def test_the_first_to_write_renames_and_rows_added_later_come_beside_the_old_ones(old: Workspace) -> None:
    with writing(old) as lake:
        migrate(lake, AFTER)
        assert_read_by_todays_names(lake)
        assert columns_of_tables(lake).keys() == {"ops.notes", "ops.migrations", "rollups.hourly_sums"}
        lake.insert("rollups.hourly_sums", pl.DataFrame({"hour": [4], "total_j": [40]}))
        lake.execute("DELETE FROM rollups.hourly_sums WHERE total_j = 20")
        lake.execute("UPDATE ops.notes SET stated = 'c' WHERE stated = 'b'")
    with reading(old) as lake:
        assert lake.frame(SUMS).rows() == [(1, 10), (3, 30), (4, 40)]
        assert lake.frame(NOTES).rows() == [("a",), ("c",)]


def test_snapshots_of_every_age_are_read_by_the_names_of_today(old: Workspace, knowing: Callable[..., None]) -> None:
    snapshots = [snapshot(old)]
    for known in (FIRST, SECOND):
        knowing(*known)
        with writing(old) as lake:
            migrate(lake, AFTER)
        snapshots.append(snapshot(old))
    assert snapshots == sorted(set(snapshots))
    for number in snapshots:
        with reading(old, number) as lake:
            assert_read_by_todays_names(lake)


def test_a_warehouse_on_a_server_is_upgraded_as_well(
    tmp_path: Path, postgres: Postgres, knowing: Callable[..., None]
) -> None:
    postgres.make("upgraded")
    old = old_warehouse(tmp_path, f'[warehouse]\ncatalog = "postgres:{postgres.address("upgraded")}"\n')
    knowing(*SECOND)
    before = snapshot(old)
    with writing(old) as lake:
        migrate(lake, AFTER)
        assert_read_by_todays_names(lake)
    for number in (before, snapshot(old)):
        with reading(old, number) as lake:
            assert_read_by_todays_names(lake)


def test_comments_say_what_contracts_say_now(old: Workspace) -> None:
    with writing(old) as lake:
        migrate(lake, AFTER)
        table = "SELECT comment FROM duckdb_tables() WHERE table_name = 'hourly_sums'"
        columns = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name IN ('hourly_sums', 'notes')"
        assert lake.value(table) == "One row is one hour."
        comments = {"hour": "Hour.", "total_j": "Sum. [J]", "stated": "What was stated."}
        assert dict(lake.frame(columns).iter_rows()) == comments


def test_an_upgrade_is_done_once_and_entered(old: Workspace) -> None:
    with writing(old, "upgrade") as lake:
        migrate(lake, AFTER)
        done = snapshot(old)
        migrate(lake, AFTER)
    assert snapshot(old) == done
    with reading(old) as lake:
        entered = lake.frame("SELECT name, run_id FROM ops.migrations").rows()
    names = ["2.0.0 rollups.hourly", "2.0.0 ops.notes", "3.0.0 rollups.hourly_sums"]
    assert entered == [(name, "upgrade") for name in names]


def test_an_upgrade_that_is_interrupted_has_not_begun(old: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    before = snapshot(old)
    with writing(old) as lake, monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(lake, "insert", die)
        migrate(lake, AFTER)
    assert snapshot(old) == before
    with reading(old) as lake:
        assert_read_by_todays_names(lake)


def test_what_was_never_there_is_not_renamed(old: Workspace, knowing: Callable[..., None]) -> None:
    knowing(
        Migration("2.0.0", "rollups.new", "rollups.older", {"a": "b"}), Migration("2.0.0", "ops.notes", "", {"x": "y"})
    )
    with reading(old) as lake:
        assert lake.frame("SELECT told FROM ops.notes").height == 2
    with writing(old) as lake:
        migrate(lake, BEFORE)
        assert columns_of_tables(lake)["ops.notes"] == ["told"]
        assert "rollups.new" not in columns_of_tables(lake)


def test_an_older_version_refuses_what_a_newer_one_renamed(old: Workspace, knowing: Callable[..., None]) -> None:
    with writing(old) as lake:
        migrate(lake, AFTER)
    knowing(*FIRST)
    with pytest.raises(NewerWarehouse, match=r"3\.0\.0 rollups\.hourly_sums.*put back the copy"), reading(old):
        pass
    with writing(old) as lake, pytest.raises(NewerWarehouse):
        make_tables(lake)


def test_migrations_lead_to_the_names_that_contracts_have() -> None:
    contracts, latest = tables_of_contracts(), {}
    for migration in MIGRATIONS:
        columns = latest.pop(migration.before, set())
        latest[migration.table] = (columns - migration.columns.keys()) | set(migration.columns.values())
        assert migration.before == migration.table or migration.before not in contracts
    for table, columns in latest.items():
        assert columns <= contracts[table].columns.keys(), table
    assert len({migration.name for migration in MIGRATIONS}) == len(MIGRATIONS)
