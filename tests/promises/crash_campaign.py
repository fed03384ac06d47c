# ruff: noqa: T201 - what it prints is its result
"""Kill the nightly and the backfill at many moments each, run each again, and compare with undisturbed runs.

``python -m tests.promises.crash_campaign [--moments 50] [--seed 1] [--processes 2] [--results build/crashes.json]``

Moments are spread over the whole length of a run, as it was measured undisturbed: one at random in each of as many
equal parts. Some runs are killed in a commit instead, and a few are started by the command line, with all of Prefect.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from suanheng.warehouse.lake import writing
from suanheng.warehouse.retention import delete_strays
from tests.conftest import Centre
from tests.promises.crashes import BEGINNINGS, LATER, NOW, in_own_group, kill, run, start
from tests.promises.doomed_run import FIRST, LAST, RUNS, Death
from tests.promises.held import Held, held

IN_COMMITS = 1 / 8
"""Share of the runs that are killed in a commit instead of at a time."""

BY_COMMAND_LINE = 2
"""Runs of each kind that are started by the command line, beside the others."""

COMMAND_LINES = {
    "nightly": ["nightly"],
    "backfill": ["backfill", "--from", f"{FIRST:%Y-%m}", "--to", f"{LAST:%Y-%m}", "--force"],
}


@dataclass(frozen=True)
class Moment:
    """When a run is killed: at a share of its length, or in the commit of a part of a step."""

    run: str
    share: float | None = None
    death: Death | None = None
    by_command_line: bool = False

    def __str__(self) -> str:
        when = str(self.death) if self.death else f"at {self.share:.1%}"
        return f"{when}, by command line" if self.by_command_line else when


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody disturbs: what there was before and after, and how long it wrote."""

    beginning: Path
    before: Held
    after: Held
    length_s: float


@dataclass(frozen=True)
class Trial:
    """What became of one killed run.

    Attributes:
        run: the run.
        moment: when it was meant to be killed.
        reached: the newest commit at its death, and how many pages it had written.
        was_killed: whether it was still running.
        torn: what readers saw in the gap that was neither as before nor as after.
        differing: tables and pages that differ from an undisturbed run, once it had run again and strays were deleted.
        strays: data files that no snapshot knew, left behind by the death.
    """

    run: str
    moment: str
    reached: str
    was_killed: bool
    torn: list[str]
    differing: list[str]
    strays: int

    @property
    def is_equal(self) -> bool:
        return not (self.torn or self.differing)


def moments(name: str, count: int, chance: random.Random) -> list[Moment]:
    """Moments of one kind of run, by its time and by its commits; and those of the command line."""
    timed = count - round(count * IN_COMMITS)
    shares = [(part + chance.random()) / timed for part in range(timed)]
    steps = {"nightly": (("ingest", 4), ("stage", 4), ("build", 1)), "backfill": (("build", 3), ("stage", 1))}[name]
    deaths = [(step, chance.randint(1, parts)) for step, parts in chance.choices(steps, k=count - timed)]
    return [
        *(Moment(name, share=share) for share in shares),
        *(Moment(name, death=Death(step, part, "commit")) for step, part in deaths),
        *(Moment(name, share=chance.random(), by_command_line=True) for _ in range(min(BY_COMMAND_LINE, timed))),
    ]


def undisturbed(name: str, by_command_line: bool, folder: Path) -> Undisturbed:
    """Make the workspace a run begins with, and let a copy of it run to the end, three times to know its length."""
    folder = folder / f"{name}{' by command line' * by_command_line}"
    beginning = folder / "beginning"
    BEGINNINGS[name](beginning)
    Centre(beginning).workspace.writer_lock.unlink(missing_ok=True)
    lengths = []
    for number in range(1 if by_command_line else 3):
        centre = Centre(shutil.copytree(beginning, folder / f"undisturbed {number}"))
        process = begun(centre, name, NOW, by_command_line)
        writing_since = time.monotonic()
        _, errors = process.communicate()
        assert by_command_line or process.returncode == 0, errors
        lengths.append(time.monotonic() - writing_since)
    return Undisturbed(beginning, held(Centre(beginning).workspace), held(centre.workspace), median(lengths))


def begun(
    centre: Centre, name: str, now: datetime, by_command_line: bool, death: Death | None = None
) -> subprocess.Popen[bytes]:
    """Start a run and wait until it begins to write."""
    if by_command_line:
        program = [sys.executable, "-c", "from suanheng.flows.commands import main; main()"]
        process = in_own_group([*program, *COMMAND_LINES[name], "--workspace", str(centre.root), "--json"])
    else:
        process = start(centre, name, now, death)
    while process.poll() is None and not centre.workspace.writer_lock.exists():
        time.sleep(0.001)
    return process


def try_moment(moment: Moment, like: Undisturbed, folder: Path) -> Trial:
    """Kill a run at a moment, look at what it left, run it again, sweep, and compare."""
    centre = Centre(shutil.copytree(like.beginning, Path(tempfile.mkdtemp(dir=folder)) / "centre"))
    process = begun(centre, moment.run, NOW, moment.by_command_line, moment.death)
    if moment.share is not None:
        time.sleep(moment.share * like.length_s)
        kill(process)
    process.communicate()
    gap = held(centre.workspace)
    if moment.by_command_line:
        begun(centre, moment.run, LATER, by_command_line=True).communicate()
    else:
        run(centre, moment.run, LATER)
    with writing(centre.workspace) as lake:
        strays = delete_strays(lake, older_than=datetime.now(UTC) + timedelta(days=1))
    trial = Trial(
        run=moment.run,
        moment=str(moment),
        reached=_reached(gap, like.before),
        was_killed=process.returncode == -signal.SIGKILL,
        torn=gap.torn(like.before, like.after),
        differing=held(centre.workspace).differing(like.after),
        strays=len(strays),
    )
    shutil.rmtree(centre.root.parent)
    return trial


def _reached(gap: Held, before: Held) -> str:
    pages = sum(digest != before.pages.get(name) for name, digest in gap.pages.items())
    newest = "nothing written" if gap.newest == before.newest else f"after {gap.newest}"
    return f"{newest}, {pages} pages" if pages else newest


def campaign(count: int, seed: int, processes: int) -> list[Trial]:
    """Try all moments; prints each trial as it ends."""
    chance = random.Random(seed)
    planned = [moment for name in RUNS for moment in moments(name, count, chance)]
    with (
        tempfile.TemporaryDirectory(prefix="suanheng-crashes-") as temporary,
        ProcessPoolExecutor(processes, get_context("spawn")) as pool,
    ):
        folder = Path(temporary)
        os.environ["PREFECT_HOME"] = str(folder / "prefect")
        kinds = sorted({(moment.run, moment.by_command_line) for moment in planned})
        measured = {kind: pool.submit(undisturbed, *kind, folder) for kind in kinds}
        like = {kind: future.result() for kind, future in measured.items()}
        for (name, by_command_line), run in like.items():
            print(f"{name}{' by command line' * by_command_line} writes for {run.length_s:.1f} s, undisturbed")
        done = [pool.submit(try_moment, moment, like[moment.run, moment.by_command_line], folder) for moment in planned]
        trials = []
        for future in done:
            trials.append(future.result())
            print(_line(trials[-1]), flush=True)
    return trials


def _line(trial: Trial) -> str:
    faults = [*(f"torn {what}" for what in trial.torn), *(f"differs {what}" for what in trial.differing)]
    verdict = "equal" if trial.is_equal else "NOT EQUAL: " + ", ".join(faults)
    fate = "killed" if trial.was_killed else "had ended"
    return f"{trial.run:9} {trial.moment:34} {fate:9} {trial.reached:60} {trial.strays:3} strays  {verdict}"


def summary(trials: Sequence[Trial]) -> dict[str, dict[str, int]]:
    """Counts per kind of run."""
    return {
        name: {
            "moments": len(own),
            "killed while running": sum(trial.was_killed for trial in own),
            "different points reached": len({trial.reached for trial in own if trial.was_killed}),
            "whole in the gap": sum(not trial.torn for trial in own),
            "equal in the end": sum(not trial.differing for trial in own),
            "left stray files": sum(trial.strays > 0 for trial in own),
            "stray files": sum(trial.strays for trial in own),
        }
        for name in RUNS
        if (own := [trial for trial in trials if trial.run == name])
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50, help="of each kind of run (50)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("build/crashes.json"))
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    trials = campaign(asked.moments, asked.seed, asked.processes)
    counts = summary(trials)
    for name, figures in counts.items():
        print(f"{name}: " + ", ".join(f"{figure} {what}" for what, figure in figures.items()))
    print(f"{time.monotonic() - began:.0f} s, seed {asked.seed}")
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    plain = {"seed": asked.seed, "summary": counts, "trials": [asdict(trial) for trial in trials]}
    asked.results.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    sys.exit(not all(trial.is_equal for trial in trials))


if __name__ == "__main__":
    main()
