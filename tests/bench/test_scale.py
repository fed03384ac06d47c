"""The scale job, small: what is planted is what every side finds, and all sum up the same."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import runs
import workspaces
from sides import job
from telemetry_day import Day, in_order_of_time, write_day

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.schemas.columns import IDENTIFIER
from suanheng.schemas.datasets.telemetry import ACCELERATOR_SAMPLES
from suanheng.warehouse.lake import reading

DEVICES = 20
GOOD_SAMPLES = DEVICES * 24 * 3600 // 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scale")


@pytest.fixture(scope="module")
def day(folder: Path) -> Day:
    return write_day(folder, 0, DEVICES, seed=7)


@pytest.fixture(scope="module")
def polars_rollup(day: Day, folder: Path) -> Path:
    run = runs.peer(Path(sys.executable), "polars_streaming.py", day, folder / "polars")
    assert run.problem is None
    assert run.broken == day.broken
    return folder / "polars" / job.ROLLUP_FILE


def test_a_day_holds_one_sample_per_device_and_interval_and_what_is_repeated(day: Day) -> None:
    rows = pl.read_parquet(day.path)
    repeated = day.broken["device_id, sampled_at_utc is unique"]
    assert rows.height == day.rows == GOOD_SAMPLES + repeated
    assert list(rows.columns) == [name for name in ACCELERATOR_SAMPLES.columns if name in rows.columns]
    assert rows["sampled_at_utc"].min() == datetime(2024, 1, 1)
    assert rows["sampled_at_utc"].max() == datetime(2024, 1, 1, 23, 59, 45)
    assert (
        rows.drop_nulls("device_id")
        .select("device_id", "sampled_at_utc")
        .equals(rows.drop_nulls("device_id").select("device_id", "sampled_at_utc").sort("device_id", "sampled_at_utc"))
    )


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(day: Day, tmp_path: Path) -> None:
    rows = pl.read_parquet(day.path)
    assert pl.read_parquet(write_day(tmp_path, 0, DEVICES, seed=7).path).equals(rows)
    assert not pl.read_parquet(write_day(tmp_path, 0, DEVICES, seed=8).path).equals(rows)


def test_the_next_day_goes_on_where_the_counters_stood(day: Day, folder: Path) -> None:
    counters = pl.concat(
        [pl.read_parquet(day.path), pl.read_parquet(write_day(folder, 1, DEVICES, seed=7).path)]
    ).drop_nulls("device_id")
    rises = counters.unique(["device_id", "sampled_at_utc"], keep="first", maintain_order=True).select(
        pl.col("energy_counter_j").diff().over("device_id")
    )
    assert rises.drop_nulls().min().item() > 0
    assert rises.drop_nulls().max().item() < 1.2 * 700 * 15 * 3


def test_in_order_of_time_the_rows_are_the_same(day: Day) -> None:
    by_time = in_order_of_time(day)
    key = ["sampled_at_utc", "device_id", "energy_counter_j"]
    rows = pl.read_parquet(by_time.path)
    assert rows["sampled_at_utc"].is_sorted()
    assert rows.sort(key).equals(pl.read_parquet(day.path).sort(key))


def test_the_bare_query_counts_every_row(day: Day, folder: Path) -> None:
    run = runs.query("bare.py", day, folder / "bare")
    assert (run.problem, run.samples) == (None, day.rows)


def test_polars_and_pandas_find_what_was_planted_and_sum_up_the_same(
    day: Day, folder: Path, polars_rollup: Path
) -> None:
    run = runs.peer(Path(sys.executable), "pandas_pandera.py", day, folder / "pandas")
    assert run.problem is None
    assert run.broken == day.broken
    assert runs.agree(folder / "pandas" / job.ROLLUP_FILE, polars_rollup)


def test_the_rollup_is_that_of_the_good_rows(day: Day, polars_rollup: Path) -> None:
    rows = pl.read_parquet(day.path)
    good = rows.unique(["device_id", "sampled_at_utc"], keep="first", maintain_order=True).filter(
        pl.col("device_id").is_not_null(),
        pl.col("utilisation_ratio") <= 1,
        pl.col("power_w").is_between(0, 20_000),
        pl.col("temperature_c") <= 150,
        pl.col("memory_used_bytes") <= pl.col("memory_total_bytes"),
    )
    hours = pl.read_parquet(polars_rollup)
    assert hours.height == DEVICES * 24
    assert hours["samples"].sum() == good.height == day.good_rows
    assert hours["power_sum_w"].sum() == pytest.approx(good["power_w"].sum(), rel=1e-12)


def test_rollups_that_differ_in_one_hour_do_not_agree(polars_rollup: Path, tmp_path: Path) -> None:
    hours = pl.read_parquet(polars_rollup)
    is_first = pl.int_range(pl.len()) == 0
    hours.with_columns(pl.col("power_sum_w") + is_first).write_parquet(tmp_path / "differs.parquet")
    hours.filter(~is_first).write_parquet(tmp_path / "lacks.parquet")
    assert not runs.agree(tmp_path / "differs.parquet", polars_rollup)
    assert not runs.agree(tmp_path / "lacks.parquet", polars_rollup)


def test_a_side_that_finds_another_number_of_wrong_rows_has_failed(day: Day, folder: Path) -> None:
    claimed = replace(day, broken={**day.broken, "power_w >= 0": 99})
    run = runs.peer(Path(sys.executable), "polars_streaming.py", claimed, folder / "claimed")
    assert run.problem is not None
    assert "power_w >= 0: 2 rows instead of 99" in run.problem


def test_our_quarantine_holds_what_was_planted(day: Day, tmp_path: Path) -> None:
    workspaces.prepare(tmp_path / "prepared")
    workspaces.copy(tmp_path / "prepared", tmp_path / "site", [day])
    workspace = open_workspace(tmp_path / "site")
    night.ingest(workspace, Steps(), datetime(2024, 5, 1, tzinfo=UTC))
    assert workspaces.broken(workspace.root) == day.broken
    with reading(workspace) as lake:
        assert lake.value("SELECT count(*) FROM staged.accelerator_samples") == day.good_rows


def test_the_sides_hold_rows_to_the_bounds_of_the_contract() -> None:
    contract = {
        (name, sign, bound)
        for name, column in ACCELERATOR_SAMPLES.columns.items()
        for sign, bound in ((">=", column.at_least), ("<=", column.at_most))
        if bound is not None
    }
    absent = ("row_number", "interval_s", "device_count")
    assert set(job.BOUNDS) == {bound for bound in contract if bound[0] not in absent}
    assert job.IDENTIFIER == IDENTIFIER
