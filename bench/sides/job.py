"""The job that every side of the scale bench does: hold each sample to the same rules, sum up the good ones per hour.

A side is run as a program of its own, with the file of samples and a folder to write to. It leaves two files there:
``device_hour.parquet``, the rollup of the rows that break no rule, and ``found.json``: how many rows break each rule,
and the seconds from its imports to its last byte. Nothing is imported here but the standard library, so that no side
pays for another.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

NAMES = ("node_id", "device_id", "sku")
IDENTIFIER = r"[^\s<>\"'`;=+@|\\./-][^<>\"`;|\\\x00-\x1f\x7f]{0,199}"
"""What a name may be, as in the contract of accelerator samples; so are the bounds."""

REQUIRED = ("device_id", "sampled_at_utc")
BOUNDS = [
    ("utilisation_ratio", ">=", 0),
    ("utilisation_ratio", "<=", 1),
    ("tensor_active_ratio", ">=", 0),
    ("tensor_active_ratio", "<=", 1),
    ("memory_used_bytes", ">=", 0),
    ("memory_used_bytes", "<=", 10**18),
    ("memory_total_bytes", ">=", 0),
    ("memory_total_bytes", "<=", 10**18),
    ("power_w", ">=", 0),
    ("power_w", "<=", 20_000),
    ("energy_counter_j", ">=", 0),
    ("energy_counter_j", "<=", 10**18),
    ("temperature_c", ">=", -50),
    ("temperature_c", "<=", 150),
    ("sm_clock_mhz", ">=", 0),
    ("sm_clock_mhz", "<=", 10_000),
    ("error_code", ">=", 0),
    ("error_code", "<=", 10**9),
]
WITHIN_TOTAL = "memory_used_bytes <= memory_total_bytes"
KEY = ("device_id", "sampled_at_utc")
UNIQUE = "device_id, sampled_at_utc is unique"
"""Of the rows of one key that break no other rule, the first counts."""


def bound(column: str, sign: str, limit: int) -> str:
    """Name of a rule, which is also what it says in SQL."""
    return f"{column} {sign} {limit}"


def is_stated(column: str) -> str:
    return f"{column} IS NOT NULL"


def is_name(column: str) -> str:
    return f"{column} is a name"


ROLLUP = """
    SELECT
        device_id,
        date_trunc('hour', sampled_at_utc) AS hour_start_utc,
        any_value(node_id) AS node_id,
        any_value(sku) AS sku,
        count(*) AS samples,
        sum(utilisation_ratio) AS utilisation_sum,
        sum(tensor_active_ratio) AS tensor_active_sum,
        max(memory_used_bytes) AS memory_used_bytes,
        max(memory_total_bytes) AS memory_total_bytes,
        sum(power_w) AS power_sum_w,
        max(energy_counter_j) - min(energy_counter_j) AS energy_j,
        max(temperature_c) AS temperature_c,
        min(sm_clock_mhz) AS sm_clock_mhz,
        count(*) FILTER (WHERE error_code > 0) AS errors
    FROM {samples}
    GROUP BY ALL
"""
"""The rollup in SQL. One row per device and hour."""

VALUES = (
    "samples",
    "utilisation_sum",
    "tensor_active_sum",
    "memory_used_bytes",
    "memory_total_bytes",
    "power_sum_w",
    "energy_j",
    "temperature_c",
    "sm_clock_mhz",
    "errors",
)
"""Its columns of numbers."""


FOUND = "found.json"
ROLLUP_FILE = "device_hour.parquet"


def run(work: Callable[[Path, Path], Mapping[str, int]]) -> None:
    """Do the work and write what was found; rules that no row breaks are left out."""
    file, folder = map(Path, sys.argv[1:])
    started = perf_counter()
    broken = work(file, folder / ROLLUP_FILE)
    found = {"work_s": perf_counter() - started, "broken": {rule: int(rows) for rule, rows in broken.items() if rows}}
    (folder / FOUND).write_text(json.dumps(found), encoding="utf-8")
