"""What a night would make of the sources, said beforehand: reads files and the ledger, writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.config.errors import is_fault_of_work
from suanheng.config.sites import read_sites
from suanheng.config.sources import Source, SourceFile, is_site_id, matches, place_of
from suanheng.config.workspace import Workspace
from suanheng.flows.landing import repairs
from suanheng.flows.landing.file_hashes import hash_of_content
from suanheng.flows.landing.land import chunks_of
from suanheng.flows.landing.pending import (
    commissioned_on,
    file_id_of,
    repairs_of,
    shown,
    side_files_of,
    source_hash_of,
    sources_of,
    stored,
)
from suanheng.flows.landing.repairs import Content
from suanheng.flows.status.freshness import Freshness, freshness, known_files
from suanheng.schemas.checking.records import Chunk, UnreadableFile, check
from suanheng.schemas.formats import raw_tables
from suanheng.transforms.telemetry.quarter_sums import survey_inputs_hash
from suanheng.warehouse.errors import NoWarehouse
from suanheng.warehouse.lake import reading

TRIED_ROWS = 1000
"""Records of a file that are tried."""

_REASONS = 3
_WHY = ("row_number", "rule", "message")
_NO_RECORD = Chunk(pl.DataFrame(schema={"row_number": pl.Int64}))


@dataclass(frozen=True)
class FileFound:
    """A file that a source matches.

    Attributes:
        path: its path from the workspace.
        site_id: its site, or the folder that should name one.
        state: ``new``, ``read anew`` where its source or its repairs have changed, ``ingested``, ``refused``,
            ``copy`` of a content that another path counts for, ``bound before`` by an earlier source, or ``no site``.
        records: records in it, where it is ingested; else those that were tried.
        passed: those of them that keep the contract.
        finding: what does not fit, and what to do.
    """

    path: str
    site_id: str
    state: str
    records: int | None = None
    passed: int | None = None
    finding: str | None = None


@dataclass(frozen=True)
class SourceFound:
    """What one source of ``sources.toml`` comes to.

    Attributes:
        number: its place in the file, from 1.
        format: its format.
        datasets: datasets its files become.
        glob: what its files are looked for with.
        cadence: how often files are expected.
        files: the files.
        findings: what does not fit the source as a whole.
    """

    number: int
    format: str
    datasets: tuple[str, ...]
    glob: str
    cadence: str | None
    files: list[FileFound] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Inspection:
    """All sources, and what is in the workspace and belongs to none."""

    sources: list[SourceFound]
    findings: list[str]

    @property
    def fits(self) -> bool:
        """Whether there is nothing to repair."""
        return not any(self.all_findings())

    def all_findings(self) -> Iterator[str]:
        """Everything that does not fit, by source, then what belongs to none."""
        for source in self.sources:
            yield from (f"[[source]] number {source.number}: {finding}" for finding in source.findings)
            yield from (f"{file.path}: {file.finding}" for file in source.files if file.finding)
        yield from self.findings


def inspect(workspace: Workspace, now: datetime) -> Inspection:
    """Look at every source and every file in the landing zone.

    Args:
        workspace: where; it may have no warehouse yet.
        now: the present, to say what is late.

    Raises:
        BadSettings: a settings file cannot be used.
    """
    sources = sources_of(workspace)
    sites = {site.site_id for site in read_sites(workspace.sites_file)}
    look = _Look(workspace, sources, sites)
    found = [look.at(number, source) for number, source in enumerate(sources, 1)]
    for row in freshness(workspace, sources, sorted(sites), look.books, now):
        if late := _late(row, found[row.number - 1].files):
            found[row.number - 1].findings.append(late)
    return Inspection(found, [*look.unbound(), *look.repairs_of_nothing()])


def _late(row: Freshness, files: list[FileFound]) -> str | None:
    """That evidence is late; or missing, where files of other sites are there and none of this one."""
    if row.state == "missing" and files and row.site_id not in {file.site_id for file in files}:
        return f"{row.dataset} of {row.site_id} is missing: expected {row.cadence}, and no file of it is there."
    if row.state == "late":
        return (
            f"{row.dataset} of {row.site_id} is late: expected {row.cadence}, and what it states ends {row.reaches_to}."
        )
    return None


class _Look:
    """What is looked at, read once."""

    def __init__(self, workspace: Workspace, sources: list[Source], sites: set[str]) -> None:
        self._workspace, self._sites = workspace, sites
        self._hash_of = cache(hash_of_content)
        self._there = stored(workspace, self._hash_of)
        self.books, self._survey_inputs, self._commissioned = _ledger(workspace)
        self._known = {Content(file["file_id"], file["site_id"], file["raw_table"]): file for file in self.books}
        self._bound: dict[Path, list[tuple[int, Source]]] = {}
        for number, source in enumerate(sources, 1):
            for _, path, _ in matches(workspace.root, [source]):
                self._bound.setdefault(path, []).append((number, source))

    def at(self, number: int, source: Source) -> SourceFound:
        """One source."""
        form = raw_tables()[source.raw_table]
        found = SourceFound(number, source.format, form.feeds, source.files, source.cadence)
        for _, path, site_id in matches(self._workspace.root, [source]):
            found.files.append(self._file(number, source, path, site_id))
        if not found.files:
            found.findings.append(_nothing_matches(self._workspace.root, source))
        for site_id in sorted({file.site_id for file in found.files if file.state != "no site"} - self._sites):
            found.findings.append(f"the site {site_id!r} is not in sites.toml. Add it, or rename the folder.")
        return found

    def unbound(self) -> Iterator[str]:
        """Files of the landing zone that no source matches."""
        beside = {place.resolve() for bound in self._there.values() for place in side_files_of(bound)}
        for path in sorted((self._workspace.root / "landing").rglob("*")):
            expected = path in self._bound or path in beside or path.name.startswith((".", "~$"))
            if path.is_file() and not expected:
                yield f"{self._shown(path)}: no source matches it. Add a [[source]] to sources.toml, or move the file."

    def repairs_of_nothing(self) -> Iterator[str]:
        """Repaired records of contents that are nowhere."""
        folder = self._workspace.repairs_folder
        expected = {repairs.path_of(folder, content) for content in self._there}
        for path in sorted(folder.rglob("*.csv")):
            if path not in expected:
                yield f"{self._shown(path)}: no file is here that it repairs. Remove it, or put that file back."

    def _shown(self, path: Path) -> str:
        return shown(path, self._workspace.root)

    def _file(self, number: int, source: Source, path: Path, site_id: str) -> FileFound:
        name = self._shown(path)
        if not is_site_id(site_id):
            return FileFound(name, site_id, "no site", finding=f"the folder {site_id!r} cannot name a site. Rename it.")
        others = [(other, s) for other, s in self._bound[path] if other != number]
        if before := next((other for other, s in others if other < number and s.raw_table == source.raw_table), None):
            finding = f"number {number} matches it too, but number {before} counts. Narrow one of the globs."
            return FileFound(name, site_id, "bound before", finding=finding)
        bound = SourceFile(path, site_id, source)
        file_id = file_id_of(bound, self._workspace.root, self._hash_of)
        content = Content(file_id, site_id, source.raw_table)
        if self._there[content].path != path:
            return FileFound(name, site_id, "copy")
        found = self._new_or_known(name, bound, content)
        if twice := [
            f"number {n} as {s.raw_table}" for n, s in others if n > number and s.raw_table != source.raw_table
        ]:
            finding = f"it is read as {source.raw_table} and again by {', '.join(twice)}. Narrow one of the globs."
            return replace(found, finding=" ".join(filter(None, (found.finding, finding))))
        return found

    def _new_or_known(self, name: str, bound: SourceFile, content: Content) -> FileFound:
        repaired = repairs_of(self._workspace, content)
        known = self._known.get(content)
        if known is None:
            return _tried(name, bound, "new", content, repaired)
        beside = self._survey_inputs, self._commissioned.get(bound.site_id)
        if known["source_hash"] != source_hash_of(bound, repaired, beside):
            return _tried(name, bound, "read anew", content, repaired)
        if known["status"] == "refused":
            return FileFound(name, bound.site_id, "refused", finding=known["problem"])
        rejected = known["rows_quarantined"] + known["rows_quarantined_later"]
        finding = (
            f"{rejected} records are in quarantine. See them: suanheng quarantine show {name}" if rejected else None
        )
        return FileFound(name, bound.site_id, "ingested", known["rows_read"], known["rows_read"] - rejected, finding)


def _ledger(workspace: Workspace) -> tuple[list[dict[str, Any]], str, dict[str, date]]:
    """Files that are ingested or were refused, what surveys rest on, and since when sites are in service.

    Nothing where there is no warehouse yet.
    """
    try:
        with reading(workspace) as lake:
            return known_files(lake), survey_inputs_hash(lake), commissioned_on(lake)
    except NoWarehouse:
        return [], "", {}


def _tried(name: str, bound: SourceFile, state: str, content: Content, repaired: Path | None) -> FileFound:
    """Read the first records of a file and hold them to the contract of its raw table."""
    source = bound.source
    try:
        mended = repairs.read_for(repaired, content) if repaired else {}
        chunk, _ = repairs.divide(next(chunks_of(bound), _NO_RECORD), mended.keys())
        first = _first_records(chunk)
        checked = check(first, raw_tables()[source.raw_table].contract, source.time_zone)
    except UnreadableFile as error:
        return FileFound(name, bound.site_id, state, finding=f"would be refused: {error}")
    except BaseException as error:
        if not is_fault_of_work(error):
            raise
        # As on landing: whatever a broken file makes a parser say, the others are looked at.
        finding = f"would be refused: {type(error).__name__} while reading it as {source.format}: {error}"
        return FileFound(name, bound.site_id, state, finding=finding)
    records = first.rows.height + len(first.unreadable)
    if records + len(mended) == 0:
        return FileFound(name, bound.site_id, state, 0, 0, "would be refused: it holds no record")
    wrong = checked.rejected.sort("row_number").head(_REASONS)
    reasons = "; ".join(f"row {row}, {rule}: {message}" for row, rule, message in wrong.select(_WHY).rows())
    finding = f"{checked.rejected.height} of the first {records} records would be quarantined: {reasons}"
    passed = checked.accepted.height
    return FileFound(name, bound.site_id, state, records, passed, finding if checked.rejected.height else None)


def _first_records(chunk: Chunk) -> Chunk:
    rows = chunk.rows.head(TRIED_ROWS)
    last = rows["row_number"][-1] if rows.height == TRIED_ROWS else None
    unreadable = [u for u in chunk.unreadable if last is None or u.row_number <= last]
    return Chunk(rows, unreadable[:TRIED_ROWS])


def _nothing_matches(root: Path, source: Source) -> str:
    """That a glob finds nothing: how far it gets, and what is there under a similar name."""
    base, pattern = place_of(root, source)
    folders, (*above, missed) = [base], pattern.parts
    for part in above:
        found = [path for folder in folders for path in folder.glob(part) if path.is_dir()]
        if not found:
            missed = part
            break
        folders = found
    names = sorted({path.name for folder in folders for path in folder.iterdir()})
    near = [name for name in names if fnmatchcase(name.lower(), missed.lower())]
    near = near or get_close_matches(missed.strip("*"), names, n=3, cutoff=0.4)
    holds = f"holds {', '.join(near or names[:5])}" if names else "is empty"
    return f"nothing matches {source.files}: {shown(folders[0], root)} {holds}, and no {missed}. Correct the glob."
