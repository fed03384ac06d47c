"""Landing: a file becomes raw rows and quarantined records, once; the files of one table in one transaction."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl

from suanheng.config.errors import is_fault_of_work
from suanheng.config.sources import SourceFile, misplaced_files
from suanheng.config.workspace import Workspace
from suanheng.flows.landing import in_place, repairs, times
from suanheng.flows.landing.in_place import NotSurveyed, Surveyor
from suanheng.flows.landing.pending import Waiting, shown, sources_of
from suanheng.flows.landing.repairs import Record
from suanheng.schemas.checking.records import Checked, Chunk, UnreadableFile, check
from suanheng.schemas.contract import Contract
from suanheng.schemas.formats import landed, raw_tables
from suanheng.schemas.tables.ops import FILES, RECORDS, REPAIRS
from suanheng.warehouse.lake import Lake

BUFFERED_ROWS = 200_000
"""Rows that are held in memory before they are written."""


@dataclass(frozen=True)
class Landing:
    """What became of a file, and why it was looked at: read = accepted + quarantined."""

    path: str
    site_id: str
    format: str
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    problem: str | None
    why: str


def misplaced(workspace: Workspace) -> list[Landing]:
    """Files that cannot be ingested because their folder should name a site and cannot."""
    return [
        Landing(shown(path, workspace.root), "", "", 0, 0, 0, problem, "a new file")
        for path, problem in misplaced_files(workspace.root, sources_of(workspace))
    ]


def land(lake: Lake, files: Sequence[Waiting], surveyor: Surveyor = in_place.survey_whole) -> list[Landing]:
    """Ingest files of one site and raw table, all in one transaction.

    A file that cannot be read at all is recorded as refused, with the reason. An earlier reading of the same content
    no longer counts, nor does the content that the same path held before, unless the new content is refused. Of a file
    that was only moved the new path is noted.

    Raises:
        NotSurveyed: the surveyor could not survey a large file; nothing is ingested.
    """
    first = files[0]
    with lake.transaction(f"land {first.table} of {first.bound.site_id}"):
        _forget(lake, files)
        writer = RawWriter(lake, first.table, first.bound.site_id, surveyor)
        moved = [file for file in files if file.is_moved]
        new = [file for file in files if not file.is_moved]
        landings = [_land_one(writer, file) for file in new]
        accepted = [file for file, landing in zip(new, landings, strict=True) if landing.problem is None]
        _supersede(lake, [*accepted, *moved])
        _note_paths(lake, moved)
        writer.flush()
    return landings


def _land_one(writer: "RawWriter", file: Waiting) -> Landing:
    try:
        counts = writer.ingest_in_place(file) or _ingest(writer, file)
        problem = None
    except NotSurveyed:
        raise
    except UnreadableFile as error:
        problem = str(error)
    except BaseException as error:
        if not is_fault_of_work(error):
            raise
        # Whatever a broken file makes a parser say, the night goes on and the file is named.
        problem = f"{type(error).__name__} while reading it as {file.bound.source.format}: {error}"
    if file.has_changed and not (problem is None and counts.is_adopted):
        # Whatever was read, or broke, is not of the content by whose hash it would be known.
        problem, file = str(_changed(file)), replace(file, source_hash="")
    if problem is not None:
        writer.drop(file.file_id)
        counts = _Counts()
    writer.enter(file, counts, problem)
    return Landing(
        path=file.shown_path,
        site_id=file.bound.site_id,
        format=file.bound.source.format,
        rows_read=counts.read,
        rows_accepted=counts.accepted,
        rows_quarantined=counts.rejected,
        problem=problem,
        why=file.why,
    )


def _changed(file: Waiting) -> UnreadableFile:
    return UnreadableFile(
        f"{file.shown_path} changed between being hashed and being read",
        expected="a file that is whole once it is laid down",
        got="one that was being written or replaced",
        do="The next run reads it again. Write it elsewhere, and move it in when it is whole.",
    )


@dataclass
class _Counts:
    accepted: int = 0
    rejected: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    days: set[date | None] = field(default_factory=set)
    is_adopted: bool = False

    @property
    def read(self) -> int:
        return self.accepted + self.rejected

    def add(self, checked: Checked, contract: Contract) -> None:
        self.accepted += checked.accepted.height
        self.rejected += checked.rejected.height
        if contract.happened is None or checked.accepted.is_empty():
            return
        start, end = (pl.col(name).cast(pl.Datetime("us")) for name in contract.happened)
        self.days |= _days(checked.accepted, contract)
        first, last = checked.accepted.select(start.min(), pl.coalesce(end, start).max().alias("last")).row(0)
        self.first_at = min(filter(None, (self.first_at, first)), default=None)
        self.last_at = max(filter(None, (self.last_at, last)), default=None)


def _days(rows: pl.DataFrame, contract: Contract) -> set[date | None]:
    """Days (UTC) on which feeds may date rows; with days at a place, which are not those of UTC, those beside them."""
    begins = rows[contract.begins]
    times = [begins, *(rows[name] for name in contract.may_begin)]
    if contract.may_begin_before:
        before_us = (rows[contract.may_begin_before].fill_null(0) * 1e6).cast(pl.Int64).cast(pl.Duration("us"))
        times.append(begins - before_us)
    days = {day for of_times in times for day in of_times.cast(pl.Date).unique()}
    if begins.dtype == pl.Date:
        days |= {day + timedelta(away) for day in days if day for away in (-1, 1)}
    return days


class RawWriter:
    """Where the files of one site and raw table are unloaded: gathers rows and writes them in large pieces."""

    def __init__(self, lake: Lake, table: str, site_id: str, surveyor: Surveyor) -> None:
        self._lake, self._table, self._site_id = lake, table, site_id
        self._surveyor = surveyor
        self.in_service = times.in_service(lake, site_id)
        self._columns = list(landed(raw_tables()[table]).columns)
        self._rows: list[pl.DataFrame] = []
        self._records: list[pl.DataFrame] = []
        self._mended: list[pl.DataFrame] = []
        self._files: list[pl.DataFrame] = []

    def write(self, checked: Checked, mended: pl.DataFrame, file_id: str, evidence_class: str) -> None:
        """Gather one chunk, and what was repaired in it."""
        place = {"site_id": pl.lit(self._site_id), "file_id": pl.lit(file_id)}
        rows = checked.accepted.with_columns(evidence_class=pl.lit(evidence_class), **place).select(self._columns)
        records = checked.rejected.with_columns(
            stage=pl.lit("raw"),
            **place,
            table_name=pl.lit(self._table),
            staged_day=pl.lit(None, pl.Date),
            run_id=pl.lit(self._lake.run_id),
        ).select(list(RECORDS.columns))
        self._rows.append(rows)
        self._records.append(records)
        if mended.height:
            self._mended.append(
                mended.with_columns(**place, raw_table=pl.lit(self._table), run_id=pl.lit(self._lake.run_id))
            )
        if sum(part.height for part in self._rows) + sum(part.height for part in self._records) >= BUFFERED_ROWS:
            self._flush_rows()

    def ingest_in_place(self, file: Waiting) -> _Counts | None:
        """Ingest a file in place; nothing where it must be read row by row."""
        path = file.bound.path
        if file.repairs or not in_place.is_candidate(self._lake, self._table, path, self._site_id):
            return None
        placed = in_place.Placed(path, self._site_id, file.file_id, file.bound.source.evidence)
        found = self._surveyor(self._lake, path, self._site_id)
        if file.has_changed:
            raise _changed(file)
        if not self.in_service.holds(found.first_at, found.last_at):
            return None
        taken = in_place.ingest(self._lake, placed, found)
        if taken is None:
            return None
        return _Counts(taken.accepted, taken.rejected, taken.first_at, taken.last_at, is_adopted=True)

    def drop(self, file_id: str) -> None:
        """Take back what was gathered or written of a file."""
        self._rows, self._records, self._mended = (
            [part.filter(pl.col("file_id") != file_id) for part in parts]
            for parts in (self._rows, self._records, self._mended)
        )
        _delete_rows(self._lake, self._table, self._site_id, [file_id])

    def enter(self, file: Waiting, counts: _Counts, problem: str | None) -> None:
        """Enter a file in the ledger."""
        row = {
            "file_id": file.file_id,
            "path": file.shown_path,
            "site_id": self._site_id,
            "format": file.bound.source.format,
            "raw_table": self._table,
            "evidence_class": file.bound.source.evidence,
            "time_zone": file.bound.source.time_zone,
            "source_hash": file.source_hash,
            "reader_hash": file.reader,
            "bytes": file.size,
            "rows_read": counts.read,
            "rows_accepted": counts.accepted,
            "rows_quarantined": counts.rejected,
            "first_at": counts.first_at,
            "last_at": counts.last_at,
            "days": sorted(counts.days, key=str),
            "status": "loaded" if problem is None else "refused",
            "problem": problem,
            "is_adopted": counts.is_adopted,
            "run_id": self._lake.run_id,
        }
        self._files.append(pl.DataFrame([row], schema=FILES.dtypes()))

    def flush(self) -> None:
        """Write what is left, and the ledger."""
        self._flush_rows()
        if self._files:
            self._lake.insert("ops.files", pl.concat(self._files))

    def _flush_rows(self) -> None:
        if self._rows:
            self._lake.insert(f"raw.{self._table}", pl.concat(self._rows))
            self._lake.insert("quarantine.records", pl.concat(self._records))
        if self._mended:
            self._lake.insert("ops.repairs", pl.concat(self._mended))
        self._rows, self._records, self._mended = [], [], []


def _ingest(writer: RawWriter, file: Waiting) -> _Counts:
    form = raw_tables()[file.table]
    counts = _Counts()
    for checked, mended in _checked_chunks(file, writer.in_service):
        writer.write(checked, mended, file.file_id, file.bound.source.evidence)
        counts.add(checked, form.contract)
    if counts.read == 0:
        raise UnreadableFile(
            f"{file.shown_path} holds no record",
            expected=f"at least one record of format {file.bound.source.format}",
            got=f"{file.size} bytes without one",
            do="Export it again, or bind it to the format it is in.",
        )
    return counts


def _checked_chunks(file: Waiting, in_service: times.InService) -> Iterator[tuple[Checked, pl.DataFrame]]:
    """Every chunk after the gate, repaired records in place of the source's own; and what was repaired in it."""
    form, time_zone = raw_tables()[file.table], file.bound.source.time_zone
    repaired = repairs.read_for(file.repairs, file.content) if file.repairs else {}
    left = set(repaired)
    for chunk in chunks_of(file.bound):
        kept, originals = repairs.divide(chunk, left)
        checked = times.hold_to(check(kept, form.contract, time_zone), form, in_service)
        mended = pl.DataFrame(schema=REPAIRS.dtypes())
        if originals:
            new = {row_number: repaired[row_number] for row_number in originals}
            again = times.hold_to(check(repairs.as_chunk(new), form.contract, time_zone), form, in_service)
            mended = _mended(originals, new, set(again.accepted["row_number"]))
            checked = Checked(*map(pl.concat, zip(_parts(checked), _parts(again), strict=True)))
            left -= originals.keys()
        found = chunk.rows.height + len(chunk.unreadable)
        if checked.accepted.height + checked.rejected.height != found:
            raise RuntimeError(
                f"{file.shown_path}: {found} records read, but {checked.accepted.height} accepted and "
                f"{checked.rejected.height} rejected. The reader numbers two records alike."
            )
        yield checked, mended
    if file.repairs and left:
        raise repairs.forgotten(left, file.bound.path, file.repairs)


def chunks_of(bound: SourceFile) -> Iterator[Chunk]:
    """What the reader of a file's format finds in it."""
    source = bound.source
    reader = importlib.import_module(f"suanheng.flows.sources.{source.format}")
    options = {**source.options, "encoding": source.encoding, "dataset": source.dataset}
    yield from reader.read(bound.path, options)


def _parts(checked: Checked) -> tuple[pl.DataFrame, pl.DataFrame]:
    return checked.accepted, checked.rejected


def _mended(originals: Mapping[int, Record], new: Mapping[int, Record], accepted: set[int]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "row_number": row_number,
                "reason": new[row_number].reason,
                "original": original.as_json,
                "repaired": new[row_number].as_json,
                "is_accepted": row_number in accepted,
            }
            for row_number, original in originals.items()
        ],
        schema=REPAIRS.dtypes(),
    )


def _forget(lake: Lake, files: Sequence[Waiting]) -> None:
    """Make room for content that was read before. Most never was, and deleting nothing costs a scan."""
    if again := [file.file_id for file in files if file.was_read and not file.is_moved]:
        table, site_id = files[0].table, files[0].bound.site_id
        in_place.forget(lake, site_id, again)
        _delete_rows(lake, table, site_id, again)
        lake.execute(
            "DELETE FROM ops.files WHERE site_id = ? AND raw_table = ? AND list_contains(?, file_id)",
            [site_id, table, again],
        )


def _supersede(lake: Lake, files: Sequence[Waiting]) -> None:
    """What the paths of these files held before counts no longer."""
    if replaced := [file_id for file in files for file_id in file.replaces]:
        in_place.forget(lake, files[0].bound.site_id, replaced)
        _delete_records(lake, files[0].table, files[0].bound.site_id, replaced)
        lake.execute(
            "UPDATE ops.files SET status = 'replaced' "
            "WHERE site_id = ? AND raw_table = ? AND list_contains(?, file_id)",
            [files[0].bound.site_id, files[0].table, replaced],
        )


def _note_paths(lake: Lake, moved: Sequence[Waiting]) -> None:
    for file in moved:
        lake.execute(
            "UPDATE ops.files SET path = ? WHERE site_id = ? AND raw_table = ? AND file_id = ?",
            [file.shown_path, file.bound.site_id, file.table, file.file_id],
        )


def _delete_rows(lake: Lake, table: str, site_id: str, file_ids: list[str]) -> None:
    lake.execute(f"DELETE FROM raw.{table} WHERE site_id = ? AND list_contains(?, file_id)", [site_id, file_ids])
    _delete_records(lake, table, site_id, file_ids)
    lake.execute(
        "DELETE FROM ops.repairs WHERE site_id = ? AND raw_table = ? AND list_contains(?, file_id)",
        [site_id, table, file_ids],
    )


def _delete_records(lake: Lake, table: str, site_id: str, file_ids: list[str]) -> None:
    lake.execute(
        "DELETE FROM quarantine.records WHERE stage = 'raw' AND site_id = ? AND table_name = ? "
        "AND list_contains(?, file_id)",
        [site_id, table, file_ids],
    )
