"""Accelerator samples as arrays: texts as numbers, and the order of series and time, ready to be summed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from suanheng.schemas.checking.compiled import compiled
from suanheng.transforms.telemetry import hourly_sums
from suanheng.transforms.telemetry.hourly_sums import (
    HOUR_US,
    SUMS,
    Codes,
    Flags,
    Floats,
    Integers,
    Order,
    Samples,
    Sums,
)

MEASURED = ("interval_s", "device_count", "utilisation_ratio", "power_w", "energy_counter_j")
"""Numbers of a sample that sums are made of."""

NAMES = ("device_id", "instance_id", "node_id", "sku")
"""Texts of a sample that sums are of."""

_NO_NUMBERS, _NO_INTEGERS, _NO_CODES = np.empty(0), np.empty(0, np.int64), np.empty(0, np.int32)


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


@dataclass(frozen=True)
class SampleRows:
    """Samples as they lie somewhere, one value per row in every array.

    Attributes:
        codes: numbers of the texts, those of ``device_id`` among them.
        series: number of the series, which is a device or an instance of one.
        at_us: instant, as microseconds since 1970 (UTC); 0 where there is none.
        numbers: the ``MEASURED``, not a number where unknown; absent where no row has them.
        rank: rank of the evidence; empty where all rows have the same.
    """

    codes: dict[str, Codes]
    series: Integers
    at_us: Integers
    numbers: dict[str, npt.NDArray]
    rank: Integers

    @classmethod
    def of_batch(cls, batch: pa.RecordBatch, names: Mapping[str, Names]) -> "SampleRows":
        """From a batch of a file; texts must come as dictionaries."""
        codes = {name: texts.codes(batch[name]) for name, texts in names.items()}
        return cls(
            codes=codes,
            series=_series(codes, names),
            at_us=_whole(batch["sampled_at_utc"].cast(pa.int64())),
            numbers={name: _numbers(batch[name]) for name in MEASURED if name in batch.schema.names},
            rank=_NO_INTEGERS,
        )

    @classmethod
    def of_frame(cls, rows: pl.DataFrame, names: Mapping[str, Names]) -> "SampleRows":
        """From staged rows, with ``evidence_rank``."""
        codes = {name: texts.codes_of(rows[name]) for name, texts in names.items()}
        return cls(
            codes=codes,
            series=_series(codes, names),
            at_us=rows["sampled_at_utc"].to_physical().to_numpy(),
            numbers={name: rows[name].to_numpy() for name in MEASURED},
            rank=rows["evidence_rank"].cast(pl.Int64).to_numpy(),
        )

    def in_order(self, wanted: Flags) -> tuple[Order, Integers]:
        """The order of the rows that are wanted by series and time, each instant of a series once: as it lies first.

        Returns:
            The order, in which all rows count, and the rows that repeat an instant.
        """
        rows = np.flatnonzero(wanted)
        kept, begins, repeated, goes_back = _followed(rows, self.series, self.at_us)
        series = self.series[kept[begins]]
        if goes_back or len(np.unique(series)) < len(series):
            # A stable sort: what lies first stays first.
            rows = rows[np.lexsort((self.at_us[rows], self.series[rows]))]
            kept, begins, repeated, _ = _followed(rows, self.series, self.at_us)
        return Order(kept, begins, np.ones(len(kept), np.bool_)), repeated

    def sums(self, order: Order, highest_w: Floats, origin_us: int) -> Sums:
        """Sum rows per series and hour.

        Args:
            order: in which they follow each other, and which of them count.
            highest_w: the most power one device of a model can draw, by its number; last for an unknown one.
            origin_us: an instant at which an hour begins at the site.
        """
        samples = Samples(
            series=self.series,
            at_us=self.at_us,
            interval_s=self.numbers.get("interval_s", _NO_NUMBERS),
            device_count=self.numbers.get("device_count", _NO_INTEGERS),
            utilisation=self.numbers.get("utilisation_ratio", _NO_NUMBERS),
            power_w=self.numbers.get("power_w", _NO_NUMBERS),
            counter_j=self.numbers.get("energy_counter_j", _NO_NUMBERS),
            node=self.codes.get("node_id", _NO_CODES),
            sku=self.codes.get("sku", _NO_CODES),
            rank=self.rank,
            highest_w=highest_w,
        )
        return hourly_sums.sums(samples, order, origin_us)


def highest_of_models(names: Mapping[str, Names], highest_w: Mapping[str, float], unknown_w: float) -> Floats:
    """The most power one device of a model can draw, by the model's number; last for an unknown one."""
    models = names["sku"].values if "sku" in names else ()
    return np.array([*(highest_w.get(model, unknown_w) for model in models), unknown_w])


def named(found: Sums, names: Mapping[str, Names], origin_us: int) -> pl.DataFrame:
    """Sums with the names of what they are of.

    Returns:
        ``device_id``, ``instance_id``, ``hour_start_utc``, ``node_id``, ``sku``, the ``SUMS``, ``evidence_rank``.
    """
    series, hour = found.keys.T
    node, sku, rank = found.labels.T
    device, instance = np.divmod(series, _instances(names))
    texts = {"device_id": device, "instance_id": instance, "node_id": node, "sku": sku}
    unstated = {"instance_id": pl.lit("")}
    return pl.DataFrame(
        {
            **{name: names[name].of(codes) for name, codes in texts.items() if name in names},
            "hour_start_utc": pl.Series(hour * HOUR_US + origin_us).cast(pl.Datetime("us")),
            **dict(zip(SUMS, found.values.T.copy(), strict=True)),
            "evidence_rank": rank,
        }
    ).with_columns(unstated.get(name, pl.lit(None, pl.String)).alias(name) for name in texts if name not in names)


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


@compiled
def _followed(rows, series, at_us):
    """Rows, and which begin a series, without those that repeat the instant before; these; whether time goes back."""
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
    return kept[:count], begins[:count], repeated[:repeats], goes_back
