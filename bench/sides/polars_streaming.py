"""The job in Polars' streaming engine: rules as expressions, rule counts and rollup from one scan."""

import operator
from pathlib import Path

import job
import polars as pl

OPPOSITE = {">=": operator.lt, "<=": operator.gt}


def broken_rules() -> dict[str, pl.Expr]:
    """For each rule whether a row breaks it; an unknown value breaks none."""
    whole_name = f"^(?:{job.IDENTIFIER})$"
    rules = {
        **{job.bound(*rule): OPPOSITE[rule[1]](pl.col(rule[0]), rule[2]) for rule in job.BOUNDS},
        **{job.is_stated(column): pl.col(column).is_null() for column in job.REQUIRED},
        **{job.is_name(column): ~pl.col(column).str.contains(whole_name) for column in job.NAMES},
        job.WITHIN_TOTAL: pl.col("memory_used_bytes") > pl.col("memory_total_bytes"),
    }
    return {rule: is_broken.fill_null(False) for rule, is_broken in rules.items()}


def check_and_roll_up(file: Path, rollup: Path) -> dict[str, int]:
    """Duplicates are looked for in the row before, which finds all of them in a file sorted by the key.

    Raises:
        ValueError: the file is not sorted by the key.
    """
    rules = broken_rules()
    samples = pl.scan_parquet(file)
    good = samples.filter(~pl.any_horizontal(rules.values()))
    device, instant = map(pl.col, job.KEY)
    is_same_device, since = device == device.shift(), instant - instant.shift()
    is_repeated = (is_same_device & (since == pl.duration())).fill_null(False)
    is_sorted = ((device > device.shift()) | (is_same_device & (since >= pl.duration()))).fill_null(True)
    looked_at = good.with_columns(is_repeated=is_repeated, is_sorted=is_sorted)
    counts, repeats, hours = pl.collect_all(
        [
            samples.select(is_broken.sum().alias(rule) for rule, is_broken in rules.items()),
            looked_at.select(pl.col("is_repeated").sum(), pl.col("is_sorted").all()),
            rolled_up(looked_at.filter(~pl.col("is_repeated"))),
        ],
        engine="streaming",
    )
    if not repeats["is_sorted"].item():
        raise ValueError(f"{file} is not sorted by {', '.join(job.KEY)}, so that duplicates may be missed")
    hours.write_parquet(rollup)
    return {**counts.row(0, named=True), job.UNIQUE: repeats["is_repeated"].item()}


def rolled_up(samples: pl.LazyFrame) -> pl.LazyFrame:
    """One row per device and hour."""
    hour = pl.col("sampled_at_utc").dt.truncate("1h").alias("hour_start_utc")
    return samples.group_by("device_id", hour).agg(
        pl.col("node_id", "sku").first(),
        pl.len().alias("samples"),
        pl.col("utilisation_ratio").sum().alias("utilisation_sum"),
        pl.col("tensor_active_ratio").sum().alias("tensor_active_sum"),
        pl.col("memory_used_bytes", "memory_total_bytes").max(),
        pl.col("power_w").sum().alias("power_sum_w"),
        (pl.col("energy_counter_j").max() - pl.col("energy_counter_j").min()).alias("energy_j"),
        pl.col("temperature_c").max(),
        pl.col("sm_clock_mhz").min(),
        (pl.col("error_code") > 0).sum().alias("errors"),
    )


if __name__ == "__main__":
    job.run(check_and_roll_up)
