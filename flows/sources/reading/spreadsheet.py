"""Tables inside workbooks and CSV files that carry titles, decoy sheets and blank rows around them."""

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import fastexcel
import polars as pl

from suanheng.flows.sources.reading.files import opened, whole
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.contract import Contract

CHUNK_ROWS = 50_000
INFLATED_WORKBOOK_BYTES = 256 * 2**20
"""Largest content of a workbook after unpacking."""

_WORKBOOK_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SHOWN_LABELS = 6

Row = tuple[int, list[str | None]]
"""Row number as a person counts, and the cells as text; an empty cell is None."""


@dataclass(frozen=True)
class Table:
    """The rows below a header. ``labels`` are the header's cells, the n-th repetition of one marked `` (n)``."""

    labels: list[str]
    rows: list[Row]

    def under(self, contract: Contract) -> "Table":
        """The same table under the labels of a contract, where the header uses another of their exact spellings.

        Raises:
            UnreadableFile: two columns are spellings of one label.
        """
        names = contract.names_by_label()
        labels = [names.get(label, label) for label in self.labels]
        for position, label in enumerate(labels):
            if label and label in labels[:position]:
                both = [own for own, name in zip(self.labels, labels, strict=True) if name == label]
                raise UnreadableFile(
                    f"Two columns mean {label}",
                    expected="every column once",
                    got=" and ".join(both),
                    do="Take one of them out, or export the file again.",
                )
        return Table(labels, self.rows)

    def chunks(self) -> Iterator[Chunk]:
        """Cut the table into bounded chunks; a row with more or fewer cells than labels is unreadable."""
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield self._chunk(self.rows[start : start + CHUNK_ROWS])

    def _chunk(self, rows: Sequence[Row]) -> Chunk:
        fitting = [(number, cells) for number, cells in rows if len(cells) == len(self.labels)]
        columns: dict[str, list[int] | list[str | None]] = {"row_number": [number for number, _ in fitting]}
        schema: dict[str, pl.DataType | type[pl.DataType]] = {"row_number": pl.Int64}
        for position, label in enumerate(self.labels):
            if label:
                columns[label] = [cells[position] for _, cells in fitting]
                schema[label] = pl.String
        return Chunk(pl.DataFrame(columns, schema=schema), self._unreadable(rows))

    def _unreadable(self, rows: Sequence[Row]) -> list[Unreadable]:
        return [
            Unreadable(
                number,
                "field_count",
                f"the header has {len(self.labels)} fields, the row has {len(cells)}",
                ",".join(cell or "" for cell in cells),
            )
            for number, cells in rows
            if len(cells) != len(self.labels)
        ]


def find_table(path: Path, labels: Collection[str], do: str, encoding: str = "utf-8") -> Table:
    """Find the first table whose header row holds all the labels, on whichever sheet and row it stands.

    Labels are matched whole; line breaks and repeated blanks inside a header cell count as one blank.

    Args:
        path: an XLSX, XLS or CSV file.
        labels: header cells that distinguish this table from every other.
        do: advice for the person whose file holds no such table.
        encoding: of a CSV file.

    Raises:
        UnreadableFile: no sheet has such a header, or the file cannot be opened.
    """
    return find_table_where(path, _holds_all(labels), f"one row that holds {_listed(labels)}", do, encoding)


def find_table_where(
    path: Path, is_header: Callable[[Sequence[str]], bool], expected: str, do: str, encoding: str = "utf-8"
) -> Table:
    """Find the first table with a header row of which something is true, e.g. where labels have several spellings.

    Args:
        path: an XLSX, XLS or CSV file.
        is_header: recognises the header by its cells, in which blanks and line breaks count as one blank.
        expected: the header in words.
        do: advice for the person whose file holds no such table.
        encoding: of a CSV file.

    Raises:
        UnreadableFile: no sheet has such a header, or the file cannot be opened.
    """
    seen = []
    for name, rows in _sheets(path, encoding):
        if table := _table(rows, is_header):
            return table
        seen.append(f"{name}: {_first_words(rows)}")
    raise _no_table(path, expected, seen, do)


def every_table(path: Path, labels: Collection[str], do: str) -> list[tuple[int, str, Table]]:
    """The table of every sheet that has one with such a header: number of the sheet from 1, its name, the table.

    Line breaks and repeated blanks inside a header cell count as one blank.

    Raises:
        UnreadableFile: no sheet has such a header, or the file cannot be opened.
    """
    found, seen = [], []
    for number, (name, rows) in enumerate(_sheets(path, "utf-8"), start=1):
        if table := _table(rows, _holds_all(labels)):
            found.append((number, name, table))
        seen.append(f"{name}: {_first_words(rows)}")
    if not found:
        raise _no_table(path, f"one row that holds {_listed(labels)}", seen, do)
    return found


def _holds_all(labels: Collection[str]) -> Callable[[Sequence[str]], bool]:
    return lambda header: set(labels) <= set(header)


def _listed(labels: Collection[str]) -> str:
    return ", ".join(sorted(labels))


def _table(rows: Sequence[Row], is_header: Callable[[Sequence[str]], bool]) -> Table | None:
    for position, (_, cells) in enumerate(rows):
        header = [" ".join((cell or "").split()) for cell in cells]
        if is_header(header):
            return Table(_numbered(header), [(number, row) for number, row in rows[position + 1 :] if any(row)])
    return None


def _no_table(path: Path, expected: str, seen: Sequence[str], do: str) -> UnreadableFile:
    return UnreadableFile(
        f"No table with the expected header in {path.name}",
        expected=expected,
        got="; ".join(seen) or "no sheet",
        do=do,
    )


def _sheets(path: Path, encoding: str) -> Iterator[tuple[str, list[Row]]]:
    with opened(path) as file:
        signature = file.read(4)
    return _workbook(path) if signature in _WORKBOOK_SIGNATURES else iter([("the file", _csv(path, encoding))])


def _workbook(path: Path) -> Iterator[tuple[str, list[Row]]]:
    content = whole(path)
    _refuse_to_inflate(path, content)
    try:
        workbook = fastexcel.read_excel(content)
        for name in workbook.sheet_names:
            yield f"sheet {name}", _cells(workbook, name)
    except fastexcel.FastExcelError as error:
        raise UnreadableFile(
            f"{path.name} cannot be opened as a workbook",
            expected="an XLSX or XLS file",
            got=str(error).splitlines()[0],
            do="Open it in a spreadsheet programme, save it again, and hand it in anew.",
        ) from error


def _refuse_to_inflate(path: Path, content: bytes) -> None:
    """A workbook is an archive that is unpacked in memory, so what it says it unpacks to is asked first."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inflated = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError):
        return  # no archive, as an XLS file, or a broken one, which will not open as a workbook either
    if inflated > INFLATED_WORKBOOK_BYTES:
        raise UnreadableFile(
            f"{path.name} unpacks to more than a workbook of bills or assets holds",
            expected=f"at most {INFLATED_WORKBOOK_BYTES // 2**20} MiB",
            got=f"{inflated // 2**20} MiB",
            do="Export it as CSV, which is read piece by piece, or in parts.",
        )


def _cells(workbook: fastexcel.ExcelReader, sheet: str) -> list[Row]:
    texts = workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
    numbers = workbook.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="float").to_polars()
    exact = texts.select(_exact(pl.col(name), numbers[name]) for name in texts.columns)
    return [(number, list(cells)) for number, cells in enumerate(exact.iter_rows(), start=1)]


def _exact(text: pl.Expr, number: pl.Series) -> pl.Expr:
    """Text of a cell; fastexcel rounds numbers to nine decimals on their way to text, so those are written anew."""
    rounded = text.cast(pl.Float64, strict=False)
    return pl.when(rounded.is_not_null() & (rounded != number)).then(number.cast(pl.String)).otherwise(text)


def _csv(path: Path, encoding: str) -> list[Row]:
    rows: list[Row] = []
    try:
        text = whole(path).decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        with io.StringIO(text, newline="") as file:
            reader = csv.reader(file)
            above = 0
            for cells in reader:
                rows.append((above + 1, [cell or None for cell in cells]))
                above = reader.line_num
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(
            f"{path.name} is neither a workbook nor readable CSV",
            expected=f"XLSX, XLS, or comma-separated text in {encoding}",
            got=str(error),
            do='Export the file again, as XLSX or as CSV, or set encoding in sources.toml, e.g. encoding = "gb18030".',
        ) from error
    return rows


def _numbered(header: Sequence[str]) -> list[str]:
    counts: dict[str, int] = {}
    labels = []
    for label in header:
        counts[label] = counts.get(label, 0) + 1
        labels.append(label if counts[label] == 1 or not label else f"{label} ({counts[label]})")
    return labels


def _first_words(rows: Sequence[Row]) -> str:
    for _, cells in rows:
        words = [cell for cell in cells if cell]
        if words:
            more = ", …" if len(words) > _SHOWN_LABELS else ""
            return ", ".join(words[:_SHOWN_LABELS]) + more
    return "nothing"
