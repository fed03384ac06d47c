"""Measures a night on the demo data, beside a bare DuckDB query over the same files. Ratios, no limits.

Everything is measured within one process, several times, and the median counts. Prefect's own start and the reports are
left out: what is measured is ingesting, staging and building.
"""

import argparse
import json
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb

from suanheng.config.workspace import SETTINGS_FILE, Workspace, open_workspace
from suanheng.flows.demo import generate
from suanheng.flows.night import night
from suanheng.flows.orchestration.steps import Steps

NOW = datetime(2024, 1, 15, tzinfo=UTC)
"""The day of the nights: every quarter of the demo data is over."""

LATE_FILE = Path("landing/qinglan/accelerator_samples/accelerator_samples_2023-12.parquet")
"""Kept back in the first night; the quarters it covers are built anew when it arrives."""

YARDSTICK = """
    SELECT
        device_id,
        date_trunc('month', sampled_at_utc) AS month,
        sum(power_w * interval_s * device_count) / 3.6e6 AS kwh
    FROM read_parquet(?)
    GROUP BY ALL
"""


@dataclass(frozen=True)
class Step:
    """One thing that is measured: its name, and the seconds of each repetition."""

    name: str
    seconds: list[float]

    @property
    def median_s(self) -> float:
        return median(self.seconds)


def measure(repetitions: int, seed: int) -> list[Step]:
    """Repeat the first night, a night without news, a night with one late file and the yardstick, in that order."""
    names = (
        "bare DuckDB query over the same telemetry",
        "first night",
        "night without news",
        "night with one late file",
    )
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "demo"
        generate(root, seed)
        (root / SETTINGS_FILE).touch()
        workspace, kept_back = open_workspace(root), Path(folder) / LATE_FILE.name
        for _ in range(repetitions):
            shutil.rmtree(root / "lake", ignore_errors=True)
            shutil.move(root / LATE_FILE, kept_back)
            seconds[names[1]].append(_timed(lambda: _night(workspace, has_news=True)))
            seconds[names[2]].append(_timed(lambda: _night(workspace, has_news=False)))
            shutil.move(kept_back, root / LATE_FILE)
            seconds[names[3]].append(_timed(lambda: _night(workspace, has_news=True)))
            seconds[names[0]].append(_timed(lambda: _query(root)))
    return [Step(name, taken) for name, taken in seconds.items()]


def _night(workspace: Workspace, has_news: bool) -> None:
    outcome = night(workspace, Steps(), NOW, write_reports=False)
    if outcome.failures or bool(outcome.built) != has_news:
        raise SystemExit(f"Not what should be measured: built {outcome.built}, failed {outcome.failures}")


def _query(root: Path) -> None:
    pattern = str(root / "landing/*/accelerator_samples/*.parquet")
    duckdb.connect().execute(YARDSTICK, [pattern]).fetchall()


def _timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def as_table(steps: list[Step]) -> str:
    """The medians in seconds, and as multiples of the yardstick and of the first night."""
    yardstick, first_night = steps[0].median_s, steps[1].median_s
    lines = ["| step | median, s | ÷ bare query | ÷ first night |", "| --- | ---: | ---: | ---: |"]
    for step in steps:
        ratios = f"{step.median_s / yardstick:.3g} | {step.median_s / first_night:.3g}"
        lines.append(f"| {step.name} | {step.median_s:.3g} | {ratios} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("bench/results"), help="folder the results are written to")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=2024)
    asked = parser.parse_args()
    steps = measure(asked.repetitions, asked.seed)
    table = as_table(steps)
    found = {
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "seed": asked.seed,
        "seconds": {step.name: step.seconds for step in steps},
    }
    asked.to.mkdir(parents=True, exist_ok=True)
    (asked.to / "nightly.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (asked.to / "nightly.md").write_text(f"# A night on the demo data\n\n{table}\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
