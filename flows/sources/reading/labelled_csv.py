"""Comma-separated text, read record by record, however long the file is."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.text import lines, refuse_repeated, wrong_field_count
from suanheng.schemas.checking.records import Unreadable, UnreadableFile


def records(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[int, list[str]]]:
    """Line in which each record begins, counted from 1, and its fields without blanks around them; blank lines go.

    Raises:
        UnreadableFile: a quote is opened and never closed, or the bytes are not text in the stated encoding.
    """
    reader = csv.reader((text for _, text in lines(path, options, newline="")), strict=True)
    above = 0
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield above + 1, [field.strip() for field in fields]
            above = reader.line_num
    except csv.Error as error:
        raise UnreadableFile(
            f"{path.name} cannot be split into fields from line {above + 1} on",
            expected="comma-separated text whose quotes pair up",
            got=str(error),
            do="Repair the quotes in that line, or export the file again.",
        ) from None


def labelled_records(
    path: Path, options: Mapping[str, Any], wanted: tuple[str, ...], do: str
) -> Iterator[tuple[int, dict[str, str]] | Unreadable]:
    """Records below a header on the first line, each with its line; a record of another length is unreadable.

    Args:
        path: the file.
        options: ``encoding``.
        wanted: labels the header must hold; it may hold others.
        do: advice for the person whose header lacks one of them.

    Raises:
        UnreadableFile: the header lacks a label or repeats one.
    """
    all_records = records(path, options)
    _, header = next(all_records, (1, []))
    if missing := [label for label in wanted if label not in header]:
        raise UnreadableFile(
            f"{path.name} has no column {', '.join(missing)}",
            expected=f"a header on the first line with {', '.join(wanted)}",
            got=", ".join(header) or "an empty file",
            do=do,
        )
    refuse_repeated(path, [label for label in header if label])
    for line, fields in all_records:
        if len(fields) == len(header):
            yield line, dict(zip(header, fields, strict=True))
        else:
            yield wrong_field_count(line, fields, len(header), ",".join(fields))
