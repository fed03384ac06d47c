"""Measures night after night on the routes that centres use: files of Prometheus, and CSV files of every device.

Each night brings one more day, in a process of its own, as a scheduler starts it; Prefect and the pages are left out.
What it costs may not depend on how many days came before: the last night is set against the first in processor seconds
and in peak memory. The first night of an empty workspace also makes all tables; it is measured without a day.
"""

import argparse
import csv
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measured import Measured, measured
from workspaces import SITE

FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
LANDING = Path("landing/bench")
METRICS = (
    ("DCGM_FI_DEV_POWER_USAGE", lambda draw, _: f"{300 + 400 * draw:.1f}"),
    ("DCGM_FI_DEV_GPU_UTIL", lambda draw, _: f"{100 * draw:.0f}"),
    ("DCGM_FI_DEV_FB_USED", lambda draw, _: f"{80_000 * draw:.0f}"),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", lambda _, point: f"{point * 30_000_000}"),
)
"""Metrics of an accelerator and what a point of them says, by a number between 0 and 1 and the minutes until then."""

NIGHT = """
import sys
from datetime import datetime
from pathlib import Path
from suanheng.config.workspace import open_workspace
from suanheng.flows.night import night
from suanheng.flows.orchestration.steps import Steps
outcome = night(open_workspace(Path(sys.argv[1])), Steps(), datetime.fromisoformat(sys.argv[2]), write_reports=False)
assert not outcome.failures, outcome.failures
"""


@dataclass(frozen=True)
class Route:
    """How telemetry comes in.

    Attributes:
        name: its short name.
        source: its ``[[source]]``.
        devices: accelerators of the site.
        deliver: writes the files of a day.
    """

    name: str
    source: str
    devices: int
    deliver: Callable[[Path, datetime, int], None]


def _matrix(root: Path, day: datetime, devices: int) -> None:
    """One answer of ``/api/v1/query_range`` over a day, a point a minute, as ``suanheng pull`` writes it."""
    draws, begin = random.Random(day.toordinal()), int(day.timestamp())
    since = int((day - FIRST_DAY).total_seconds()) // 60
    with gzip.open(root / LANDING / f"{day:%Y-%m-%d}.json.gz", "wt", compresslevel=1) as file:
        file.write('{"status":"success","data":{"resultType":"matrix","result":[')
        for device in range(devices):
            labels = {
                "UUID": f"GPU-{device:05}",
                "Hostname": f"node-{device // 8:04}",
                "modelName": "NVIDIA H100 80GB HBM3",
            }
            for number, (metric, say) in enumerate(METRICS):
                values = ",".join(
                    f'[{begin + 60 * minute},"{say(draws.random(), since + minute)}"]' for minute in range(1440)
                )
                head = "" if device == number == 0 else ","
                file.write(f'{head}{{"metric":{json.dumps({"__name__": metric, **labels})},"values":[{values}]}}')
        file.write("]}}")


def _csv_files(root: Path, day: datetime, devices: int) -> None:
    """A file of every device, a row every five minutes."""
    draws = random.Random(day.toordinal())
    header = ("device_id", "sku", "sampled_at_utc", "interval_s", "utilisation_ratio", "power_w")
    for device in range(devices):
        with (root / LANDING / f"{day:%Y-%m-%d}-{device:04}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            for place in range(288):
                at, busy = day + timedelta(minutes=5 * place), draws.random()
                writer.writerow(
                    (f"gpu-{device:04}", "H100 SXM", f"{at:%Y-%m-%dT%H:%M:%SZ}", 300, round(busy, 4), 300 + 400 * busy)
                )


def _source(format_name: str, pattern: str, more: str = "") -> str:
    return (
        f'[[source]]\nformat = "{format_name}"\nfiles = "landing/{{site}}/{pattern}"\n'
        f'cadence = "once"\nevidence = "simulated"\n{more}'
    )


ROUTES = {
    "prometheus": Route("prometheus", _source("prometheus_matrix", "*.json.gz"), 300, _matrix),
    "csv": Route("csv", _source("template", "*.csv", 'dataset = "accelerator_samples"\n'), 1000, _csv_files),
}


@dataclass(frozen=True)
class Night:
    """What a night took: the day it brought, by number; processor seconds, peak memory, size of the catalogue."""

    day: int
    cpu_s: float
    peak_mib: float
    catalogue_mib: float


def nights(route: Route, days: int, devices: int) -> Iterator[Night]:
    """Let a site deliver day after day, each followed by a night; yields what each took."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / LANDING).mkdir(parents=True)
        (root / "suanheng.toml").touch()
        (root / "sites.toml").write_text(SITE, encoding="utf-8")
        (root / "sources.toml").write_text(route.source, encoding="utf-8")
        for number in range(days + 1):
            if number:
                route.deliver(root, FIRST_DAY + timedelta(days=number - 1), devices)
            taken = _night(root, FIRST_DAY + timedelta(days=number, hours=2))
            catalogue = sum(path.stat().st_size for path in root.rglob("*.sqlite*"))
            yield Night(number, round(taken.cpu_s, 2), round(taken.peak_bytes / 2**20), round(catalogue / 2**20, 1))


def _night(root: Path, now: datetime) -> Measured:
    taken = measured([sys.executable, "-c", NIGHT, root, now.isoformat()])
    if taken.problem:
        raise SystemExit(taken.problem)
    return taken


def main() -> None:
    """Print a table of nights per route, and the last night against the first as ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--route", choices=[*ROUTES, "all"], default="all")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--devices", type=int, help="accelerators; 300 of prometheus, 1,000 of csv where not given")
    arguments = parser.parse_args()
    for route in ROUTES.values():
        if arguments.route not in ("all", route.name):
            continue
        devices = arguments.devices or route.devices
        print(
            f"{route.name}, {devices} devices\n\n| day | CPU s | peak MiB | catalogue MiB |\n| --- | --- | --- | --- |"
        )
        found = []
        for night in nights(route, arguments.days, devices):
            print(f"| {night.day} | {night.cpu_s} | {night.peak_mib:.0f} | {night.catalogue_mib} |", flush=True)
            found.append(night)
        first, last = found[1], found[-1]
        ratios = {"cpu": round(last.cpu_s / first.cpu_s, 2), "peak": round(last.peak_mib / first.peak_mib, 2)}
        print(f"\nday {last.day} / day 1: {ratios}\n")
        print(json.dumps([asdict(night) for night in found]), file=sys.stderr)


if __name__ == "__main__":
    main()
