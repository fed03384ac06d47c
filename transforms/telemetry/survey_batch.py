"""Surveys rows of a file of accelerator samples batch by batch, as Arrow has read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from suanheng.schemas.checking.quick_look import QuickLook
from suanheng.transforms.telemetry import hourly_sums
from suanheng.transforms.telemetry.hourly_sums import Flags, Floats, Integers, Order, Samples, SeriesHours
from suanheng.transforms.telemetry.sample_arrays import Names, highest_of_models, in_order, named, samples_of_batch

MARKS = {
    "is_summed": pl.Boolean,
    "run": pl.Int64,
    "summed_samples_follow": pl.Boolean,
    "summed_samples_precede": pl.Boolean,
}
"""What is known of a boundary sample: whether it is summed and only a neighbour of one that is not; the first row of
its run; whether summed samples that are not among these follow it, or precede it."""


@dataclass(frozen=True)
class SurveyInputs:
    """What a survey rests on besides the file.

    Attributes:
        highest_w: the most power one device of a model can draw, by SKU.
        unknown_w: the same for an unknown model.
        origin_us: an instant at which an hour begins at the site.
    """

    highest_w: dict[str, float]
    unknown_w: float
    origin_us: int


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        rows: rows read.
        suspected: rows that may break the contract or be read otherwise than they are; no sum knows of them.
        duplicates: rows that state a key an earlier row of the file states.
        hours: sums per device, instance and hour of what is summed, with the greatest node and SKU of its rows.
        boundary: samples that are not summed and their neighbours, with the ``MARKS``; the ends of each run are among
            them.
    """

    rows: int
    suspected: pl.DataFrame
    duplicates: pl.DataFrame
    hours: pl.DataFrame
    boundary: pl.DataFrame

    @property
    def first_at(self) -> datetime | None:
        """Earliest instant of a row that keeps the contract."""
        return cast(datetime | None, self.boundary["sampled_at_utc"].min())

    @property
    def last_at(self) -> datetime | None:
        """Latest one."""
        return cast(datetime | None, self.boundary["sampled_at_utc"].max())


def in_batches(
    texts: pa.Table, numbers: Iterable[pa.RecordBatch], rows_before: int, look: QuickLook, survey_inputs: SurveyInputs
) -> Survey:
    """Survey rows batch by batch, each for itself: what follows each other in time is in one.

    Args:
        texts: columns of text of all the rows, as dictionaries that are the same in all chunks.
        numbers: their other columns, batch by batch.
        rows_before: rows of the file before them.
        look: what states rows that may break the contract.
        survey_inputs: what the survey rests on besides.
    """
    names = {name: Names.of_dictionary(texts[name]) for name in texts.column_names}
    wrong = {name: look.suspect_texts(name, known.values) for name, known in names.items()}
    highest_w = highest_of_models(names, survey_inputs.highest_w, survey_inputs.unknown_w)
    found: list[_Found] = []
    begin = 0
    for of_numbers in numbers:
        batch = _beside(texts.slice(begin, of_numbers.num_rows), of_numbers)
        codes = {name: known.codes(batch[name]) for name, known in names.items()}
        suspects = look.suspects(of_numbers)
        for name, is_wrong in wrong.items():
            if is_wrong[:-1].any() or batch[name].null_count:
                suspects |= is_wrong[codes[name]]
        samples = samples_of_batch(batch, codes, names)
        found.append(_in_batch(batch, rows_before + begin, samples, suspects, highest_w, survey_inputs.origin_us))
        begin += batch.num_rows
    return Survey(
        rows=begin,
        suspected=_framed([batch.suspected for batch in found]),
        duplicates=_framed([batch.repeated for batch in found]),
        hours=named(np.concatenate([batch.hours for batch in found]), names, survey_inputs.origin_us),
        boundary=_framed([batch.boundary for batch in found]),
    )


@dataclass(frozen=True)
class _Found:
    """What was found in a batch, not yet in frames: to make one takes as long for a batch as for many."""

    suspected: pa.RecordBatch
    repeated: pa.RecordBatch
    boundary: pa.RecordBatch
    hours: SeriesHours


def _beside(texts: pa.Table, numbers: pa.RecordBatch) -> pa.RecordBatch:
    columns = [column.combine_chunks() for column in texts.columns]
    return pa.RecordBatch.from_arrays([*columns, *numbers.columns], names=[*texts.column_names, *numbers.schema.names])


def _in_batch(
    batch: pa.RecordBatch, rows_before: int, samples: Samples, suspects: Flags, highest_w: Floats, origin_us: int
) -> _Found:
    order, repeated = in_order(samples, ~suspects)
    places, marks = boundary_of(order)
    marks["run"] += rows_before + 1
    return _Found(
        suspected=_as_they_lie(batch, rows_before, np.flatnonzero(suspects)),
        repeated=_as_they_lie(batch, rows_before, repeated),
        boundary=_as_they_lie(batch, rows_before, order.rows[places], marks),
        hours=hourly_sums.sums(samples, order._replace(counts=~(order.begins | order.ends)), highest_w, origin_us),
    )


def boundary_of(order: Order) -> tuple[Integers, dict[str, npt.NDArray]]:
    """Where in the order the ends of each run and their neighbours are, and their ``MARKS``."""
    firsts, lasts = np.flatnonzero(order.begins), np.flatnonzero(order.ends)
    seconds, last_but_ones = np.minimum(firsts + 1, lasts), np.maximum(lasts - 1, firsts)
    places, index = np.unique(np.concatenate([firsts, lasts, seconds, last_but_ones]), return_index=True)
    run = np.tile(np.arange(len(firsts)), 4)[index]
    has_interior = last_but_ones[run] > seconds[run]
    return places, {
        "is_summed": (places != firsts[run]) & (places != lasts[run]),
        "run": order.rows[firsts[run]],
        "summed_samples_follow": has_interior & (places == seconds[run]),
        "summed_samples_precede": has_interior & (places == last_but_ones[run]),
    }


def _as_they_lie(
    batch: pa.RecordBatch, rows_before: int, rows: Integers, marks: Mapping[str, npt.NDArray] | None = None
) -> pa.RecordBatch:
    """Some rows of a batch, with their numbers in the file."""
    beside = {"row_number": rows + rows_before + 1, **(marks or {})}
    values = batch.take(pa.array(rows))
    return pa.RecordBatch.from_arrays(
        [*map(pa.array, beside.values()), *values.columns], names=[*beside, *values.schema.names]
    )


def _framed(batches: Sequence[pa.RecordBatch]) -> pl.DataFrame:
    return pl.DataFrame(pa.Table.from_batches(batches).combine_chunks()).with_columns(
        pl.col(pl.Categorical).cast(pl.String)
    )
