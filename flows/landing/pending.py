"""Which files wait to be ingested, and which are where their content is known already."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from suanheng.config import fingerprints
from suanheng.config.sources import Source, SourceFile, read_sources, source_files
from suanheng.config.workspace import Workspace
from suanheng.flows.landing import in_place, repairs
from suanheng.flows.landing.file_hashes import hash_of_content, state_of
from suanheng.flows.landing.repairs import Content
from suanheng.schemas.formats import raw_tables, readable
from suanheng.schemas.staged import DATASETS, family
from suanheng.schemas.tables.ops import FILES
from suanheng.transforms.telemetry.quarter_sums import survey_inputs_hash
from suanheng.warehouse.lake import Lake


@dataclass(frozen=True)
class Waiting:
    """A file that is not in the warehouse as it is now.

    Attributes:
        bound: the file and its source.
        file_id: hash of its content, and of its path where that holds columns.
        source_hash: hash of what decides how it is read.
        shown_path: its path from the workspace.
        size: its length in bytes.
        reader: hash of the code that reads it.
        why: why it waits, in words.
        was_read: whether the same content was read before, in another way or until its path held other content.
        is_moved: whether it need not be read again: only its path differs, or what its path held before.
        seen: what the disk said of it before it was hashed, as ``state_of`` gives it.
        repairs: file of its repaired records, where there is one.
        replaces: contents that this path, or that of a copy, held before and that now are nowhere.
    """

    bound: SourceFile
    file_id: str
    source_hash: str
    reader: str
    why: str
    shown_path: str
    size: int
    was_read: bool
    is_moved: bool
    seen: list[int]
    repairs: Path | None
    replaces: tuple[str, ...]

    @property
    def table(self) -> str:
        """Table of stage raw it lands in."""
        return self.bound.source.raw_table

    @property
    def has_changed(self) -> bool:
        """Whether it is another than was hashed, as far as the disk can say."""
        return state_of(self.bound.path) != self.seen

    @property
    def content(self) -> Content:
        """What it holds, for its site and table."""
        return Content(self.file_id, self.bound.site_id, self.table)


def waiting(lake: Lake, workspace: Workspace, hash_of: Callable[[Path], str] = hash_of_content) -> list[list[Waiting]]:
    """Files that some source matches and that were not ingested as they are now, grouped by site and raw table.

    Where the same content is twice, the path that sorts last counts; where sources overlap, the first of them.

    Args:
        lake: the warehouse.
        workspace: where.
        hash_of: how a file's content is hashed, where hashes are remembered.
    """
    known = _known(lake)
    survey_inputs, commissioned = survey_inputs_hash(lake), commissioned_on(lake)
    seen: dict[Path, list[int]] = {}

    def seen_and_hashed(path: Path) -> str:
        seen[path] = state_of(path)
        return hash_of(path)

    there = _stored(workspace, seen_and_hashed)
    gone: dict[tuple[str, str, str], list[str]] = {}
    for content, last in known.items():
        if last.status != "replaced" and content not in there:
            gone.setdefault((last.path, *content[1:]), []).append(content.file_id)
    found = []
    for content, copies in there.items():
        bound = copies[-1]
        shown_path, repaired = shown(bound.path, workspace.root), repairs_of(workspace, content)
        beside = survey_inputs, commissioned.get(content.site_id)
        source_hash = source_hash_of(bound, repaired, beside, hash_of)
        before, reader = known.get(content), reader_hash(bound.source)
        counts = before is not None and before.source_hash == source_hash and before.status != "replaced"
        places = {(shown(copy.path, workspace.root), *content[1:]) for copy in copies}
        replaces = tuple(sorted(file_id for place in places for file_id in gone.get(place, ())))
        if before and counts and before.status == "refused":
            replaces = ()
        if not before or not counts or before.path != shown_path or replaces:
            found.append(
                Waiting(
                    bound=bound,
                    file_id=content.file_id,
                    source_hash=source_hash,
                    reader=reader,
                    why=_why(before, counts, reader, replaces),
                    shown_path=shown_path,
                    size=bound.path.stat().st_size,
                    was_read=before is not None,
                    is_moved=counts,
                    seen=seen[bound.path],
                    repairs=repaired,
                    replaces=replaces,
                )
            )
    ordered = sorted(found, key=_group)
    return [sorted(files, key=lambda file: file.shown_path) for _, files in groupby(ordered, key=_group)]


@dataclass(frozen=True)
class _Known:
    """A content as it was last read: in which way, by which code, at which path; whether it counts."""

    source_hash: str
    reader: str | None
    path: str
    status: str


def _known(lake: Lake) -> dict[Content, _Known]:
    # A warehouse that no newer version has written to yet lacks the newer columns.
    rows = pl.concat([pl.DataFrame(schema=FILES.dtypes()), lake.frame("SELECT * FROM ops.files")], how="diagonal")
    columns = rows.select("file_id", "site_id", "raw_table", "source_hash", "reader_hash", "path", "status")
    return {Content(*row[:3]): _Known(*row[3:]) for row in columns.iter_rows()}


def _why(before: _Known | None, is_moved: bool, reader: str, replaces: tuple[str, ...]) -> str:
    if before is None:
        return "its content changed" if replaces else "a new file"
    if is_moved:
        return "its place changed, not its content"
    if before.status == "replaced":
        return "it came back"
    return "read again: " + ("reader changed" if before.reader != reader else "its source or its repairs changed")


def stored(workspace: Workspace, hash_of: Callable[[Path], str] = hash_of_content) -> dict[Content, SourceFile]:
    """Each content that is somewhere now, and the file that counts for it.

    Args:
        workspace: where.
        hash_of: how a file's content is hashed, where hashes are already known.
    """
    return {content: copies[-1] for content, copies in _stored(workspace, hash_of).items()}


def _stored(workspace: Workspace, hash_of: Callable[[Path], str]) -> dict[Content, list[SourceFile]]:
    """Each content that is somewhere now, and all files that hold it, the one that counts at the end."""
    there: dict[Content, list[SourceFile]] = {}
    for bound in source_files(workspace.root, sources_of(workspace)):
        file_id = file_id_of(bound, workspace.root, hash_of)
        copies = there.setdefault(Content(file_id, bound.site_id, bound.source.raw_table), [])
        if bound.path not in [copy.path for copy in copies]:
            copies.append(bound)
    return {content: sorted(copies, key=lambda copy: copy.path) for content, copies in there.items()}


def file_id_of(bound: SourceFile, root: Path, hash_of: Callable[[Path], str]) -> str:
    """Hash of what a file says: of its content, and of its path where that holds columns of its records.

    Args:
        bound: the file and its source.
        root: folder of the workspace.
        hash_of: how a file's content is hashed.
    """
    holds = raw_tables()[bound.source.raw_table].path_holds_columns
    content = hash_of(bound.path)
    if not (holds in bound.source.options if isinstance(holds, str) else holds):
        return content
    return hashlib.sha256(f"{content} {shown(bound.path, root)}".encode()).hexdigest()


def sources_of(workspace: Workspace) -> list[Source]:
    """The sources of a workspace.

    Raises:
        BadSettings: the file of sources cannot be used.
    """
    return read_sources(workspace.sources_file, readable(), DATASETS)


def repairs_of(workspace: Workspace, content: Content) -> Path | None:
    """File of the repaired records of a content, where there is one."""
    path = repairs.path_of(workspace.repairs_folder, content)
    return path if path.is_file() else None


def _group(file: Waiting) -> tuple[str, str]:
    return file.bound.site_id, file.table


def source_hash_of(
    bound: SourceFile,
    repaired: Path | None,
    rests_on: tuple[str, date | None],
    hash_of: Callable[[Path], str] = hash_of_content,
) -> str:
    """Hash of what decides how a file is read: the code that reads it, what its source says, its repairs, its site.

    Args:
        bound: the file and its source.
        repaired: file of its repaired records, where there is one.
        rests_on: what a survey rests on besides the file, as ``survey_inputs_hash`` gives it, and the first day of the
            site, before which nothing in the file can have happened.
        hash_of: how a file's content is hashed, where hashes are already known.
    """
    survey_inputs, commissioned = rests_on
    source = bound.source
    parts = (source.format, source.time_zone, source.evidence, source.encoding, sorted(source.options.items()))
    beside = "".join(hash_of(place) for place in side_files_of(bound))
    mended = repaired.read_bytes() if repaired else b""
    beside += survey_inputs if source.raw_table == in_place.RAW_TABLE and bound.path.suffix == ".parquet" else ""
    stated = repr(parts) + reader_hash(source) + beside + (str(commissioned) if commissioned else "")
    return hashlib.sha256(stated.encode() + mended).hexdigest()


def commissioned_on(lake: Lake) -> dict[str, date]:
    """First day of service of each site that states it."""
    query = "SELECT site_id, commissioned_on FROM reference.sites WHERE commissioned_on IS NOT NULL"
    return dict(lake.frame(query).iter_rows())


def reader_hash(source: Source) -> str:
    """Hash of the code that turns files of a source into raw rows."""
    dataset = family(source.dataset) if source.dataset else None
    return fingerprints.installed().of_reading(source.format, dataset)


def side_files_of(bound: SourceFile) -> list[Path]:
    """Files beside a file that decide how it is read: when one of them changes, the file is read again."""
    options = bound.source.options
    named = raw_tables()[bound.source.raw_table].side_files
    return [bound.path.parent / str(options[option]) for option in named if option in options]


def shown(path: Path, root: Path) -> str:
    """Path of a file from the workspace; whole where it is elsewhere."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()
