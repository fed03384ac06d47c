"""Measures the pieces of a night that ingests days of samples: seconds, processor seconds, rows and bytes.

Each round is a night over a workspace to which the days have been delivered, in this process. The content of the
first day is hashed and surveyed once more by itself, by one thread: within the night both run beside other work.
Medians count.
"""

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import workspaces
from telemetry_day import FIRST_DAY, Day, write_day

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.landing.file_hashes import hash_of_content
from suanheng.flows.orchestration.steps import Steps
from suanheng.transforms.telemetry.quarter_sums import survey_inputs
from suanheng.transforms.telemetry.survey import parts, survey
from suanheng.warehouse.lake import reading

NOW = datetime(2024, 5, 1, tzinfo=UTC)
"""The present: the quarter of the samples is over."""

TABLES = ("rollups.file_hour_sums", "rollups.boundary_samples", "rollups.device_hour")

SIZES = "SELECT table_name, file_size_bytes FROM ducklake_table_info('lake')"


class Timed(Steps):
    """Steps whose parts are timed, by title."""

    def __init__(self) -> None:
        super().__init__()
        self.took: dict[str, tuple[float, float]] = {}

    def run(self, title: str, part: str, work: Callable[[Any], Any], item: Any) -> Any:
        result, self.took[title] = timed(lambda: work(item))
        return result


def timed(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What some work gives; its seconds and processor seconds."""
    wall, cpu = perf_counter(), process_time()
    result = work()
    return result, (perf_counter() - wall, process_time() - cpu)


def one_round(
    days: Sequence[Day], prepared: Path, root: Path
) -> tuple[dict[str, tuple[float, float]], dict[str, list[int]]]:
    """Seconds of each piece, and rows and bytes of each table after it."""
    workspaces.copy(prepared, root, days)
    day = days[0]
    workspace, steps = open_workspace(root), Timed()
    outcome, whole = timed(lambda: night.night(workspace, steps, NOW, write_reports=False))
    if outcome.failures:
        raise SystemExit(str(outcome.failures))
    took = {"night": whole, **steps.took}
    _, took["hash of the content"] = timed(lambda: hash_of_content(day.path))
    with reading(workspace) as lake:
        rests_on = survey_inputs(lake, "bench", FIRST_DAY)
        size_of = dict(lake.frame(SIZES).iter_rows())
        sizes = {t: [lake.value(f"SELECT count(*) FROM {t}"), size_of[t.partition(".")[2]]] for t in TABLES}
    _, took["survey, one thread"] = timed(lambda: survey(parts(day.path), rests_on))
    workspaces.remove(root)
    return took, sizes


def as_table(took: dict[str, list[tuple[float, float]]], sizes: dict[str, list[int]]) -> str:
    """The medians of the pieces, and what the tables hold."""
    lines = ["| piece | seconds | processor seconds |", "| --- | ---: | ---: |"]
    for name, rounds in took.items():
        wall_s, cpu_s = (median(each) for each in zip(*rounds, strict=True))
        lines.append(f"| {name} | {wall_s:.2f} | {cpu_s:.2f} |")
    lines += ["", "| table | rows | MB |", "| --- | ---: | ---: |"]
    lines += [f"| `{name}` | {rows:,} | {size / 1e6:.1f} |" for name, (rows, size) in sizes.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("bench/results"), help="folder the results are written to")
    parser.add_argument("--data", type=Path, default=Path("bench/data"), help="folder the day is kept in")
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--days", type=int, default=1)
    asked = parser.parse_args()
    days = [write_day(asked.data, number, asked.devices, asked.seed) for number in range(asked.days)]
    took: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=asked.data) as folder:
        prepared = Path(folder) / "prepared"
        workspaces.prepare(prepared)
        night.night(open_workspace(prepared), Steps(), NOW, write_reports=False)
        for _ in range(asked.rounds):
            found, sizes = one_round(days, prepared, Path(folder) / "workspace")
            for name, seconds in found.items():
                took[name].append(seconds)
    table = as_table(took, sizes)
    asked.to.mkdir(parents=True, exist_ok=True)
    rows = sum(day.rows for day in days)
    result = {"processors": len(os.sched_getaffinity(0)), "rows": rows, "took": took, "sizes": sizes}
    (asked.to / "pieces.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    what = f"{asked.days} days of {asked.devices:,} devices, {rows:,} rows."
    text = f"# The pieces of a night\n\n{what}\n\n{table}\n"
    (asked.to / "pieces.md").write_text(text, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
