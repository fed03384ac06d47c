"""Repaired records: a CSV file that a person can edit, and how it takes the place of what the source states."""

import csv
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from suanheng.schemas.checking.records import Chunk, UnreadableFile

FILE, SITE, TABLE, ROW, REASON, RECORD = PLACE = (
    "suanheng_file",
    "suanheng_site",
    "suanheng_table",
    "suanheng_row",
    "suanheng_reason",
    "suanheng_record",
)
"""Columns in front of the record's own: where it belongs, what is wrong with it, and its text if it has no columns."""

_HASH = "sha256:"
"""In front of a hash, so that no spreadsheet takes one for a number."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NAIVE_TIME = "%Y-%m-%dT%H:%M:%S%.f+00:00"


class Content(NamedTuple):
    """What a file holds, for one site and one table of stage raw."""

    file_id: str
    site_id: str
    raw_table: str


@dataclass(frozen=True)
class Record:
    """A record as text: values by the source's own labels; where it cannot be split into columns, its text alone."""

    values: Mapping[str, str]
    text: str = ""
    reason: str = ""

    @property
    def as_json(self) -> str:
        """The record as the quarantine shows it."""
        return json.dumps(self.values, ensure_ascii=False) if any(self.values.values()) else self.text


@dataclass(frozen=True)
class Sheet:
    """Records of one file, by their row: those that wait for a repair, or those that were repaired."""

    content: Content
    labels: Sequence[str]
    records: Mapping[int, Record]

    def write(self, path: Path) -> None:
        """Write the sheet: UTF-8 with a byte-order mark, and nothing that a spreadsheet would run as a formula."""
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_name(path.name + ".part")
        with begun.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*PLACE, *map(_shielded, self.labels)])
            for row_number, record in sorted(self.records.items()):
                place = (_HASH + self.content.file_id, self.content.site_id, self.content.raw_table, str(row_number))
                values = (record.values.get(label, "") for label in self.labels)
                writer.writerow([*place, *map(_shielded, (record.reason, record.text, *values))])
        begun.replace(path)


def read(path: Path, encoding: str = "utf-8-sig") -> Sheet:
    """Read a sheet that somebody edited.

    Raises:
        UnreadableFile: it is not what an export wrote, with lines edited or taken out.
    """
    try:
        with path.open(encoding=encoding, newline="") as file:
            header, *lines = [line for line in csv.reader(file, strict=True) if any(line)] or [[]]
    except UnicodeDecodeError as error:
        raise _refusal(
            path,
            f"text in {encoding.removesuffix('-sig')}",
            f"byte {error.object[error.start]:#04x} at position {error.start}",
            "Save it as CSV UTF-8, or say what it is in, e.g. --encoding gb18030.",
        ) from None
    except csv.Error as error:
        raise _refusal(path, "comma-separated text", str(error), "Export the file anew and edit that.") from None
    if tuple(header[: len(PLACE)]) != PLACE:
        do = "Save it with commas between the columns, and leave the first columns as they are."
        raise _refusal(path, f"a header that begins with {', '.join(PLACE)}", ", ".join(header[:7]) or "nothing", do)
    labels = [_unshielded(label) for label in header[len(PLACE) :]]
    contents, records = set(), {}
    for number, line in enumerate(lines, 2):
        content, row_number, record = _line(path, number, line, labels)
        if row_number in records:
            raise _refusal(path, "every row once", f"row {row_number} twice", "Keep one of the two lines.")
        contents.add(content)
        records[row_number] = record
    if len(contents) != 1:
        do = "Replay each file's export by itself." if contents else "Export the file anew."
        raise _refusal(path, "records of one file", f"records of {len(contents)} files", do)
    return Sheet(contents.pop(), labels, records)


def read_for(path: Path, content: Content) -> Mapping[int, Record]:
    """Repaired records of one content, and of no other.

    Raises:
        UnreadableFile: the sheet cannot be read, or is that of another file.
    """
    sheet = read(path)
    if sheet.content != content:
        do = "Remove it, and replay the sheet instead of copying it."
        raise _refusal(path, f"records of {content.file_id[:12]}", f"records of {sheet.content.file_id[:12]}", do)
    return sheet.records


def divide(chunk: Chunk, repaired: Collection[int]) -> tuple[Chunk, dict[int, Record]]:
    """What of a chunk counts as the source states it, and the records that count as somebody repaired them."""
    if not repaired:
        return chunk, {}
    is_repaired = pl.col("row_number").is_in(list(repaired))
    kept = Chunk(chunk.rows.filter(~is_repaired), [u for u in chunk.unreadable if u.row_number not in repaired])
    return kept, records_of(chunk, repaired)


def records_of(chunk: Chunk, wanted: Collection[int]) -> dict[int, Record]:
    """Records of a chunk as text, by their row."""
    rows = as_text(chunk.rows.filter(pl.col("row_number").is_in(list(wanted))))
    found = {row.pop("row_number"): Record(row) for row in rows.to_dicts()}
    unreadable = {u.row_number: Record({}, u.record, u.message) for u in chunk.unreadable if u.row_number in wanted}
    return found | unreadable


def as_chunk(records: Mapping[int, Record]) -> Chunk:
    """Repaired records as a reader would give them."""
    labels = list(dict.fromkeys(label for record in records.values() for label in record.values))
    rows = [(row_number, *(record.values.get(label) for label in labels)) for row_number, record in records.items()]
    schema = {"row_number": pl.Int64, **dict.fromkeys(labels, pl.String)}
    return Chunk(pl.DataFrame(rows, schema=schema, orient="row"))


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """All columns but the row's number as text that the gate reads as the same values; unknown is empty."""
    return rows.with_columns(
        _as_text(name, dtype).fill_null("").alias(name) for name, dtype in rows.schema.items() if name != "row_number"
    )


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if not isinstance(dtype, pl.Datetime):
        return value.cast(pl.String)
    in_utc = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else value
    return in_utc.dt.strftime(_NAIVE_TIME)


def _line(path: Path, number: int, line: list[str], labels: Sequence[str]) -> tuple[Content, int, Record]:
    file, site_id, table, row, reason, text, *values = [*line, *[""] * (len(PLACE) + len(labels) - len(line))]
    if len(values) > len(labels):
        do = "Put a value that holds a comma between double quotes."
        raise _refusal(path, f"{len(PLACE) + len(labels)} cells in line {number}", str(len(line)), do)
    if not row.isdecimal() or not file.startswith(_HASH):
        got = f"{file!r} and {row!r} in line {number}"
        raise _refusal(path, "a hash and the number of a row", got, "Leave the first columns as they were exported.")
    content = Content(file.removeprefix(_HASH), site_id, table)
    record = Record(dict(zip(labels, map(_unshielded, values), strict=True)), _unshielded(text), _unshielded(reason))
    return content, int(row), record


def _shielded(text: str) -> str:
    """An apostrophe in front of what a spreadsheet would run; text that begins so already gets one more."""
    return f"'{text}" if _FORMULA.match(text) else text


def _unshielded(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _refusal(path: Path, expected: str, got: str, do: str) -> UnreadableFile:
    return UnreadableFile(f"{path} cannot be taken as repaired records", expected=expected, got=got, do=do)


def path_of(folder: Path, content: Content) -> Path:
    """Where the repaired records of a content are."""
    return folder / content.site_id / content.raw_table / f"{content.file_id}.csv"


def forgotten(rows: Iterable[int], file: Path, path: Path) -> UnreadableFile:
    """The refusal of repairs for rows that their file does not hold."""
    return _refusal(path, f"rows of {file.name}", ", ".join(map(str, sorted(rows))), "Remove these lines.")
