"""Writes the reference job of the scale bench: days of one site, every accelerator sampled every 15 s, some rows wrong.

A day is one Parquet file with the dataset's own columns. All values follow from the seed by hashing, so that the same
seed gives the same rows on every machine. Which row is made wrong in which way is drawn before anything is written;
the counts that come back are those of the draw, not of any check.
"""

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

FIRST_DAY = datetime(2024, 1, 1)
INTERVAL_S = 15
SAMPLES_PER_HOUR = 3600 // INTERVAL_S
SAMPLES_PER_DAY = 24 * SAMPLES_PER_HOUR
DEVICES_PER_NODE = 8
SKU = "H100 SXM 80GB"


class Fault(NamedTuple):
    """One way in which a row is made wrong.

    Attributes:
        name: what is done to it.
        rule: the one rule it breaks then, as the sides of the scratch database name it.
        per_million: rows in a million that are made wrong so.
    """

    name: str
    rule: str
    per_million: int


FAULTS = (
    Fault("too_busy", "utilisation_ratio <= 1", 20),
    Fault("negative_power", "power_w >= 0", 15),
    Fault("too_much_power", "power_w <= 20000", 10),
    Fault("no_device", "device_id IS NOT NULL", 5),
    Fault("too_hot", "temperature_c <= 150", 8),
    Fault("too_full", "memory_used_bytes <= memory_total_bytes", 12),
    Fault("repeated", "device_id, sampled_at_utc is unique", 30),
)
"""A row has one fault at most. ``repeated`` leaves the row as it is and adds one right after it, with other values."""

CODES = {fault.name: code for code, fault in enumerate(FAULTS, start=1)}
STEPS_PER_SAMPLE = len(FAULTS) + 1
"""A step is a sample and what is wrong with it: sample x steps per sample + code, where 0 is a good row."""

IN_ONE_GO = "SET threads = 1; SET preserve_insertion_order = false"
"""One thread writes rows as they come, which is in order; more would hold back what comes too early, in memory."""

HOURS = """
    CREATE TABLE hours AS
    WITH loads AS (
        SELECT
            device,
            hour,
            hash({seed}, 'idle', device // 64, hour) % 10 = 0 AS is_idle,
            40 + hash({seed}, 'load', device // 64, hour) % 56 AS load_percent,
            CASE WHEN is_idle THEN 0 ELSE load_percent END::BIGINT AS busy_percent,
            80 + 6 * busy_percent AS mean_power_w
        FROM range({devices}) AS devices(device), range(24 * ({day} + 1)) AS hours(hour)
    ),
    counters AS (
        SELECT
            *,
            hash({seed}, 'start', device) % 1_000_000_000
                + 3600 * (sum(mean_power_w) OVER (PARTITION BY device ORDER BY hour) - mean_power_w) AS counter_j
        FROM loads
    ),
    faults_of_hours AS (
        SELECT
            device,
            sample // {samples_per_hour} AS hour,
            list(sample * {steps_per_sample} + code) AS added,
            list(sample * {steps_per_sample}) FILTER (WHERE code <> {repeated}) AS replaced
        FROM faults
        GROUP BY ALL
    )
    SELECT
        device,
        hour,
        busy_percent,
        mean_power_w,
        counter_j::BIGINT AS counter_j,
        coalesce(added, []) AS added,
        coalesce(replaced, []) AS replaced
    FROM counters
    LEFT JOIN faults_of_hours USING (device, hour)
    WHERE hour >= 24 * {day}
    ORDER BY device, hour
"""
"""Load of each device in each hour: 64 devices share a job. The counter is that at the beginning of the hour."""

SAMPLES = """
    WITH steps AS (
        SELECT
            device,
            busy_percent,
            mean_power_w,
            counter_j,
            unnest(
                CASE
                    WHEN added = [] THEN good
                    ELSE list_sort(list_filter(good, lambda step: NOT list_contains(replaced, step)) || added)
                END
            ) AS step
        FROM (
            SELECT
                *,
                range(
                    hour * {samples_per_hour} * {steps_per_sample},
                    (hour + 1) * {samples_per_hour} * {steps_per_sample},
                    {steps_per_sample}
                ) AS good
            FROM hours
        )
    ),
    drawn AS (
        SELECT
            *,
            step // {steps_per_sample} AS sample,
            step % {steps_per_sample} AS code,
            sample % {samples_per_hour} * {interval_s} AS second,
            hash({seed}, device, step) AS noise
        FROM steps
    )
    SELECT
        'node-' || lpad((device // {devices_per_node})::VARCHAR, 5, '0') AS node_id,
        CASE WHEN code <> {no_device} THEN 'GPU-' || lpad(device::VARCHAR, 6, '0') END AS device_id,
        '{sku}' AS sku,
        TIMESTAMP '{first_day}' + to_seconds(sample * {interval_s}) AS sampled_at_utc,
        CASE code WHEN {too_busy} THEN 1.5 ELSE least(busy_percent + noise % 5, 100) / 100 END::DOUBLE
            AS utilisation_ratio,
        busy_percent * (400_000 + (noise >> 8) % 400_000) / 100_000_000 AS tensor_active_ratio,
        CASE code
            WHEN {too_full} THEN 96 * 1024 ** 3
            ELSE (4096 + 2880 * busy_percent + (noise >> 20) % 2048) * 512 ** 2
        END AS memory_used_bytes,
        80 * 1024 ** 3 AS memory_total_bytes,
        CASE code
            WHEN {negative_power} THEN -200
            WHEN {too_much_power} THEN 65_535
            ELSE mean_power_w - 20 + (noise >> 29) % 40_000 / 1000
        END::DOUBLE AS power_w,
        counter_j + mean_power_w * second + (noise >> 45) % 512_000 / 1000 AS energy_counter_j,
        CASE code WHEN {too_hot} THEN 255 ELSE 32 + busy_percent * 0.4 + (noise >> 54) % 4 END::DOUBLE AS temperature_c,
        (1980 - 15 * ((noise >> 56) % 8)::INTEGER)::DOUBLE AS sm_clock_mhz,
        CASE WHEN noise % 100_003 = 0 THEN 94 ELSE 0 END::BIGINT AS error_code
    FROM drawn
"""
"""The rows of a day by device and instant: each hour of a device unfolds into its samples where it stands."""

IN_ORDER_OF_TIME = """
    SELECT * EXCLUDE file_row_number
    FROM read_parquet('{path}', file_row_number = true)
    ORDER BY sampled_at_utc, file_row_number
"""


@dataclass(frozen=True)
class Day:
    """A written day.

    Attributes:
        path: the Parquet file.
        rows: its rows, the wrong ones among them.
        broken: rows that were made wrong, by the rule they break.
    """

    path: Path
    rows: int
    broken: dict[str, int]

    @property
    def good_rows(self) -> int:
        return self.rows - sum(self.broken.values())


def write_day(folder: Path, day: int, devices: int, seed: int) -> Day:
    """Write one day, sorted by device and instant, unless it is there already.

    Args:
        folder: where; the file is named after what decides its content.
        day: days after the first.
        devices: accelerators of the site.
        seed: the same seed gives the same rows.
    """
    path = folder / f"{devices}-devices-seed-{seed}-day-{day + 1}.parquet"
    faults = _draw(day, devices, seed)
    drawn = Counter(code for _, _, code in faults)
    broken = {fault.rule: drawn[code] for code, fault in enumerate(FAULTS, start=1)}
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(IN_ONE_GO)
            connection.execute("CREATE TABLE faults (device BIGINT, sample BIGINT, code BIGINT)")
            connection.executemany("INSERT INTO faults VALUES (?, ?, ?)", faults)
            given = {
                **CODES,
                "seed": seed,
                "day": day,
                "devices": devices,
                "sku": SKU,
                "first_day": FIRST_DAY,
                "interval_s": INTERVAL_S,
                "samples_per_hour": SAMPLES_PER_HOUR,
                "steps_per_sample": STEPS_PER_SAMPLE,
                "devices_per_node": DEVICES_PER_NODE,
            }
            connection.execute(HOURS.format(**given))
            _copy(connection, SAMPLES.format(**given), path)
    return Day(path, devices * SAMPLES_PER_DAY + drawn[CODES["repeated"]], broken)


def in_order_of_time(day: Day) -> Day:
    """The same rows with those of one instant together, unless they are there already."""
    path = day.path.with_stem(f"{day.path.stem}-in-order-of-time")
    if not path.exists():
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit = '4GB'; SET temp_directory = '{path.with_suffix('.sorting')}'")
            _copy(connection, IN_ORDER_OF_TIME.format(path=day.path), path)
    return replace(day, path=path)


def _draw(day: int, devices: int, seed: int) -> list[tuple[int, int, int]]:
    """Device, sample and fault of the rows that are made wrong; at least two of each fault."""
    rows = devices * SAMPLES_PER_DAY
    codes = [
        code for code, fault in enumerate(FAULTS, start=1) for _ in range(max(2, rows * fault.per_million // 1_000_000))
    ]
    places = random.Random(f"{seed} {day} {devices}").sample(range(rows), len(codes))
    return [
        (place // SAMPLES_PER_DAY, day * SAMPLES_PER_DAY + place % SAMPLES_PER_DAY, code)
        for place, code in zip(places, codes, strict=True)
    ]


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write under another name first: a file that is there is whole."""
    unfinished = path.with_suffix(".unfinished")
    connection.execute(f"COPY ({query}) TO '{unfinished}' (FORMAT parquet, COMPRESSION zstd)")
    unfinished.rename(path)
