"""Accelerator samples as arrays: texts as numbers, in the order of series and time, ready to be summed."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from suanheng.transforms.series_hours import HOUR_US, Flags, Integers, Samples, Sums

MEASURED = ("interval_s", "device_count", "utilisation_ratio", "power_w", "energy_counter_j")
"""Numbers of a sample that sums are made of."""

_LABELS = ("node_id", "sku")


@dataclass(frozen=True)
class Text:
    """A column of text as numbers: places in the sorted list of its values, -1 for no value."""

    values: pl.Series
    codes: Integers

    @classmethod
    def of_dictionary(cls, column: pa.DictionaryArray) -> "Text":
        """From Arrow, which has it as numbers of its own."""
        stated = pl.Series(column.dictionary.cast(pa.string()), dtype=pl.String)
        order = stated.arg_sort().to_numpy()
        place = np.full(len(order) + 1, -1, np.int64)
        place[order] = np.arange(len(order))
        indices = column.indices.fill_null(len(order)) if column.indices.null_count else column.indices
        codes = indices.to_numpy(zero_copy_only=False)
        is_sorted = bool((place[:-1] == np.arange(len(order))).all()) and not column.indices.null_count
        return cls(stated.gather(order), codes.astype(np.int64) if is_sorted else place[codes])

    @classmethod
    def of_series(cls, column: pl.Series) -> "Text":
        """From a column of text."""
        values = column.drop_nulls().unique().sort()
        codes = column.cast(pl.Enum(values)).to_physical().cast(pl.Int64).fill_null(-1)
        return cls(values, codes.to_numpy())

    def at(self, rows: Integers | Flags) -> "Text":
        """Some of the rows, in the order given."""
        return replace(self, codes=self.codes[rows])


@dataclass(frozen=True)
class SampleRows:
    """Samples as they lie somewhere, one value per row in every array.

    Attributes:
        row_number: row in the file.
        texts: columns of text, ``device_id`` among them.
        at_us: instant, as microseconds since 1970 (UTC); 0 where there is none.
        numbers: the ``MEASURED``, not a number where unknown; absent where no row has them.
        ranks: further whole numbers of which the greatest counts.
        is_settled: whether a sample is summed elsewhere, and only a neighbour here.
    """

    row_number: Integers
    texts: dict[str, Text]
    at_us: Integers
    numbers: dict[str, npt.NDArray]
    ranks: dict[str, Integers]
    is_settled: Flags

    @classmethod
    def of_batch(cls, batch: pa.RecordBatch, rows_before: int) -> "SampleRows":
        """From a batch of a file; texts must come as dictionaries."""
        names = batch.schema.names
        return cls(
            row_number=np.arange(rows_before + 1, rows_before + batch.num_rows + 1),
            texts={name: Text.of_dictionary(batch[name]) for name in names if pa.types.is_dictionary(batch[name].type)},
            at_us=batch["sampled_at_utc"].cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False),
            numbers={name: batch[name].to_numpy(zero_copy_only=False) for name in MEASURED if name in names},
            ranks={},
            is_settled=np.zeros(batch.num_rows, np.bool_),
        )

    @classmethod
    def of_frame(cls, rows: pl.DataFrame) -> "SampleRows":
        """From staged rows, with ``evidence_rank`` and ``is_settled``."""
        return cls(
            row_number=rows["row_number"].to_numpy(),
            texts={name: Text.of_series(rows[name]) for name in ("device_id", "instance_id", *_LABELS)},
            at_us=rows["sampled_at_utc"].to_physical().to_numpy(),
            numbers={name: rows[name].to_numpy() for name in MEASURED},
            ranks={"evidence_rank": rows["evidence_rank"].cast(pl.Int64).to_numpy()},
            is_settled=rows["is_settled"].to_numpy(),
        )

    @property
    def series(self) -> Integers:
        """Number of the series, which is a device or an instance of one."""
        devices = self.texts["device_id"].codes
        if "instance_id" not in self.texts:
            return devices
        instances = self.texts["instance_id"]
        return devices * (len(instances.values) + 1) + instances.codes

    def at(self, rows: Integers | Flags) -> "SampleRows":
        """Some of the rows, in the order given."""
        return SampleRows(
            row_number=self.row_number[rows],
            texts={name: text.at(rows) for name, text in self.texts.items()},
            at_us=self.at_us[rows],
            numbers={name: values[rows] for name, values in self.numbers.items()},
            ranks={name: values[rows] for name, values in self.ranks.items()},
            is_settled=self.is_settled[rows],
        )

    def in_order(self, wanted: Flags | None = None) -> tuple["SampleRows", Integers]:
        """The rows that are wanted, by series and time, each instant of a series once: as it lies first.

        Returns:
            The rows, and the numbers of those that repeat an instant.
        """
        everything = wanted is None or bool(wanted.all())
        places = np.arange(len(self.at_us)) if wanted is None or everything else np.flatnonzero(wanted)
        series, at_us = (self.series, self.at_us) if everything else (self.series[places], self.at_us[places])
        if not _is_in_order(series, at_us):
            everything = False
            order = np.lexsort((self.row_number[places], at_us, series))
            places, series, at_us = places[order], series[order], at_us[order]
        is_first = np.append(True, (series[1:] != series[:-1]) | (np.diff(at_us) != 0))[: len(places)]
        repeated = self.row_number[places[~is_first]]
        kept = self if everything and not len(repeated) else self.at(places[is_first])
        return kept, repeated

    def samples(self, series: Integers, highest_w: dict[str, float], unknown_w: float) -> Samples:
        """What sums are made of.

        Args:
            series: the property, which costs time.
            highest_w: the most power one device of a model can draw, by SKU.
            unknown_w: the same for an unknown model.
        """
        unknown = np.full(len(series), np.nan)
        highest: npt.NDArray[np.float64] | float = unknown_w
        if sku := self.texts.get("sku"):
            of_sku = [highest_w.get(name, unknown_w) for name in sku.values]
            is_the_same = len(of_sku) == 1 and bool((sku.codes == 0).all())
            highest = of_sku[0] if is_the_same else np.array([*of_sku, unknown_w])[sku.codes]
        return Samples(
            series=series,
            at_us=self.at_us,
            interval_s=self.numbers.get("interval_s"),
            device_count=self.numbers.get("device_count"),
            utilisation=self.numbers.get("utilisation_ratio", unknown),
            power_w=self.numbers.get("power_w", unknown),
            counter_j=self.numbers.get("energy_counter_j", unknown),
            highest_w=highest,
            labels={
                **{name: self.texts[name].codes for name in _LABELS if name in self.texts},
                **self.ranks,
            },
        )

    def named(self, found: Sums, origin_us: int) -> pl.DataFrame:
        """Sums with the names of what they are of.

        Returns:
            ``device_id``, ``instance_id``, ``hour_start_utc``, ``node_id``, ``sku``, the ``SUMS`` and the ranks.
        """
        devices, codes = self.texts["device_id"], found.series
        instances = pl.repeat("", len(codes), dtype=pl.String, eager=True)
        if text := self.texts.get("instance_id"):
            instances = _gathered(text.values, codes % (len(text.values) + 1))
            codes = codes // (len(text.values) + 1)
        labels = {
            name: _gathered(self.texts[name].values, found.labels[name])
            if name in self.texts
            else pl.repeat(None, len(codes), dtype=pl.String, eager=True)
            for name in _LABELS
        }
        return pl.DataFrame(
            {
                "device_id": _gathered(devices.values, codes),
                "instance_id": instances,
                "hour_start_utc": pl.Series(found.hour * HOUR_US + origin_us).cast(pl.Datetime("us")),
                **labels,
                **found.values,
                **{name: found.labels[name] for name in self.ranks},
            },
            schema_overrides=dict.fromkeys(("device_id", "instance_id", *_LABELS), pl.String),
        )


def _is_in_order(series: Integers, at_us: Integers) -> bool:
    """Whether every series is one run of rows, in the order of time."""
    same = series[1:] == series[:-1]
    runs = series[np.flatnonzero(np.append(True, ~same))] if len(series) else series
    return bool((np.diff(at_us)[same] >= 0).all()) and len(np.unique(runs)) == len(runs)


def _gathered(values: pl.Series, places: Integers) -> pl.Series:
    known = pl.Series(places)
    return values.gather(known if (places >= 0).all() else known.replace(-1, None))
