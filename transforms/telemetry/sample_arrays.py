"""Accelerator samples as arrays: texts as numbers, and the order of series and time, ready to be summed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from suanheng.schemas.checking.compiled import compiled
from suanheng.transforms.telemetry.hourly_sums import (
    HOUR_US,
    SUMS,
    Codes,
    Flags,
    Floats,
    Integers,
    Order,
    Samples,
    SeriesHours,
)

MEASURED = ("interval_s", "device_count", "utilisation_ratio", "power_w", "energy_counter_j")
"""Numbers of a sample that sums are made of."""

NAMES = ("device_id", "instance_id", "node_id", "sku")
"""Texts of a sample that sums are of."""

_NO_NUMBERS, _NO_INTEGERS, _NO_CODES = np.empty(0), np.empty(0, np.int64), np.empty(0, np.int32)
_UNSTATED: Mapping[str, npt.NDArray] = {
    name: _NO_INTEGERS if name == "device_count" else _NO_NUMBERS for name in MEASURED
}


class Names:
    """The texts of a column, each with a number: its place in their order, -1 for none.

    Args:
        values: the texts, in any order.
    """

    def __init__(self, values: Sequence[str]) -> None:
        order = sorted(range(len(values)), key=values.__getitem__)
        self.values = pl.Series([values[place] for place in order], dtype=pl.String)
        self._code_of = np.full(len(order) + 1, -1, np.int32)
        self._code_of[order] = np.arange(len(order))
        self._is_sorted = order == list(range(len(order)))

    @classmethod
    def of_dictionary(cls, column: pa.ChunkedArray) -> "Names":
        """From Arrow, which has the texts of a column as numbers of its own, the same in all chunks."""
        return cls(column.chunk(0).dictionary.to_pylist() if column.num_chunks else [])

    def codes(self, column: pa.DictionaryArray) -> Codes:
        """The numbers of a part of the column."""
        if self._is_sorted and not column.indices.null_count:
            return column.indices.to_numpy()
        nothing = len(self.values)
        return self._code_of[column.indices.fill_null(nothing).to_numpy()]

    def codes_of(self, column: pl.Series) -> Codes:
        """The numbers of some of the texts."""
        return column.cast(pl.Enum(self.values)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy()

    def of(self, codes: Integers) -> pl.Series:
        """The texts that some numbers stand for."""
        known = pl.Series(codes)
        return self.values.gather(known if (codes >= 0).all() else known.replace(-1, None))


def samples_of_batch(batch: pa.RecordBatch, codes: Mapping[str, Codes], names: Mapping[str, Names]) -> Samples:
    """Samples from a batch of a file, all of the same evidence.

    Args:
        batch: the rows.
        codes: numbers of their texts.
        names: the texts.
    """
    numbers = {name: _numbers(batch[name]) if name in batch.schema.names else none for name, none in _UNSTATED.items()}
    at_us = _whole(batch["sampled_at_utc"].cast(pa.int64()))
    return Samples(at_us=at_us, evidence_rank=_NO_INTEGERS, **numbers, **_labels(codes, names))


def samples_of_frame(rows: pl.DataFrame, names: Mapping[str, Names]) -> Samples:
    """Samples from staged rows, with ``evidence_rank``."""
    return Samples(
        at_us=rows["sampled_at_utc"].to_physical().to_numpy(),
        evidence_rank=rows["evidence_rank"].cast(pl.Int64).to_numpy(),
        **{name: rows[name].to_numpy() for name in MEASURED},
        **_labels({name: texts.codes_of(rows[name]) for name, texts in names.items()}, names),
    )


def in_order(samples: Samples, wanted: Flags) -> tuple[Order, Integers]:
    """The order of the rows that are wanted by series and time, each instant of a series once: as it is first.

    Returns:
        The order, in which all rows count, and the rows that repeat an instant.
    """
    rows = np.flatnonzero(wanted)
    found = _followed(rows=rows, series=samples.series, at_us=samples.at_us)
    series = samples.series[found.rows[found.begins]]
    if found.goes_back or len(np.unique(series)) < len(series):
        # A stable sort: what is first stays first.
        rows = rows[np.lexsort((samples.at_us[rows], samples.series[rows]))]
        found = _followed(rows=rows, series=samples.series, at_us=samples.at_us)
    order = Order(rows=found.rows, begins=found.begins, counts=np.ones(len(found.rows), np.bool_))
    return order, found.repeated


def highest_of_models(names: Mapping[str, Names], highest_w: Mapping[str, float], unknown_w: float) -> Floats:
    """The most power one device of a model can draw, by the model's number; last for an unknown one."""
    models = names["sku"].values if "sku" in names else ()
    return np.array([*(highest_w.get(model, unknown_w) for model in models), unknown_w])


def named(hours: SeriesHours, names: Mapping[str, Names], origin_us: int) -> pl.DataFrame:
    """Sums with the names of what they are of.

    Returns:
        ``device_id``, ``instance_id``, ``hour_start_utc``, ``node_id``, ``sku``, the ``SUMS``, ``evidence_rank``.
    """
    device, instance = np.divmod(hours["series"], _instances(names))
    texts = {"device_id": device, "instance_id": instance, "node_id": hours["node"], "sku": hours["sku"]}
    unstated = {"instance_id": pl.lit("")}
    return pl.DataFrame(
        {
            **{name: names[name].of(codes) for name, codes in texts.items() if name in names},
            "hour_start_utc": pl.Series(hours["hour"] * HOUR_US + origin_us).cast(pl.Datetime("us")),
            **{name: hours[name].copy() for name in (*SUMS, "evidence_rank")},
        }
    ).with_columns(unstated.get(name, pl.lit(None, pl.String)).alias(name) for name in texts if name not in names)


def _labels(codes: Mapping[str, Codes], names: Mapping[str, Names]) -> dict[str, npt.NDArray]:
    """Number of the series, the node and the model of each row."""
    return {
        "series": _series(codes, names),
        "node": codes.get("node_id", _NO_CODES),
        "sku": codes.get("sku", _NO_CODES),
    }


def _series(codes: Mapping[str, Codes], names: Mapping[str, Names]) -> Integers:
    devices = codes["device_id"].astype(np.int64)
    return devices * _instances(names) + codes["instance_id"] if "instance_id" in codes else devices


def _instances(names: Mapping[str, Names]) -> int:
    """Numbers that instances of one device can have."""
    return max(1, len(names["instance_id"].values)) if "instance_id" in names else 1


def _whole(column: pa.Array) -> Integers:
    return (column.fill_null(0) if column.null_count else column).to_numpy()


def _numbers(column: pa.Array) -> npt.NDArray:
    return _whole(column) if pa.types.is_integer(column.type) else column.to_numpy(zero_copy_only=False)


class _Followed(NamedTuple):
    """Rows that follow each other.

    Attributes:
        rows: those that do not repeat the instant before.
        begins: which of them begin a series.
        repeated: those that do.
        goes_back: whether time goes back within a series.
    """

    rows: Integers
    begins: Flags
    repeated: Integers
    goes_back: bool


@compiled
def _followed(rows, series, at_us):
    """How rows follow each other."""
    kept, begins, repeated = np.empty_like(rows), np.empty(len(rows), np.bool_), np.empty_like(rows)
    count, repeats, goes_back = 0, 0, False
    for place in range(len(rows)):
        row, before = rows[place], rows[place - 1]
        is_first = place == 0 or series[row] != series[before]
        if not is_first and at_us[row] == at_us[before]:
            repeated[repeats] = row
            repeats += 1
            continue
        goes_back |= not is_first and at_us[row] < at_us[before]
        kept[count], begins[count] = row, is_first
        count += 1
    return _Followed(rows=kept[:count], begins=begins[:count], repeated=repeated[:repeats], goes_back=goes_back)
