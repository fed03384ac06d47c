"""Measures a backfill of twelve quarters of one site, beside a bare query and the reading of the same files. Ratios.

The site and its files are drawn from a seed. Everything runs within one process, several times in turn, and medians
count. Prefect's own start and the reports are left out. A last build is profiled: where its time goes is part of the
result.
"""

import argparse
import cProfile
import json
import platform
import pstats
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb
from catalogue import add_statistics

from suanheng.config.machine import processors
from suanheng.config.workspace import SETTINGS_FILE, Workspace, open_workspace
from suanheng.flows.night import run
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Order, Outcome, Stage
from suanheng.transforms.building.periods import add_months
from suanheng.warehouse.lake import writing

NOW = datetime(2024, 1, 15, tzinfo=UTC)
FIRST, QUARTERS = date(2021, 1, 1), 12
MORE_STATISTICS = 100_000
NO_REPORTS = (Stage.INGEST, Stage.STAGE, Stage.BUILD)

SITES = """\
[[site]]
site_id = "bench"
name_en = "Bench"
time_zone = "UTC"
region_code = "CN-HE"
country = "CN"
commissioned_on = 2021-01-01
"""

SOURCE = """\
[[source]]
format = "template"
dataset = "{0}"
files = "landing/{{site}}/{0}/*"
evidence = "simulated"
time_zone = "UTC"
"""

SAMPLES = """
    SELECT
        'node-' || device // 8 AS node_id, 'gpu-' || device AS device_id, 'A100 SXM 80GB' AS sku,
        sampled_at AS sampled_at_utc, {interval_s}::DOUBLE AS interval_s,
        hash(device, sampled_at, {seed}) % 1000 / 1000 AS utilisation_ratio,
        (80 + hash(sampled_at, device, {seed}) % 300)::DOUBLE AS power_w
    FROM range({devices}) AS devices (device)
    CROSS JOIN generate_series(
        TIMESTAMP '{start}', TIMESTAMP '{end}' - INTERVAL 1 SECOND, INTERVAL {interval_s} SECOND
    ) AS samples (sampled_at)
    ORDER BY device, sampled_at
"""

READINGS = """
    SELECT
        'meter-' || boundary AS meter_id, boundary, started_at AS started_at_utc,
        started_at + INTERVAL 1 HOUR AS ended_at_utc, {devices} * kw AS energy_kwh
    FROM (VALUES ('utility', 0.65), ('it_input', 0.5), ('cooling', 0.1)) AS meters (boundary, kw)
    CROSS JOIN generate_series(
        TIMESTAMP '{start}', TIMESTAMP '{end}' - INTERVAL 1 SECOND, INTERVAL 1 HOUR
    ) AS hours (started_at)
"""

BILLS = """
    SELECT
        'account-1' AS meter_id, 'electricity' AS commodity, DATE '{start}' AS service_start,
        DATE '{end}' AS service_end, {devices} * 0.65 * 24 * date_diff('day', DATE '{start}', DATE '{end}')
        AS energy_kwh, 1000 AS amount, 'CNY' AS currency
"""

DATASETS = {"accelerator_samples": SAMPLES, "facility_readings": READINGS, "utility_bills": BILLS}

YARDSTICK = """
    SELECT
        device_id, date_trunc('hour', sampled_at_utc) AS hour, count(*) AS samples,
        sum(power_w * interval_s) / 3.6e6 AS kwh, sum(utilisation_ratio * interval_s) / 3600 AS busy_hours
    FROM read_parquet(?)
    GROUP BY ALL
"""


def generate(root: Path, devices: int, interval_s: int, seed: int) -> None:
    """Write the site, and its samples, readings and bills of twelve quarters, month by month as Parquet."""
    (root / SETTINGS_FILE).write_text("", encoding="utf-8")
    (root / "sites.toml").write_text(SITES, encoding="utf-8")
    (root / "sources.toml").write_text("".join(map(SOURCE.format, DATASETS)), encoding="utf-8")
    for offset in range(QUARTERS * 3):
        start = add_months(FIRST, offset)
        for dataset, query in DATASETS.items():
            path = root / "landing/bench" / dataset / f"{start:%Y-%m}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = query.format(
                devices=devices, interval_s=interval_s, seed=seed, start=start, end=add_months(start, 1)
            )
            duckdb.connect().execute(f"COPY ({rows}) TO '{path}' (COMPRESSION zstd)")


def measure(root: Path, repetitions: int) -> dict[str, list[float]]:
    """Seconds of each repetition of each step; the steps of a repetition run one after another."""
    workspace, all_workers = open_workspace(root), processors()
    samples = sorted((root / "landing/bench/accelerator_samples").iterdir())
    steps: dict[str, Callable[[], object]] = {
        "reading the bytes of all files": lambda: [path.read_bytes() for path in (root / "landing").rglob("*.parquet")],
        "bare DuckDB query over the telemetry": lambda: _query(samples),
        "first backfill, all stages but reports": lambda: _first(workspace),
        "building twelve quarters, one worker": lambda: _built(workspace, 1),
        f"building twelve quarters, {all_workers} workers": lambda: _built(workspace, all_workers),
        "backfill without news": lambda: run(workspace, Steps(), NOW, Order("backfill", NO_REPORTS)),
    }
    crowded = f"building twelve quarters, one worker, {MORE_STATISTICS:,} rows of statistics more"
    seconds: dict[str, list[float]] = {name: [] for name in (*steps, crowded)}
    for _ in range(repetitions):
        for name, work in steps.items():
            seconds[name].append(_timed(work))
        with writing(workspace) as lake:
            add_statistics(lake.connection, 0, MORE_STATISTICS)
        seconds[crowded].append(_timed(lambda: _built(workspace, 1)))
    return seconds


def profile(root: Path, lines: int = 25) -> str:
    """Where the time of building twelve quarters one after another goes, the most expensive functions first."""
    workspace, profiler = open_workspace(root), cProfile.Profile()
    _first(workspace)
    profiler.runcall(_built, workspace, 1)
    rows = sorted(pstats.Stats(profiler).stats.items(), key=lambda row: -row[1][2])[:lines]  # type: ignore[attr-defined]
    table = ["| function | calls | own s | with callees s |", "| --- | ---: | ---: | ---: |"]
    for (file, _, name), (_, calls, own_s, with_callees_s, _) in rows:
        place = "/".join(Path(file).parts[-2:]) if file != "~" else ""
        table.append(f"| `{place} {name}` | {calls} | {own_s:.3f} | {with_callees_s:.3f} |")
    return "\n".join(table)


def _query(samples: list[Path]) -> None:
    duckdb.connect().execute(YARDSTICK, [[str(path) for path in samples]]).fetchall()


def _first(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / "lake", ignore_errors=True)
    _check(run(workspace, Steps(), NOW, Order("backfill", NO_REPORTS)))


def _built(workspace: Workspace, workers: int) -> None:
    _check(run(workspace, Steps(), NOW, Order("backfill", (Stage.BUILD,), force=True, workers=workers)))


def _check(outcome: Outcome) -> None:
    if outcome.failures or len(outcome.built) != QUARTERS:
        raise SystemExit(f"Not what should be measured: {outcome}")


def _timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def as_table(seconds: dict[str, list[float]]) -> str:
    """The medians in seconds, and as multiples of the two yardsticks."""
    medians = {name: median(taken) for name, taken in seconds.items()}
    reading_s, query_s, *_ = medians.values()
    lines = ["| step | median, s | ÷ reading | ÷ bare query |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {s:.3g} | {s / reading_s:.3g} | {s / query_s:.3g} |" for name, s in medians.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("bench/results"), help="folder the results are written to")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--interval-s", type=int, default=300, help="seconds between two samples of a device")
    parser.add_argument("--seed", type=int, default=2024)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        generate(root, asked.devices, asked.interval_s, asked.seed)
        size = sum(path.stat().st_size for path in (root / "landing").rglob("*.parquet"))
        seconds = measure(root, asked.repetitions)
        where = profile(root)
    table = as_table(seconds)
    found = {
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "processors": processors(),
        "devices": asked.devices,
        "interval_s": asked.interval_s,
        "seed": asked.seed,
        "bytes": size,
        "seconds": seconds,
    }
    of = f"{asked.devices} devices, a sample every {asked.interval_s} s, {size / 1e6:.0f} MB of Parquet"
    asked.to.mkdir(parents=True, exist_ok=True)
    (asked.to / "backfill.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    text = f"# A backfill of twelve quarters\n\n{of}.\n\n{table}\n\n## Where building takes its time\n\n{where}\n"
    (asked.to / "backfill.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
