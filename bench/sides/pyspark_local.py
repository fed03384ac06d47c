"""The job in PySpark on two local threads: rules as columns, duplicates by a window over their key, one pass."""

import shutil
from functools import partial, reduce
from operator import or_
from pathlib import Path

import job
from pyspark.sql import Column, Observation, SparkSession, Window
from pyspark.sql import functions as f

POSITION = "position"
"""Where a row stands in the file: of two duplicates the first counts."""


def session() -> SparkSession:
    """A session that listens on loopback alone and serves no pages.

    Raises:
        SystemExit: there is no Java.
    """
    if not shutil.which("java"):
        raise SystemExit("java is not installed, and Spark runs on it")
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "32")
        .getOrCreate()
    )


def rules() -> dict[str, Column]:
    """For each rule whether a row breaks it; an unknown value breaks none."""
    kept = {
        **{job.bound(*rule): f.expr(job.bound(*rule)) for rule in job.BOUNDS},
        **{job.is_stated(column): f.expr(job.is_stated(column)) for column in job.REQUIRED},
        **{job.is_name(column): f.col(column).rlike(f"^(?:{job.IDENTIFIER})$") for column in job.NAMES},
        job.WITHIN_TOTAL: f.expr(job.WITHIN_TOTAL),
    }
    return {rule: f.coalesce(~keeps, f.lit(False)) for rule, keeps in kept.items()}


def check_and_roll_up(spark: SparkSession, file: Path, rollup: Path) -> dict[str, int]:
    """Everything in one action: what is broken is observed on the rows as they pass."""
    broken = rules()
    seen, repeated = Observation(), Observation()
    samples = spark.read.parquet(str(file)).withColumn(POSITION, f.col("_metadata.row_index"))
    samples = samples.observe(seen, *(f.count_if(breaks).alias(rule) for rule, breaks in broken.items()))
    good = samples.filter(~reduce(or_, broken.values()))
    of_device = Window.partitionBy("device_id").orderBy("sampled_at_utc", POSITION)
    good = good.withColumn("is_repeated", f.col("sampled_at_utc").eqNullSafe(f.lag("sampled_at_utc").over(of_device)))
    good = good.observe(repeated, f.count_if("is_repeated").alias(job.UNIQUE)).filter("NOT is_repeated")
    hours = spark.sql(job.ROLLUP.format(samples="{samples}"), samples=good)
    written = rollup.with_suffix(".parts")
    hours.coalesce(1).write.mode("overwrite").parquet(str(written))
    next(written.glob("*.parquet")).rename(rollup)
    return {**seen.get, **repeated.get}


if __name__ == "__main__":
    spark = session()
    job.run(partial(check_and_roll_up, spark))
    spark.stop()
