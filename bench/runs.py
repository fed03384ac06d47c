"""Runs the sides of the scale job, each in a process of its own, and holds what they found to what was planted."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import workspaces
from measured import measured
from sides import job
from telemetry_day import Day

SIDES = Path(__file__).parent / "sides"

DIFFERENT = " OR ".join(
    f"coalesce(abs(mine.{value} - other.{value}) > 1e-9 * greatest(abs(other.{value}), 1), true)"
    for value in job.VALUES
)
"""Sums of floating-point numbers depend a little on the order of adding; nothing else may differ."""


@dataclass(frozen=True)
class Run:
    """One run of one side.

    Attributes:
        wall_s: seconds from the start of its process to the end.
        work_s: those from its imports to its last byte.
        cpu_s: processor seconds of the process and its children.
        peak_bytes: highest resident memory of all of them together.
        broken: rows that break a rule, by rule, as the side counted them.
        samples: rows its rollup is made of.
        problem: why the run does not count.
    """

    wall_s: float
    work_s: float
    cpu_s: float
    peak_bytes: int
    broken: Mapping[str, int]
    samples: int
    problem: str | None


def query(program: str, day: Day, folder: Path) -> Run:
    """Run the yardstick. It checks nothing, so all rows count."""
    return _held_to(_rolled_up(_run(Path(sys.executable), program, day.path, folder), folder), {}, day.rows)


def peer(python: Path, program: str, day: Day, folder: Path) -> Run:
    """Run the side of another tool."""
    return _held_to(_rolled_up(_run(python, program, day.path, folder), folder), day.broken, day.good_rows)


def nights(days: Sequence[Day], folder: Path) -> tuple[Run, Run]:
    """Run our whole path on a warehouse to which some days have been delivered, and a night without news after it.

    The warehouse has its tables and no rows: a night was run on it before anything came.
    """
    prepared, root = folder / "prepared", folder / "workspace"
    if not prepared.exists():
        workspaces.prepare(prepared)
        _run(Path(sys.executable), "ours.py", prepared, folder)
    workspaces.copy(prepared, root, days)
    first, second = (_run(Path(sys.executable), "ours.py", root, folder) for _ in range(2))
    if first.problem is None:
        planted = {rule: sum(day.broken[rule] for day in days) for rule in days[0].broken}
        first = replace(first, broken=workspaces.broken(root), samples=workspaces.samples(root))
        first = _held_to(first, planted, sum(day.good_rows for day in days))
        if not workspaces.scorecards(root):
            first = replace(first, problem="there is no scorecard")
        if workspaces.runs_with_news(root) > 1:
            second = replace(second, problem="it took the first night's work for news")
    workspaces.remove(root)
    return first, second


def agree(mine: Path, other: Path) -> bool:
    """Whether two rollups say the same of every device and hour."""
    query = f"SELECT count(*) FROM '{mine}' AS mine FULL JOIN '{other}' AS other USING (device_id, hour_start_utc)"
    return duckdb.execute(f"{query} WHERE {DIFFERENT}").fetchone() == (0,)


def _run(python: Path, program: str, given: Path, folder: Path) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        return Run(0, 0, 0, 0, {}, 0, f"{python.name} with its packages is not installed")
    took = measured([python, SIDES / program, given, folder])
    found = {"work_s": 0.0, "broken": {}}
    if took.problem is None:
        found = json.loads((folder / job.FOUND).read_text(encoding="utf-8"))
    return Run(took.wall_s, found["work_s"], took.cpu_s, took.peak_bytes, found["broken"], 0, took.problem)


def _rolled_up(run: Run, folder: Path) -> Run:
    if run.problem is not None:
        return run
    (samples,) = duckdb.execute(f"SELECT sum(samples)::BIGINT FROM '{folder / job.ROLLUP_FILE}'").fetchone() or (0,)
    return replace(run, samples=samples)


def _held_to(run: Run, planted: Mapping[str, int], samples: int) -> Run:
    if run.problem is not None:
        return run
    rules = sorted(planted.keys() | run.broken.keys())
    wrong = [
        f"{rule}: {run.broken.get(rule, 0)} rows instead of {planted.get(rule, 0)}"
        for rule in rules
        if run.broken.get(rule, 0) != planted.get(rule, 0)
    ]
    if run.samples != samples:
        wrong.append(f"{run.samples} samples rolled up instead of {samples}")
    return replace(run, problem="; ".join(wrong) or None)
