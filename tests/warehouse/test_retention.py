"""Keeping the warehouse small: what a killed run left behind goes, what is being written stays."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.warehouse.errors import NoWarehouse
from suanheng.warehouse.lake import writing
from suanheng.warehouse.retention import STRAY_AFTER, expire, expire_unpublished

DIES_BEFORE_ITS_COMMIT = """
import os, signal, sys
from pathlib import Path
from suanheng.config.workspace import open_workspace
from suanheng.warehouse.lake import writing
with writing(open_workspace(Path(sys.argv[1]))) as lake:
    lake.execute("BEGIN")
    lake.execute("INSERT INTO numbers SELECT range FROM range(50)")
    os.kill(os.getpid(), signal.SIGKILL)
"""
LONG_AGO = (datetime.now(UTC) - STRAY_AFTER - timedelta(hours=1)).timestamp()


@pytest.fixture
def workspace(tmp_path: Path, warehouses_made_anew: None) -> Workspace:
    """One table of a hundred numbers, in one file that is older than any stray need be."""
    (tmp_path / "suanheng.toml").write_text("", encoding="utf-8")
    workspace = open_workspace(tmp_path)
    with writing(workspace) as lake:
        lake.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(100)")
    (file,) = data_files(workspace)
    os.utime(file, (LONG_AGO, LONG_AGO))
    return workspace


def data_files(workspace: Workspace) -> set[Path]:
    return set(Path(workspace.data_path).rglob("*.parquet"))


def expire_nothing(workspace: Workspace) -> None:
    """Expire, where no snapshot is old enough to go."""
    with writing(workspace) as lake:
        assert expire(lake, [], datetime(2000, 1, 1)) == []


def test_what_a_killed_run_left_behind_goes_when_it_is_a_day_old(workspace) -> None:
    known = data_files(workspace)
    command = [sys.executable, "-c", DIES_BEFORE_ITS_COMMIT, str(workspace.root)]
    died = subprocess.run(command, check=False, capture_output=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr
    (stray,) = data_files(workspace) - known

    expire_nothing(workspace)
    assert stray.exists()

    os.utime(stray, (LONG_AGO, LONG_AGO))
    expire_nothing(workspace)
    assert data_files(workspace) == known
    with writing(workspace) as lake:
        assert lake.value("SELECT sum(n) FROM numbers") == 99 * 100 / 2


def test_what_an_unfinished_transaction_has_written_stays(workspace) -> None:
    with writing(workspace) as lake:
        lake.execute("BEGIN")
        lake.execute("INSERT INTO numbers SELECT range FROM range(50)")
        expire(lake.beside(), [], datetime(2000, 1, 1))
        lake.execute("COMMIT")

        assert lake.value("SELECT count(*) FROM numbers") == 150


def test_files_that_are_no_data_of_the_warehouse_stay_however_old(workspace) -> None:
    (file,) = data_files(workspace)
    note = file.with_name("note.txt")
    shutil.copy(file, note)
    os.utime(note, (LONG_AGO, LONG_AGO))

    expire_nothing(workspace)

    assert note.exists()


def test_snapshots_go_once_they_are_old_enough_also_where_nothing_was_ever_published(workspace) -> None:
    in_a_month = datetime.now(UTC) + timedelta(days=30)
    assert expire_unpublished(workspace, 31, in_a_month) == {"expired": [], "kept_for_publications": []}
    gone = expire_unpublished(workspace, 29, in_a_month)
    assert len(gone["expired"]) >= 1
    with writing(workspace) as lake:
        assert lake.value("SELECT count(*) FROM ducklake_snapshots('lake')") == 1
        assert lake.value("SELECT sum(n) FROM numbers") == 99 * 100 / 2


def test_where_there_is_no_warehouse_none_is_made(tmp_path) -> None:
    (tmp_path / "suanheng.toml").write_text("", encoding="utf-8")
    with pytest.raises(NoWarehouse, match="has no warehouse yet"):
        expire_unpublished(open_workspace(tmp_path), 30, datetime.now(UTC))
    assert [path.name for path in tmp_path.iterdir()] == ["suanheng.toml"]


def test_an_age_below_zero_is_refused(workspace) -> None:
    with pytest.raises(BadSettings, match=r"older_than_days is -1\. Expected 0 or more"):
        expire_unpublished(workspace, -1, datetime.now(UTC))
