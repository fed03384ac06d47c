"""Measures the survey of a day of samples by one and by two Dask workers, beside the same in one process.

All sides survey the same file and must read the same rows and suspect the same of them. Rounds alternate between the
sides and medians count. A worker is a process of its own with one thread; Dask is up before anything is measured, and
everything stays on loopback.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import psutil
import workspaces
from distributed import Client
from telemetry_day import FIRST_DAY, Day, write_day

from suanheng.config.workspace import open_workspace
from suanheng.flows.landing.survey_on_dask import surveying_on, tasks_of
from suanheng.flows.night import ingest
from suanheng.flows.orchestration.steps import Steps
from suanheng.transforms.telemetry import survey as surveys
from suanheng.transforms.telemetry.quarter_sums import survey_inputs
from suanheng.transforms.telemetry.survey import parts, survey
from suanheng.transforms.telemetry.survey_batch import Survey, SurveyInputs
from suanheng.warehouse.lake import Lake, reading

PARTS = 8
"""Parts of a day, as a full day of 10,000 devices has."""

PATIENCE_S = 60
SITE = "bench"


@dataclass(frozen=True)
class Side:
    """One way to survey a day.

    Attributes:
        name: what it is.
        survey: does it.
        processes: who works for it besides this process.
    """

    name: str
    survey: Callable[[], Survey]
    processes: Sequence[psutil.Process] = ()

    def cpu_s(self) -> float:
        """Processor seconds that it has taken so far, and this process with it."""
        times = [process.cpu_times() for process in (psutil.Process(), *self.processes)]
        return sum(taken.user + taken.system for taken in times)


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    """A scheduler and some workers, each a process on loopback; its address, and the processes."""
    started: list[subprocess.Popen[bytes]] = []
    log = folder / f"scheduler-of-{workers}.txt"

    def start(log: Path, *command: str) -> None:
        loopback = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
        with log.open("wb") as said:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *command, *loopback],
                    stdout=said,
                    stderr=said,
                    cwd=folder,
                    env={**os.environ, "POLARS_MAX_THREADS": "1"},
                )
            )

    try:
        start(log, "scheduler", "--port", "0")
        address = _address(log)
        for number in range(workers):
            start(folder / f"worker-{number}-of-{workers}.txt", "worker", address, "--no-nanny", "--nthreads", "1")
        with Client(address, timeout=PATIENCE_S, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=PATIENCE_S)
        yield address, [psutil.Process(process.pid) for process in started]
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def _address(log: Path) -> str:
    deadline = perf_counter() + PATIENCE_S
    while perf_counter() < deadline:
        if found := re.search(r"Scheduler at: +(tcp://\S+)", log.read_text(encoding="utf-8")):
            return found[1]
        sleep(0.05)
    raise SystemExit(f"The Dask scheduler does not start: {log.read_text(encoding='utf-8')}")


def measure(day: Day, folder: Path, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Seconds and processor seconds of each round, by side."""
    surveys.PART_ROWS = -(-day.rows // PARTS)
    workspaces.prepare(folder / "workspace")
    workspace = open_workspace(folder / "workspace")
    ingest(workspace, Steps(), datetime.now(UTC))
    with cluster(1, folder) as one, cluster(2, folder) as two, reading(workspace) as lake:
        rests_on = survey_inputs(lake, SITE, FIRST_DAY)
        sides = [
            *(Side(f"this process, {n} thread{'s' * (n > 1)}", _here(day.path, rests_on, n)) for n in (1, 2)),
            *(
                Side(f"{n} Dask worker{'s' * (n > 1)}", _there(lake, address, day.path), processes)
                for n, (address, processes) in ((1, one), (2, two))
            ),
        ]
        expected = sides[0].survey().suspected
        took: dict[str, list[dict[str, float]]] = {side.name: [] for side in sides}
        for _ in range(rounds):
            for side in sides:
                cpu_s, started = side.cpu_s(), perf_counter()
                found = side.survey()
                wall_s = perf_counter() - started
                took[side.name].append({"wall_s": wall_s, "cpu_s": side.cpu_s() - cpu_s})
                # What is summed in an hour and what is left at boundaries depends on where threads cut the file.
                if found.rows != day.rows or not found.suspected.equals(expected):
                    raise SystemExit(f"{side.name} found something else than one thread here.")
    return took


def _here(path: Path, rests_on: SurveyInputs, threads: int) -> Callable[[], Survey]:
    return lambda: survey(parts(path), rests_on, threads)


def _there(lake: Lake, address: str, path: Path) -> Callable[[], Survey]:
    def on_workers() -> Survey:
        with surveying_on(address, tasks_of(lake, path, SITE)) as surveyor:
            return surveyor(lake, path, SITE)

    return on_workers


def as_table(took: dict[str, list[dict[str, float]]]) -> str:
    """The medians, and each side's speed as a multiple of that of one worker, of the same round."""
    one = took["1 Dask worker"]
    lines = ["| side | median, s | processor seconds | speed ÷ one worker |", "| --- | ---: | ---: | ---: |"]
    for name, found in took.items():
        wall_s, cpu_s = (median(each[key] for each in found) for key in ("wall_s", "cpu_s"))
        speed = median(base["wall_s"] / each["wall_s"] for base, each in zip(one, found, strict=True))
        lines.append(f"| {name} | {wall_s:.3g} | {cpu_s:.3g} | {speed:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("bench/results"), help="folder the results are written to")
    parser.add_argument("--data", type=Path, default=Path("bench/data"), help="folder the day is written to")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--seed", type=int, default=2024)
    asked = parser.parse_args()
    day = write_day(asked.data, 0, asked.devices, asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        took = measure(day, Path(folder), asked.rounds)
    table = as_table(took)
    found = {
        "dask": version("dask"),
        "processors": len(os.sched_getaffinity(0)),
        "devices": asked.devices,
        "rows": day.rows,
        "bytes": day.path.stat().st_size,
        "seed": asked.seed,
        "rounds": took,
    }
    asked.to.mkdir(parents=True, exist_ok=True)
    (asked.to / "dask_workers.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    title = f"# A day of {asked.devices} devices, surveyed by Dask workers"
    (asked.to / "dask_workers.md").write_text(f"{title}\n\n{day.rows} rows.\n\n{table}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
