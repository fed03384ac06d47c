"""Runs that are killed: the workspaces they start from, how they are started, and what is compared afterwards."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from suanheng.flows.orchestration.steps import Steps
from tests.conftest import Centre, write_tiny
from tests.promises.doomed_run import RUNS, Death

NOW = datetime(2024, 2, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
"""When a run is started again: on the same day, so that its present is the same, and under a name of its own."""

DATASETS = ("accelerator_samples", "facility_readings", "utility_bills", "workload_runs")
"""What the small centre has: enough for every stage, and for a quarantine."""


def write_small(root: Path, months: int) -> Centre:
    """A centre of four datasets, one thread, nothing ingested."""
    centre = write_tiny(root, months)
    for path in centre.files():
        if path.parent.name not in DATASETS:
            path.unlink()
    (root / "suanheng.toml").write_text("[warehouse]\nthreads = 1\n", encoding="utf-8")
    return centre


def before_the_first_night(root: Path) -> None:
    """A quarter of files; there is no warehouse yet."""
    write_small(root, months=3)


def before_a_backfill(root: Path) -> None:
    """Three quarters with pages; a bill in the middle of each was replaced since, and one quarter has new samples."""
    centre = write_small(root, months=9)
    run(centre, "nightly", NOW - timedelta(days=1))
    for month in (2, 5, 8):
        electricity, water = centre.rows("utility_bills", f"2023-{month:02}")
        centre.write("utility_bills", f"2023-{month:02}", [{**electricity, "energy_kwh": 1500}, water])


BEGINNINGS: Mapping[str, Callable[[Path], None]] = {
    "nightly": before_the_first_night,
    "backfill": before_a_backfill,
}
"""What the workspace is like before each run of ``doomed_run.RUNS``."""


def run(centre: Centre, name: str, now: datetime) -> None:
    """Run to the end, in this process."""
    outcome = RUNS[name](centre.workspace, Steps(), now)
    assert not outcome.failures, outcome.failures


def start(centre: Centre, name: str, now: datetime, death: Death | None = None) -> subprocess.Popen[bytes]:
    """Start a run as a process of its own, with a group of its own."""
    arguments = [str(centre.root), name, now.isoformat(), *map(str, death or ())]
    return in_own_group([sys.executable, "-m", "tests.promises.doomed_run", *arguments])


def in_own_group(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its children, without warning."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
