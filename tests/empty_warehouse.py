"""A warehouse in which every table is made and none holds a row, made once and copied to where one is made anew.

What a first night makes before it reads anything is the same in every workspace, and takes it most of its time. The
product makes it here as well, in a process of its own, in which no test has changed anything.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from suanheng.config.workspace import Workspace
from suanheng.warehouse import lake

_attach = lake._attach

_MAKE = """
import sys
from pathlib import Path
from suanheng.config.workspace import open_workspace
from suanheng.transforms.building.tables import make_tables
from suanheng.warehouse.lake import writing
with writing(open_workspace(Path(sys.argv[1])), "empty") as lake:
    make_tables(lake)
"""


@contextmanager
def copied_where_none_is(shared: Path) -> Iterator[None]:
    """Whoever inside opens a warehouse to write that is not there yet, in a folder, finds a copy of the empty one.

    Args:
        shared: a folder that all workers share; there it is made, as soon as one is needed.
    """

    def attach_a_copy(connection: Any, workspace: Workspace, *options: str) -> None:
        catalogue = _catalogue(workspace)
        if catalogue and catalogue.parent.exists() and not catalogue.exists() and "READ_ONLY" not in options:
            _copy(_made(shared), workspace, catalogue)
        _attach(connection, workspace, *options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake, "_attach", attach_a_copy)
        yield


@contextmanager
def made_anew() -> Iterator[None]:
    """Whoever inside opens a warehouse to write that is not there yet makes it, as everywhere but in tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake, "_attach", _attach)
        yield


def _catalogue(workspace: Workspace) -> Path | None:
    """The file of its catalogue; none where a server or an object store holds the warehouse."""
    kind, _, address = workspace.catalog.partition(":")
    return Path(address) if kind == "sqlite" and not workspace.data_path.startswith("s3://") else None


def _made(shared: Path) -> Path:
    """Folder of the empty warehouse."""
    root = shared / "empty"
    with FileLock(shared / "empty.lock"):
        if not (root / "ready").exists():
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            (root / "suanheng.toml").touch()
            subprocess.run([sys.executable, "-c", _MAKE, root], check=True)
            (root / "ready").touch()
    return root / "lake"


def _copy(empty: Path, workspace: Workspace, catalogue: Path) -> None:
    shutil.copytree(empty / "data", workspace.data_path, dirs_exist_ok=True)
    # Beside its place first: nobody may find half a catalogue.
    copied = catalogue.with_suffix(".copied")
    shutil.copyfile(empty / "catalog.sqlite", copied)
    with closing(sqlite3.connect(copied)) as connection, connection:
        place = f"{workspace.data_path.rstrip('/')}/"
        connection.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [place])
    copied.rename(catalogue)
