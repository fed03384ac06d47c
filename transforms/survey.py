"""One pass over a Parquet file of accelerator samples: holds every row to the contract and sums what is settled.

The file is read in batches of bounded size, each for itself: it needs no other memory than its own, and batches may be
surveyed in any order, in threads or on other machines. What the survey of a part found is added to that of the others.
"""

import ctypes
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from suanheng.schemas.contract import Contract
from suanheng.schemas.formats import template
from suanheng.schemas.suspicion import QuickLook
from suanheng.transforms.sample_rows import SampleRows
from suanheng.transforms.series_hours import Flags, Integers, sums

DATASET = "accelerator_samples"
BATCH_ROWS = 370_000
SCATTERED_ROWS = 1_500_000
"""Rows of a batch: where series lie one after the other, few fit the processor's cache; where each instant of all
devices lies together, many are needed to find the neighbours of a sample."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Options of glibc's mallopt."""

SLICE_ROWS = 1_500_000
"""Rows of a part that one thread surveys at a time."""

PART_ROWS = 8_000_000
"""Rows of a part of a file that is surveyed as one task."""

_TYPES = {pl.Float64: pa.float64(), pl.Int64: pa.int64(), pl.Datetime: pa.timestamp("us")}

MARKS = {
    "is_settled": pl.Boolean,
    "run": pl.Int64,
    "leads_into_settled": pl.Boolean,
    "comes_from_settled": pl.Boolean,
}
"""What is known of a loose row: whether it is settled and only a neighbour of one that is not; the first row of its
run; whether settled rows that are not told here follow it, or precede it."""


@dataclass(frozen=True)
class Part:
    """Some row groups of a file.

    Attributes:
        path: the file.
        row_groups: their numbers.
        first_row: rows before them in the file.
    """

    path: Path
    row_groups: tuple[int, ...]
    first_row: int


@dataclass(frozen=True)
class Grounds:
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
        suspected: rows that may break the contract or be read otherwise than they lie; no sum knows of them.
        duplicates: rows that state a key an earlier row of the file states.
        first_at: earliest instant of a row that keeps the contract.
        last_at: latest one.
        hours: sums per device, instance and hour of what is settled, with the greatest node and SKU of its rows.
        loose: samples that are not settled and their neighbours, with the ``MARKS``.
    """

    rows: int
    suspected: pl.DataFrame
    duplicates: pl.DataFrame
    first_at: datetime | None
    last_at: datetime | None
    hours: pl.DataFrame
    loose: pl.DataFrame


def is_adoptable(path: Path) -> bool:
    """Whether a file is Parquet in the dataset's own columns, each of the contract's own type.

    A file that is only like it is read row by row, and refused or translated there.
    """
    contract = template(DATASET).contract
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError):
        return False
    given = {field.name: field.type for field in schema}
    needed = {
        name for name, column in contract.columns.items() if not column.nullable and _default(contract, name) is None
    }
    return (
        len(given) == len(schema)
        and needed <= given.keys() <= contract.columns.keys()
        and all(_is_of(given[name], dtype) for name, dtype in contract.dtypes().items() if name in given)
    )


def _is_of(given: pa.DataType, wanted: pl.DataType) -> bool:
    if wanted == pl.String:
        text = given.value_type if pa.types.is_dictionary(given) else given
        return pa.types.is_string(text) or pa.types.is_large_string(text)
    return given == _TYPES[wanted.base_type()]


def rows_of(path: Path) -> int:
    """Rows that a Parquet file says it holds."""
    return pq.read_metadata(path).num_rows


def first_instant(path: Path) -> datetime:
    """The first instant a file states, or 1970 where it states none."""
    few = next(pq.ParquetFile(path).iter_batches(1024, columns=["sampled_at_utc"]), None)
    stated = few["sampled_at_utc"].drop_null() if few is not None else []
    return stated[0].as_py() if len(stated) else datetime(1970, 1, 1)


def parts(path: Path, most_rows: int | None = None) -> list[Part]:
    """Divide a file into parts of whole row groups."""
    groups = tuple(range(pq.read_metadata(path).num_row_groups))
    return parts_of(Part(path, groups, 0), most_rows or PART_ROWS)


def parts_of(part: Part, most_rows: int) -> list[Part]:
    """Divide a part further; each has whole row groups, and the last may be small."""
    metadata = pq.read_metadata(part.path)
    found: list[Part] = []
    groups: list[int] = []
    rows, before = 0, part.first_row
    for number in part.row_groups:
        groups.append(number)
        rows += metadata.row_group(number).num_rows
        if rows >= most_rows or number == part.row_groups[-1]:
            found.append(Part(part.path, tuple(groups), before))
            before, groups, rows = before + rows, [], 0
    return found


@cache
def _keep_memory() -> None:
    """Let the C library keep the memory of one batch for the next, on all threads, where it is glibc.

    By itself it gives arrays of this size back to the system each time and has them cleared anew, which takes a fifth
    of the whole survey.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, 2**30), (_M_TRIM_THRESHOLD, 2**30)):
            library.mallopt(option, value)


def survey(part: Part, grounds: Grounds, threads: int = 1) -> Survey:
    """Survey a part of a file.

    Args:
        part: which rows.
        grounds: what it rests on besides.
        threads: row groups that are read at once.
    """
    _keep_memory()
    # However many threads there are, the file is cut at the same rows, and what is settled is the same.
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda some: _surveyed(some, grounds), parts_of(part, SLICE_ROWS)))
    return together(found)


def together(surveys: Sequence[Survey]) -> Survey:
    """The surveys of the parts of a file as one."""
    return Survey(
        rows=sum(found.rows for found in surveys),
        **{
            name: pl.concat([getattr(found, name) for found in surveys])
            for name in ("suspected", "duplicates", "hours", "loose")
        },
        first_at=min((found.first_at for found in surveys if found.first_at), default=None),
        last_at=max((found.last_at for found in surveys if found.last_at), default=None),
    )


def _surveyed(part: Part, grounds: Grounds) -> Survey:
    contract = template(DATASET).contract
    look = QuickLook(contract, pq.read_schema(part.path).names)
    found = together([_of_batch(batch, before, look, grounds) for batch, before in _batches(part)])
    return replace(
        found,
        suspected=_in_columns_of(contract, found.suspected),
        duplicates=_in_columns_of(contract, found.duplicates),
        loose=_in_columns_of(contract, found.loose),
    )


def _batches(part: Part) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Batches of a part, each with the rows of the file before it."""
    names = pq.read_schema(part.path).names
    file = pq.ParquetFile(part.path, read_dictionary=[name for name in _texts() if name in names])
    most_rows = SCATTERED_ROWS if _is_scattered(file, part.row_groups[0]) else BATCH_ROWS
    rows_before, groups = part.first_row, list(part.row_groups)
    while groups:
        some = [groups.pop(0)]
        rows = file.metadata.row_group(some[0]).num_rows
        while groups and rows < most_rows:
            some.append(groups.pop(0))
            rows += file.metadata.row_group(some[-1]).num_rows
        table = file.read_row_groups(some, use_threads=False).unify_dictionaries().combine_chunks()
        for batch in table.to_batches(most_rows):
            yield batch, rows_before
            rows_before += batch.num_rows


def _is_scattered(file: pq.ParquetFile, row_group: int) -> bool:
    """Whether neighbours of a sample in time do not lie beside it, as far as the first rows of a row group tell."""
    few = next(file.iter_batches(4096, row_groups=[row_group], columns=["device_id"], use_threads=False))
    devices = few["device_id"].indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return int((devices[1:] != devices[:-1]).sum()) > len(devices) // 8


def _of_batch(batch: pa.RecordBatch, rows_before: int, look: QuickLook, grounds: Grounds) -> Survey:
    rows = SampleRows.of_batch(batch, rows_before)
    is_suspect = _is_suspect(batch, rows, look)
    suspected = rows.row_number[is_suspect]
    kept, duplicates = rows.in_order(~is_suspect)
    series = kept.series
    is_settled, loose = _runs(series, kept.row_number)
    samples = kept.samples(series, grounds.highest_w, grounds.unknown_w)
    as_they_lie = partial(_as_they_lie, batch, rows_before)
    return Survey(
        rows=batch.num_rows,
        suspected=as_they_lie(suspected),
        duplicates=as_they_lie(duplicates),
        first_at=_instant(kept.at_us.min()) if len(series) else None,
        last_at=_instant(kept.at_us.max()) if len(series) else None,
        hours=kept.named(sums(samples, is_settled, grounds.origin_us), grounds.origin_us),
        loose=pl.concat([as_they_lie(loose["row_number"].to_numpy()), loose.drop("row_number")], how="horizontal"),
    )


def _is_suspect(batch: pa.RecordBatch, rows: SampleRows, look: QuickLook) -> Flags:
    is_suspect = look.suspects(batch).to_numpy().copy()
    for name, text in rows.texts.items():
        is_wrong = np.append(look.suspect_texts(name, text.values).to_numpy(), look.is_needed(name))
        if is_wrong.any():
            is_suspect |= is_wrong[text.codes]
    return is_suspect


def _runs(series: Integers, row_number: Integers) -> tuple[Flags, pl.DataFrame]:
    """What is settled, and where the loose ends of each run and their neighbours lie, with their marks."""
    count = len(series)
    firsts = np.flatnonzero(np.append(True, series[1:] != series[:-1])) if count else np.empty(0, np.int64)
    lasts = np.append(firsts[1:] - 1, count - 1) if count else firsts
    is_settled = np.ones(count, np.bool_)
    is_settled[firsts] = is_settled[lasts] = False
    seconds, last_but_ones = np.minimum(firsts + 1, lasts), np.maximum(lasts - 1, firsts)
    places, index = np.unique(np.concatenate([firsts, lasts, seconds, last_but_ones]), return_index=True)
    run = np.tile(np.arange(len(firsts)), 4)[index]
    has_interior = last_but_ones[run] > seconds[run]
    return is_settled, pl.DataFrame(
        {
            "row_number": row_number[places],
            "is_settled": is_settled[places],
            "run": row_number[firsts[run]],
            "leads_into_settled": has_interior & (places == seconds[run]),
            "comes_from_settled": has_interior & (places == last_but_ones[run]),
        }
    )


def _as_they_lie(batch: pa.RecordBatch, rows_before: int, row_numbers: Integers) -> pl.DataFrame:
    rows = pl.DataFrame(batch.take(pa.array(row_numbers - 1 - rows_before)))
    rows = rows.with_columns(pl.col(pl.Categorical).cast(pl.String))
    return rows.insert_column(0, pl.Series("row_number", row_numbers, pl.Int64))


def _in_columns_of(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in the columns of the contract, and what else they have; what the file does not have is as an empty cell."""
    missing = {name: dtype for name, dtype in contract.dtypes().items() if name not in rows.columns}
    named = rows.with_columns(pl.lit(_default(contract, name), dtype).alias(name) for name, dtype in missing.items())
    beside = [name for name in rows.columns if name not in contract.columns]
    return named.select(*beside, *(pl.col(name).cast(dtype) for name, dtype in contract.dtypes().items()))


def _texts() -> list[str]:
    columns = template(DATASET).contract.columns
    return [name for name, column in columns.items() if column.dtype.type == pl.String]


def _default(contract: Contract, name: str) -> object:
    return (contract.columns[name].metadata or {}).get("default")


def _instant(at_us: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=int(at_us))
