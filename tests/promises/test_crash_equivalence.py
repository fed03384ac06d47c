"""Promise 3: kill the process at any moment, run again: the warehouse equals that of an undisturbed run."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("interrupted_night.py")
DATA = ("raw", "staged", "rollups", "indicators", "scorecards", "quarantine", "reference")


def moments(seed: int) -> list[tuple[str, int, str]]:
    """Four deaths in one life: while files land, while they are staged, in the middle of a build, in its commit."""
    chance = random.Random(seed)
    return [
        ("take in", chance.randint(2, 12), str(chance.randint(1, 4))),
        ("stage", chance.randint(2, 12), str(chance.randint(1, 8))),
        ("build", 1, str(chance.randint(20, 150))),
        ("build", chance.randint(1, 2), "commit"),
    ]


@pytest.mark.parametrize("seed", [1])
def test_crash_equivalence_a_night_killed_four_times_ends_as_an_undisturbed_one(
    tiny_workspace, built_once, seed: int
) -> None:
    for step, part, moment in moments(seed):
        command = [sys.executable, str(SCRIPT), str(tiny_workspace.root), step, str(part), moment]
        died = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert died.returncode == -signal.SIGKILL, (step, part, moment, died.stderr)

    outcome = tiny_workspace.night()

    assert not outcome.failures
    assert tiny_workspace.digests(*DATA) == built_once.digests(*DATA)
    files = "SELECT file_id, path, status, rows_read, rows_accepted, rows_quarantined FROM ops.files ORDER BY ALL"
    assert tiny_workspace.ask(files).rows() == built_once.ask(files).rows()
    assert tiny_workspace.night().changed_nothing
