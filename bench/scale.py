"""Measures the scale job on one machine: our whole path beside a bare query and beside other tools that do the same.

The job is a day of one site whose every accelerator is sampled every 15 s, some rows wrong. Each side runs in a fresh
process, one after the other, round for round; a side's ratio is the median over the rounds of its seconds by those of
the bare query in the same round. A side that fails, or finds other wrong rows than were planted, is covered and not
compared. Then our path alone ingests 1, 2, 4 and 8 days, and a day in which the samples of an instant are together.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import log
from pathlib import Path
from statistics import linear_regression, median

import runs
from machine import description
from runs import Run
from scale_table import NIGHT, NO_NEWS, ORDER_OF_TIME, YARDSTICK, as_markdown
from sides import job
from telemetry_day import Day, in_order_of_time, write_day

PEERS = {
    "Polars, streaming": "polars_streaming.py",
    "pandas and pandera": "pandas_pandera.py",
    "dbt and DuckDB": "dbt_duckdb.py",
    "PySpark, local": "pyspark_local.py",
}
SLOW = ("dbt and DuckDB", "PySpark, local")
"""Sides that may be left out of later rounds; the table says how many rounds each was in."""


def rounds(
    day: Day, by_time: Day | None, number: int, slow: int, peers_python: Path, folder: Path
) -> dict[str, list[Run]]:
    """Run every side once per round, slow ones in the first rounds only."""
    sides: dict[str, list[Run]] = defaultdict(list)
    for at in range(1, number + 1):
        for name, run in _one_round(day, by_time, at <= slow, peers_python, folder):
            _tell(f"round {at} of {number}: {name}", run)
            sides[name].append(run)
    return dict(sides)


def _one_round(day: Day, by_time: Day, with_slow: bool, peers_python: Path, folder: Path) -> Iterator[tuple[str, Run]]:
    yield YARDSTICK, runs.query("bare.py", day, folder / "bare")
    yield from zip((NIGHT, NO_NEWS), runs.nights([day], folder), strict=True)
    if by_time is not None:
        yield ORDER_OF_TIME, runs.nights([by_time], folder)[0]
    agreed: Path | None = None
    for name, program in PEERS.items():
        if name in SLOW and not with_slow:
            continue
        run = runs.peer(peers_python, program, day, folder / program)
        if run.problem is None:
            rollup = folder / program / job.ROLLUP_FILE
            agreed = agreed or rollup
            if not runs.agree(rollup, agreed):
                run = replace(run, problem=f"its rollup differs from that of {agreed.parent.name}")
        yield name, run


def series(days: list[Day], number: int, folder: Path) -> dict[int, list[Run]]:
    """Run our path on the first 1, 2, 4 … days, once per round."""
    lengths = [2**power for power in range(len(days).bit_length())]
    found: dict[int, list[Run]] = {length: [] for length in lengths}
    for at in range(1, number + 1):
        for length in lengths:
            run, _ = runs.nights(days[:length], folder)
            _tell(f"round {at} of {number}: {length} days", run)
            found[length].append(run)
    return found


def exponent(grown: Mapping[int, Sequence[Run]]) -> float | None:
    """Slope of the logarithm of the median seconds over that of the days: 1 where cost grows as the days do."""
    lengths = [length for length, repeated in grown.items() if all(run.problem is None for run in repeated)]
    if len(lengths) < 2:
        return None
    seconds = [median(run.work_s for run in grown[length]) for length in lengths]
    return linear_regression(list(map(log, lengths)), list(map(log, seconds))).slope


def _tell(what: str, run: Run) -> None:
    stated = run.problem or f"{run.work_s:.1f} s, {run.peak_bytes / 2**20:.0f} MiB"
    print(f"{what}: {stated}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("bench/results"), help="folder the results are written to")
    parser.add_argument("--data", type=Path, default=Path("bench/data"), help="folder the days are kept in")
    parser.add_argument("--peers", type=Path, default=Path(".venv-bench/bin/python"), help="Python that has the peers")
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=8, help="longest of the series; 1, 2, 4 … up to it are run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--order-of-time", action="store_true", help="also a file in which instants are together")
    parser.add_argument("--slow-rounds", type=int, help="rounds that slow sides are in; all by default")
    parser.add_argument("--series-rounds", type=int, default=3, help="rounds of 1, 2, 4 … days, which take longest")
    parser.add_argument("--seed", type=int, default=2024)
    asked = parser.parse_args()
    days = [write_day(asked.data, number, asked.devices, asked.seed) for number in range(asked.days)]
    by_time = in_order_of_time(days[0]) if asked.order_of_time else None
    slow_rounds = asked.rounds if asked.slow_rounds is None else asked.slow_rounds
    with tempfile.TemporaryDirectory(dir=asked.data) as temporary:
        folder = Path(temporary)
        sides = rounds(days[0], by_time, asked.rounds, slow_rounds, asked.peers, folder)
        grown = series(days, min(asked.rounds, asked.series_rounds), folder)
    found = {
        "machine": description(asked.peers),
        "job": {
            "devices": asked.devices,
            "seed": asked.seed,
            "rows": days[0].rows,
            "bytes": days[0].path.stat().st_size,
            "planted": days[0].broken,
        },
        "sides": {name: [asdict(run) for run in repeated] for name, repeated in sides.items()},
        "series": {length: [asdict(run) for run in repeated] for length, repeated in grown.items()},
        "exponent": exponent(grown),
    }
    table = as_markdown(found)
    asked.to.mkdir(parents=True, exist_ok=True)
    (asked.to / "scale.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (asked.to / "scale.md").write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
