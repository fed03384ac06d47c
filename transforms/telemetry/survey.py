"""One pass over a Parquet file of accelerator samples: holds every row to the contract and sums them by hour.

The file is read in batches of bounded size, each for itself: it needs no other memory than its own, and batches may be
surveyed in any order, in threads or on other machines. What the survey of a part found is added to that of the others.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from suanheng.schemas.checking.quick_look import QuickLook
from suanheng.schemas.contract import Contract
from suanheng.schemas.formats import template
from suanheng.transforms.telemetry.survey_batch import Survey, SurveyInputs, in_batches
from suanheng.warehouse.ordered_pool import OrderedPool, Threads

DATASET = "accelerator_samples"
BATCH_ROWS = 100_000
SCATTERED_ROWS = 1_500_000
"""Rows that are looked at at once, or a few more: where series are one after the other, few fit the processor's cache;
where each instant of all devices is together, many are needed to find the neighbours of a sample."""

MOST_ROWS = 2 * SCATTERED_ROWS
"""Rows from which a row group, which is read as a whole, is cut. Every cut leaves boundary samples of all series."""

SLICE_ROWS = 1_500_000
"""Rows of a part that one thread surveys at a time."""

PART_ROWS = 8_000_000
"""Rows of a part of a file that is surveyed as one task."""

_TYPES = {pl.Float64: pa.float64(), pl.Int64: pa.int64(), pl.Datetime: pa.timestamp("us")}


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
    needed = {name for name, column in contract.columns.items() if column.must_be_given}
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
    metadata = pq.read_metadata(path)
    return _parts_of(Part(path, tuple(range(metadata.num_row_groups)), 0), most_rows or PART_ROWS, metadata)


def _parts_of(part: Part, most_rows: int, metadata: pq.FileMetaData) -> list[Part]:
    """Divide a part further; each has whole row groups, and the last may be small. Empty row groups are left out."""
    found: list[Part] = []
    groups: list[int] = []
    rows, before = 0, part.first_row
    filled = [number for number in part.row_groups if metadata.row_group(number).num_rows]
    for number in filled:
        groups.append(number)
        rows += metadata.row_group(number).num_rows
        if rows >= most_rows or number == filled[-1]:
            found.append(Part(part.path, tuple(groups), before))
            before, groups, rows = before + rows, [], 0
    return found


def survey(some: Sequence[Part], survey_inputs: SurveyInputs, threads: int = 1) -> Survey:
    """Survey parts of a file.

    Args:
        some: which rows.
        survey_inputs: what it rests on besides.
        threads: row groups that are read at once.
    """
    with ThreadPoolExecutor(threads) as executor, begin_survey(executor, some, survey_inputs) as slices:
        return surveyed(slices)


Slices = OrderedPool[Part, Future[Survey]]
"""Slices of parts of a file, which threads are surveying."""


def begin_survey(executor: Executor, some: Sequence[Part], survey_inputs: SurveyInputs) -> Slices:
    """Have parts of a file surveyed in threads, slice by slice."""
    metadata = pq.read_metadata(some[0].path)
    # However many threads there are, the file is cut at the same rows, and what is summed is the same.
    slices = [piece for part in some for piece in _parts_of(part, SLICE_ROWS, metadata)]

    def survey_slice(piece: Part, place: int) -> Survey:
        return _surveyed(piece, survey_inputs, metadata)

    return OrderedPool(Threads(executor, survey_slice, places=len(slices)), slices)


def surveyed(slices: Slices) -> Survey:
    """What was found in slices, once all of them are surveyed."""
    found = together([piece.result() for piece in slices])
    # Arrow keeps what it read with for the next file, which threads of its own will read.
    pa.default_memory_pool().release_unused()
    return found


def together(surveys: Sequence[Survey]) -> Survey:
    """The surveys of the parts of a file as one."""
    return Survey(
        rows=sum(found.rows for found in surveys),
        **{
            name: pl.concat([getattr(found, name) for found in surveys])
            for name in ("suspected", "duplicates", "hours", "boundary")
        },
    )


def _surveyed(part: Part, survey_inputs: SurveyInputs, metadata: pq.FileMetaData) -> Survey:
    contract = template(DATASET).contract
    look = QuickLook(contract, metadata.schema.names)
    is_text = {name: column.dtype == pl.String for name, column in contract.columns.items()}
    texts = [name for name in metadata.schema.names if is_text[name]]
    file = pq.ParquetFile(part.path, metadata=metadata, memory_map=True, pre_buffer=False, read_dictionary=texts)
    named = file.read_row_groups(part.row_groups, columns=texts, use_threads=False).unify_dictionaries()
    numbers = [name for name in metadata.schema.names if not is_text[name]]
    found = in_batches(named, _batches(file, part, numbers, _is_scattered(named)), part.first_row, look, survey_inputs)
    return replace(
        found,
        suspected=_in_columns_of(contract, found.suspected),
        duplicates=_in_columns_of(contract, found.duplicates),
        boundary=_in_columns_of(contract, found.boundary),
    )


def _batches(file: pq.ParquetFile, part: Part, columns: Sequence[str], is_scattered: bool) -> Iterator[pa.RecordBatch]:
    """Some columns of a part, row group by row group, small ones together."""
    groups = list(part.row_groups)
    while groups:
        some = [groups.pop(0)]
        rows = file.metadata.row_group(some[0]).num_rows
        while groups and rows < (SCATTERED_ROWS if is_scattered else BATCH_ROWS):
            some.append(groups.pop(0))
            rows += file.metadata.row_group(some[-1]).num_rows
        table = file.read_row_groups(some, columns=columns, use_threads=False).combine_chunks()
        yield from table.to_batches(MOST_ROWS)


def _is_scattered(texts: pa.Table) -> bool:
    """Whether neighbours of a sample in time are not beside it, as far as the first rows show."""
    few = texts["device_id"].slice(0, 4096).combine_chunks()
    devices = few.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return int((devices[1:] != devices[:-1]).sum()) > len(devices) // 8


def _in_columns_of(contract: Contract, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in the columns of the contract, and what else they have; what the file does not have is as an empty cell."""
    missing = {name: column for name, column in contract.columns.items() if name not in rows.columns}
    named = rows.with_columns(pl.lit(column.default, column.dtype).alias(name) for name, column in missing.items())
    beside = [name for name in rows.columns if name not in contract.columns]
    return named.select(*beside, *(pl.col(name).cast(dtype) for name, dtype in contract.dtypes().items()))
