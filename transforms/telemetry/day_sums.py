"""Sums the samples of days that were copied, once, when the days are staged: a quarter never reads them again.

A day is to the sums what a file in place is: samples in between are summed by series and hour, its first and last ones
wait at the boundary for those of the days beside it. In the tables that hold the sums of files it goes by its date.
"""

from dataclasses import replace
from datetime import date, datetime, time

import numpy as np
import polars as pl

from suanheng.schemas.tables.surveyed import BOUNDARY_SAMPLES, FILE_HOUR_SUMS
from suanheng.transforms.telemetry import hourly_sums
from suanheng.transforms.telemetry.quarter_sums import hours_begin_us, survey_inputs, time_zone
from suanheng.transforms.telemetry.sample_arrays import (
    NAMES,
    Names,
    highest_of_models,
    in_order,
    named,
    samples_of_frame,
)
from suanheng.transforms.telemetry.survey_batch import SurveyInputs, boundary_of
from suanheng.warehouse.lake import Lake

_DAY = pl.col("sampled_at_utc").dt.date()


def enter_day_sums(lake: Lake, site_id: str, samples: pl.DataFrame) -> None:
    """Enter the sums of days, and the samples at their boundaries.

    Args:
        lake: the warehouse, in a transaction; it holds no sums of these days.
        site_id: the site.
        samples: all that were copied of each of the days, in columns of the dataset, one row per key.
    """
    if samples.is_empty():
        return
    ranks = lake.frame("SELECT evidence_class, evidence_rank FROM reference.evidence_classes")
    inputs, zone = survey_inputs(lake, site_id, samples["sampled_at_utc"][0]), time_zone(lake, site_id)
    ranked = samples.join(ranks, on="evidence_class", maintain_order="left")
    # Hours begin at the same minute on all days, unless the zone moves its clocks by less than an hour.
    days_of: dict[int, list[date]] = {}
    for day in ranked.select(_DAY.unique(maintain_order=True)).to_series():
        days_of.setdefault(hours_begin_us(zone, datetime.combine(day, time())), []).append(day)
    for origin_us, days in days_of.items():
        hours, boundary = sums_by_day(ranked.filter(_DAY.is_in(days)), replace(inputs, origin_us=origin_us))
        summed = hours.join(ranks, on="evidence_rank").with_columns(site_id=pl.lit(site_id))
        lake.insert("rollups.file_hour_sums", summed.select(list(FILE_HOUR_SUMS.columns)))
        lake.insert("rollups.boundary_samples", boundary.select(list(BOUNDARY_SAMPLES.columns)))


def sums_by_day(samples: pl.DataFrame, inputs: SurveyInputs) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sum the samples of some days, each day for itself.

    Args:
        samples: columns of the dataset and ``evidence_rank``; one row per series and instant.
        inputs: what sums rest on besides.

    Returns:
        Sums per series and hour, with ``evidence_rank``; samples at the boundaries. ``file_id`` is the day.
    """
    names = {name: Names(samples[name].drop_nulls().unique().to_list()) for name in NAMES}
    days = samples.select(_DAY.cast(pl.String).alias("day")).to_series()
    dates = Names(days.unique().to_list())
    arrays = samples_of_frame(samples, names)
    # A series ends with its day: to the sums it is another one on the next.
    series_of_a_day = int(arrays.series.max()) + 1
    arrays = arrays._replace(series=arrays.series + dates.codes_of(days).astype(np.int64) * series_of_a_day)
    order, _ = in_order(arrays, np.ones(samples.height, np.bool_))
    places, marks = boundary_of(order)
    between = order._replace(counts=~(order.begins | order.ends))
    hours = hourly_sums.sums(
        arrays, between, highest_of_models(names, inputs.highest_w, inputs.unknown_w), inputs.origin_us
    )
    day_of_hours, hours["series"] = np.divmod(hours["series"], series_of_a_day)
    at_boundary = order.rows[places]
    boundary = samples[at_boundary].with_columns(pl.Series(name, values) for name, values in marks.items())
    # Rows and runs are numbered within their day, so that it does not matter which days are summed together.
    numbered = boundary.with_columns(file_id=days[at_boundary]).with_columns(
        row_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("file_id")
    )
    return (
        named(hours, names, inputs.origin_us).with_columns(file_id=dates.of(day_of_hours)),
        numbered.with_columns(run=pl.col("row_number").min().over("file_id", "run")),
    )
