"""Promise 5: SQL readers in other processes work during a nightly run and a backfill."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

NIGHT = """
import sys
from pathlib import Path
from suanheng.flows.{flow} import {flow}
{flow}({arguments}workspace=Path(sys.argv[1]))
"""
COMMAND_LINE = "from suanheng.flows.commands import main; main()"
LONGEST_LOOK_S = 20
"""No reader waits for a writer: the bound only has to be well below the length of a night on a busy machine."""


def test_readers_never_wait_while_a_night_runs(built_workspace, correct_a_bill, watched) -> None:
    correct_a_bill(built_workspace)

    with watched(built_workspace, readers=2) as looks:
        began = time.monotonic()
        built_workspace.night()
        length_s = time.monotonic() - began

    # Both readers looked again and again, each look much shorter than the night, and none of them failed.
    assert len(looks) > 4
    assert max(look["seconds"] for look in looks) < max(LONGEST_LOOK_S, length_s / 2)


@pytest.mark.long
def test_readers_never_wait_for_suanheng_sql_while_a_backfill_runs_as_a_flow(built_workspace) -> None:
    arguments = (
        "first=__import__('datetime').date(2023, 1, 1), last=__import__('datetime').date(2023, 6, 1), force=True, "
        "stages=('ingest', 'stage', 'build'), "
    )
    script = NIGHT.format(flow="backfill", arguments=arguments)
    root = str(built_workspace.root)
    run_id = built_workspace.value("SELECT DISTINCT run_id FROM ops.builds")

    flow = subprocess.Popen([sys.executable, "-c", script, root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_for_writer(built_workspace.workspace.writer_lock, flow)
        answers = 0
        while flow.poll() is None:
            query = [
                sys.executable,
                "-c",
                COMMAND_LINE,
                "sql",
                "SELECT count(*) AS n FROM ops.builds",
                "-w",
                root,
                "--json",
            ]
            answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=120)
            assert json.loads(answer.stdout) == [{"n": 2}]
            answers += flow.poll() is None
    finally:
        output, _ = flow.communicate(timeout=300)
    assert flow.returncode == 0, output
    assert answers >= 1
    assert run_id not in built_workspace.ask("SELECT DISTINCT run_id FROM ops.builds").to_series().to_list()


def wait_for_writer(lock: Path, flow: subprocess.Popen) -> None:
    """Wait until the flow holds the writer's lock."""
    from filelock import FileLock, Timeout

    while flow.poll() is None:
        try:
            with FileLock(lock, timeout=0):
                time.sleep(0.05)
        except Timeout:
            return
    raise AssertionError("the flow ended before it wrote")
