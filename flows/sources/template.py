"""Our own template of a dataset, as CSV or Parquet: the dataset's columns under any of their known spellings."""

import csv
import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from suanheng.flows.sources.reading.files import bare_name
from suanheng.flows.sources.reading.service_periods import with_exclusive_ends
from suanheng.flows.sources.reading.text import csv_records, opened_text, quotes_do_not_pair
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.contract import Contract
from suanheng.schemas.datasets.energy import UTILITY_BILLS
from suanheng.schemas.formats import template

CHUNK_ROWS = 100_000


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read a template file in chunks of 100,000 rows; a row is counted as its line in a CSV file.

    Times without an offset are UTC under a header that ends in ``_utc`` and in Parquet, and in the source's declared
    zone under any other header. Bills whose ends are the last day billed, as the bills of the file show, get the day
    after it.

    Args:
        path: a ``.csv`` file, compressed or not, or a ``.parquet`` file.
        options: ``dataset``, and ``encoding`` of a CSV file.

    Raises:
        UnreadableFile: the header has an unknown, repeated or missing column, or the file is neither CSV nor Parquet.
    """
    contract = template(options["dataset"]).contract
    name = bare_name(path)
    if path.suffix == ".parquet":
        chunks = _read_parquet(path, contract)
    elif name.endswith(".csv"):
        chunks = _read_csv(path, contract, options.get("encoding", "utf-8"))
    else:
        raise UnreadableFile(
            f"{path.name} is not a template file",
            expected="a name that ends in .csv or .parquet",
            got=path.suffix or "no ending",
            do="Save it as CSV (UTF-8) or Parquet, or bind it to the format it is in.",
        )
    yield from with_exclusive_ends(chunks) if options["dataset"] == UTILITY_BILLS.name else chunks


def _read_csv(path: Path, contract: Contract, encoding: str) -> Iterator[Chunk]:
    with opened_text(path, encoding) as file:
        records = csv_records(file)
        try:
            _, _, labels = next(records, (1, "", []))
            labels = labels if isinstance(labels, list) else [str(labels)]
            header = _canonical(labels, contract)
            in_utc = [name for label, name in zip(labels, header, strict=True) if label.strip().endswith("_utc")]
            rows: list[tuple[Any, ...]] = []
            unreadable: list[Unreadable] = []
            for number, text, fields in records:
                if isinstance(fields, csv.Error):
                    unreadable.append(quotes_do_not_pair(number, text, fields))
                elif len(fields) == len(header):
                    rows.append((number, *fields))
                elif fields:
                    message = f"the row has {len(fields)} fields, the header {len(header)}"
                    unreadable.append(Unreadable(number, "field_count", message, text))
                if len(rows) + len(unreadable) == CHUNK_ROWS:
                    yield _chunk(rows, header, in_utc, unreadable)
                    rows, unreadable = [], []
        except UnicodeDecodeError as error:
            raise UnreadableFile(
                f"{path.name} is not text in {encoding}",
                expected=f"{encoding}, as its source says",
                got=f"byte {error.object[error.start]:#04x} at position {error.start}",
                do='Set encoding in sources.toml, e.g. encoding = "gb18030".',
            ) from None
    yield _chunk(rows, header, in_utc, unreadable)


def _chunk(rows: list[tuple[Any, ...]], header: list[str], in_utc: list[str], unreadable: list[Unreadable]) -> Chunk:
    schema = {"row_number": pl.Int64, **dict.fromkeys(header, pl.String)}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return Chunk(frame.with_columns(_stated_in_utc(name) for name in in_utc), unreadable)


def _stated_in_utc(name: str) -> pl.Expr:
    """A header that ends in ``_utc`` says the zone of the times below it, whatever zone the source is in."""
    time = pl.col(name)
    has_no_offset = time.str.contains(r"^\s*\d{4}-\d{2}-\d{2}[T ][\d:.]+\s*$")
    return pl.when(has_no_offset).then(time.str.strip_chars() + "+00:00").otherwise(time).alias(name)


def _read_parquet(path: Path, contract: Contract) -> Iterator[Chunk]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise UnreadableFile(
            f"{path.name} is not a Parquet file, or not a whole one",
            expected="a complete Parquet file",
            got=str(error),
            do="Export or copy it again.",
        ) from None
    header = _canonical(file.schema_arrow.names, contract)
    _refuse_nested(file.schema_arrow)
    first = 1
    for batch in file.iter_batches(CHUNK_ROWS):
        rows = pl.DataFrame(batch)
        rows.columns = header
        yield Chunk(rows.with_row_index("row_number", offset=first))
        first += rows.height


def _refuse_nested(schema: pa.Schema) -> None:
    if nested := [f"{field.name} ({field.type})" for field in schema if pa.types.is_nested(field.type)]:
        raise UnreadableFile(
            "A cell of a template holds one value",
            expected="columns of text, numbers, days, times or booleans",
            got=", ".join(nested),
            do="Write one row per value.",
        )


def _canonical(header: list[str], contract: Contract) -> list[str]:
    spellings = contract.names_by_label()
    names = [label.strip() for label in header]
    known = "a header with " + ", ".join(contract.columns)
    for label in names:
        if label not in spellings:
            raise UnreadableFile(
                f"Unknown column {label!r}", expected=known, got=", ".join(names), do=_advice(label, names, spellings)
            )
    canonical = [spellings[label] for label in names]
    if repeated := {name for name in canonical if canonical.count(name) > 1}:
        raise UnreadableFile(
            f"Column {', '.join(sorted(repeated))} occurs twice", expected=known, got=", ".join(names), do="Keep one."
        )
    needed = [name for name, column in contract.columns.items() if column.must_be_given]
    missing = [name for name in needed if name not in canonical]
    if missing:
        raise UnreadableFile(
            f"Column {', '.join(missing)} is missing",
            expected=known,
            got=", ".join(names) or "an empty file",
            do="Add it; an empty template comes from: suanheng template " + contract.name.removeprefix("template_"),
        )
    return canonical


def _advice(label: str, names: list[str], spellings: Collection[str]) -> str:
    if len(names) == 1 and set(re.split(r"[;\t|]", label)) & set(spellings):
        return "Separate the columns by commas."
    near = difflib.get_close_matches(label, spellings, n=1)
    return f"Did you mean {near[0]!r}?" if near else "Remove the column."
