"""A workspace whose one site delivers days of samples."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sides import job
from telemetry_day import Day

from suanheng.config.workspace import open_workspace
from suanheng.warehouse.lake import reading

SITE = """\
[[site]]
site_id = "bench"
name_en = "Site of the scratch database"
name_zh = "测试中心"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
country = "CN"
commissioned_on = 2023-01-01
"""
SOURCE = """\
[[source]]
format = "template"
dataset = "accelerator_samples"
files = "landing/{site}/accelerator_samples/*.parquet"
cadence = "once"
evidence = "simulated"
"""
LANDING = Path("landing/bench/accelerator_samples")
RULES = {
    **{("greater_than_or_equal_to", rule[0]): job.bound(*rule) for rule in job.BOUNDS if rule[1] == ">="},
    **{("less_than_or_equal_to", rule[0]): job.bound(*rule) for rule in job.BOUNDS if rule[1] == "<="},
    **{("not_nullable", column): job.is_stated(column) for column in job.REQUIRED},
    **{("str_matches", column): job.is_name(column) for column in job.NAMES},
    ("memory_used_within_total", None): job.WITHIN_TOTAL,
    ("duplicate_key", None): job.UNIQUE,
}
"""What the quarantine calls a rule and the column it is of, and what the scratch database calls it."""


def prepare(root: Path) -> None:
    """Write the settings of a workspace to which nothing has been delivered yet."""
    (root / LANDING).mkdir(parents=True)
    (root / "suanheng.toml").touch()
    (root / "sites.toml").write_text(SITE, encoding="utf-8")
    (root / "sources.toml").write_text(SOURCE, encoding="utf-8")


def copy(prepared: Path, root: Path, days: Sequence[Day]) -> None:
    """Copy a prepared workspace and deliver days to it, under a second name where the disk allows it."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(prepared, root)
    for day in days:
        try:
            os.link(day.path, root / LANDING / day.path.name)
        except OSError:
            shutil.copyfile(day.path, root / LANDING / day.path.name)


def remove(root: Path) -> None:
    """Delete it; the days stay where they were written."""
    shutil.rmtree(root)


def broken(root: Path) -> dict[str, int]:
    """Records in quarantine, by the rule they break."""
    query = "SELECT rule, column_name, count(*) FROM quarantine.records GROUP BY ALL"
    with reading(open_workspace(root)) as lake:
        counts: Counter[str] = Counter()
        for rule, column, rows in lake.frame(query).iter_rows():
            counts[RULES.get((rule, column), f"{rule} {column or ''}")] += rows
    return dict(counts)


def samples(root: Path) -> int:
    """Samples that the rollup per device and hour is made of."""
    with reading(open_workspace(root)) as lake:
        return lake.value("SELECT coalesce(sum(samples), 0)::BIGINT FROM rollups.device_hour")


def scorecards(root: Path) -> int:
    """Composite scores that were built."""
    with reading(open_workspace(root)) as lake:
        return lake.value("SELECT count(*) FROM scorecards.composites")


def runs_with_news(root: Path) -> int:
    """Runs that did something."""
    with reading(open_workspace(root)) as lake:
        return lake.value("SELECT count(*) FROM ops.runs")
