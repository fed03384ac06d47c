"""Sums the samples of a day that were copied, once, when the day is staged: a quarter never reads them again.

A day is to the sums what a file in place is: samples in between are summed by series and hour, its first and last ones
wait at the boundary for those of the days beside it. In the tables that hold the sums of files it goes by its date.
"""

import numpy as np
import polars as pl

from suanheng.schemas.tables.surveyed import BOUNDARY_SAMPLES, FILE_HOUR_SUMS
from suanheng.transforms.telemetry import hourly_sums
from suanheng.transforms.telemetry.quarter_sums import survey_inputs
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


def enter_day_sums(lake: Lake, site_id: str, samples: pl.DataFrame) -> None:
    """Enter the sums of days, and the samples at their boundaries.

    Args:
        lake: the warehouse, in a transaction; it holds no sums of these days.
        site_id: the site.
        samples: all that were copied of each of the days, in columns of the dataset, one row per key.
    """
    ranks = lake.frame("SELECT evidence_class, evidence_rank FROM reference.evidence_classes")
    for _, of_day in samples.group_by(pl.col("sampled_at_utc").dt.date(), maintain_order=True):
        inputs = survey_inputs(lake, site_id, of_day["sampled_at_utc"][0])
        hours, boundary = day_sums(of_day.join(ranks, on="evidence_class", maintain_order="left"), inputs)
        hours = hours.join(ranks, on="evidence_rank").with_columns(site_id=pl.lit(site_id))
        lake.insert("rollups.file_hour_sums", hours.select(list(FILE_HOUR_SUMS.columns)))
        lake.insert("rollups.boundary_samples", boundary.select(list(BOUNDARY_SAMPLES.columns)))


def day_sums(samples: pl.DataFrame, inputs: SurveyInputs) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sum the samples of a day.

    Args:
        samples: columns of the dataset and ``evidence_rank``; one row per series and instant, all of one day (UTC).
        inputs: what sums rest on besides.

    Returns:
        Sums per series and hour, with ``evidence_rank``; samples at the boundaries. ``file_id`` is the day.
    """
    names = {name: Names(samples[name].drop_nulls().unique().to_list()) for name in NAMES}
    arrays = samples_of_frame(samples, names)
    order, _ = in_order(arrays, np.ones(samples.height, np.bool_))
    places, marks = boundary_of(order)
    between = order._replace(counts=~(order.begins | order.ends))
    highest_w = highest_of_models(names, inputs.highest_w, inputs.unknown_w)
    hours = named(hourly_sums.sums(arrays, between, highest_w, inputs.origin_us), names, inputs.origin_us)
    day = pl.lit(str(samples["sampled_at_utc"][0].date()))
    boundary = samples[order.rows[places]].with_columns(pl.Series(name, values) for name, values in marks.items())
    return hours.with_columns(file_id=day), boundary.with_columns(
        file_id=day, row_number=pl.int_range(1, boundary.height + 1, dtype=pl.Int64)
    )
