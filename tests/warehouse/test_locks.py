"""A second writer of an embedded catalogue waits, is stated for whom, and is refused where it does not want to wait."""

import os
import threading
import time
from pathlib import Path

import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.warehouse.errors import Busy
from suanheng.warehouse.lake import writing


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "suanheng.toml").write_text("[warehouse]\nwait_s = 0\n")
    return open_workspace(tmp_path)


def test_a_writer_that_does_not_want_to_wait_is_told_who_writes(workspace) -> None:
    with writing(workspace, "nightly-1"):
        who = rf"held by nightly-1, process {os.getpid()} on .*, since 20.* UTC, for 0 s"
        with pytest.raises(Busy, match=who), writing(workspace, "nightly-2"):
            pass
    with writing(workspace, "nightly-3"):
        assert "nightly-3" in workspace.writer_lock.with_suffix(".holder").read_text()


def test_a_writer_waits_until_the_other_is_done_and_says_for_whom(workspace, caplog) -> None:
    (workspace.root / "suanheng.toml").write_text("")
    patient = open_workspace(workspace.root)
    done: list[str] = []

    def write() -> None:
        with writing(patient, "nightly-2"):
            done.append("nightly-2")

    second = threading.Thread(target=write)
    with writing(workspace, "nightly-1"):
        second.start()
        while "nightly-1" not in caplog.text:
            assert second.is_alive()
            time.sleep(0.01)
        done.append("nightly-1")
    second.join()

    assert done == ["nightly-1", "nightly-2"]
    assert f"Waiting for the warehouse of {workspace.root}, held by nightly-1, process" in caplog.text
