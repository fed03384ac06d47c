"""Text files read line by line, and their records gathered into bounded chunks."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.files import opened
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

CHUNK_ROWS = 100_000

CsvRecords = Iterator[tuple[int, str, list[str] | csv.Error]]


def lines(path: Path, options: Mapping[str, Any], newline: str | None = None) -> Iterator[tuple[int, str]]:
    """Number of every line, counted from 1, and its text.

    Args:
        path: a text file, with or without a byte-order mark, compressed or not.
        options: ``encoding``, UTF-8 where it is not given.
        newline: ``None`` takes line ends off; ``""`` leaves them as they are, for a CSV reader.

    Raises:
        UnreadableFile: the bytes are not text in that encoding.
    """
    encoding = options.get("encoding", "utf-8")
    with opened_text(path, encoding, newline) as file:
        try:
            for number, line in enumerate(file, start=1):
                yield number, line if newline == "" else line.rstrip("\n")
        except UnicodeDecodeError as error:
            raise UnreadableFile(
                f"{path.name} is not text in {encoding}",
                expected=f"{encoding}, as its source says",
                got=f"byte {error.object[error.start]:#04x} at position {error.start}",
                do='Set encoding in sources.toml, e.g. encoding = "gb18030".',
            ) from None


def opened_text(path: Path, encoding: str, newline: str | None = "") -> io.TextIOWrapper:
    """Open a text file, with or without a byte-order mark, compressed or not."""
    return io.TextIOWrapper(
        opened(path), "utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding, newline=newline
    )


def csv_records(lines: Iterable[str]) -> CsvRecords:
    """The line each record begins in, its text, and its fields or why it cannot be split into fields."""
    taken: list[str] = []
    reader = csv.reader(_remembered(lines, taken), strict=True)
    number = 1
    while True:
        try:
            fields: list[str] | csv.Error = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields = error
        yield number, "".join(taken).rstrip("\r\n"), fields
        number = reader.line_num + 1
        taken.clear()


def _remembered(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def quotes_do_not_pair(number: int, text: str, error: csv.Error) -> Unreadable:
    """A record of a CSV file that has a quote too many or too few."""
    message = f"its quotes do not pair up, which spans {len(text.splitlines())} lines: {error}"
    return Unreadable(number, "quoting", message, text)


def chunks(records: Iterable[tuple[Any, ...] | Unreadable], labels: Sequence[str]) -> Iterator[Chunk]:
    """Gather records into chunks of at most 100,000.

    Args:
        records: a row number followed by one text (or ``None``) per label; or a record that could not be split.
        labels: the columns.
    """
    rows: list[tuple[Any, ...]] = []
    unreadable: list[Unreadable] = []
    for record in records:
        if isinstance(record, Unreadable):
            unreadable.append(record)
        else:
            rows.append(record)
        if len(rows) + len(unreadable) == CHUNK_ROWS:
            yield _chunk(rows, unreadable, labels)
            rows, unreadable = [], []
    if rows or unreadable:
        yield _chunk(rows, unreadable, labels)


def refuse_repeated(path: Path, labels: Sequence[str]) -> None:
    """Refuse a header in which a label occurs twice, or one that is kept for the row's own number.

    Raises:
        UnreadableFile: naming the labels.
    """
    if repeated := {label for label in labels if [*labels, "row_number"].count(label) > 1}:
        raise UnreadableFile(
            f"{path.name} has two columns of one name",
            expected="every label once",
            got=", ".join(sorted(repeated)),
            do="Export it again with each column once.",
        )


def wrong_field_count(number: int, fields: Sequence[str], expected: int, record: str) -> Unreadable:
    """A record with too many or too few fields."""
    cut = ": the line may be cut off" if len(fields) < expected else ""
    return Unreadable(number, "field_count", f"expected {expected} fields, got {len(fields)}{cut}", record)


def as_text(option: Any) -> str | None:
    """The value of an option as the text of a cell."""
    return None if option is None else str(option)


def _chunk(rows: list[tuple[Any, ...]], unreadable: list[Unreadable], labels: Sequence[str]) -> Chunk:
    schema = {"row_number": pl.Int64, **dict.fromkeys(labels, pl.String)}
    return Chunk(pl.DataFrame(rows, schema=schema, orient="row"), unreadable)
