"""Landing: a file becomes raw rows and quarantined records, once, in one transaction."""

import hashlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from suanheng.config.sources import BoundFile, bound_files, read_sources
from suanheng.config.workspace import Workspace
from suanheng.schemas.formats import formats, landed, raw_tables
from suanheng.schemas.gate import Checked, UnreadableFile, check
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.staging import contract_text
from suanheng.warehouse.lake import Lake


@dataclass(frozen=True)
class Waiting:
    """A file that is not in the warehouse yet, or was read under another binding."""

    bound: BoundFile
    file_id: str
    binding: str
    shown_path: str


@dataclass(frozen=True)
class Landing:
    """What became of a file: read = accepted + quarantined."""

    path: str
    site_id: str
    format: str
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    problem: str | None


def waiting(lake: Lake, workspace: Workspace) -> list[Waiting]:
    """Files that some binding matches and that were not taken in as they are now, by path."""
    known = set(lake.frame("SELECT file_id, site_id, raw_table, binding FROM ops.files").iter_rows())
    found: dict[tuple[str, str, str], Waiting] = {}
    for bound in bound_files(workspace.root, read_sources(workspace.sources_file, readable_formats(), set(DATASETS))):
        file_id = _hash_of(bound.path)
        binding = _binding(bound)
        key = (file_id, bound.site_id, bound.source.raw_table)
        if (*key, binding) not in known and key not in found:
            found[key] = Waiting(bound, file_id, binding, _shown(bound.path, workspace.root))
    return sorted(found.values(), key=lambda file: file.shown_path)


def readable_formats() -> set[str]:
    """Names a binding may give as its format."""
    return {"template", *formats()}


def land(lake: Lake, file: Waiting, run_id: str, author: str) -> Landing:
    """Take one file in. A file that cannot be read at all is recorded as refused, with the reason.

    The content that the same path held before, and an earlier reading of the same content, no longer count.
    """
    bound = file.bound
    table = bound.source.raw_table
    with lake.transaction(author, f"{run_id}: land {file.shown_path}"):
        _forget(lake, file)
        try:
            counts = _load(lake, file, run_id)
            problem = None
        except UnreadableFile as error:
            problem = str(error)
        except Exception as error:
            # Whatever a broken file makes a parser say, the night goes on and the file is named.
            problem = f"{type(error).__name__} while reading it as {bound.source.format}: {error}"
        if problem is not None:
            lake.execute(f"DELETE FROM raw.{table} WHERE file_id = ? AND site_id = ?", [file.file_id, bound.site_id])
            _forget_records(lake, file)
            counts = (0, 0, 0, None, None)
        read, accepted, quarantined, first_at, last_at = counts
        lake.insert(
            "ops.files",
            pl.DataFrame(
                {
                    "file_id": [file.file_id],
                    "path": [file.shown_path],
                    "site_id": [bound.site_id],
                    "format": [bound.source.format],
                    "raw_table": [table],
                    "evidence_class": [bound.source.evidence],
                    "time_zone": [bound.source.time_zone],
                    "binding": [file.binding],
                    "bytes": [bound.path.stat().st_size],
                    "rows_read": [read],
                    "rows_accepted": [accepted],
                    "rows_quarantined": [quarantined],
                    "first_at": pl.Series([first_at], dtype=pl.Datetime("us")),
                    "last_at": pl.Series([last_at], dtype=pl.Datetime("us")),
                    "status": ["loaded" if problem is None else "refused"],
                    "problem": [problem],
                    "run_id": [run_id],
                },
                schema_overrides={"time_zone": pl.String, "problem": pl.String},
            ),
        )
    return Landing(file.shown_path, bound.site_id, bound.source.format, read, accepted, quarantined, problem)


def _load(lake: Lake, file: Waiting, run_id: str):
    """Read, gate and load; counts of rows read, accepted and quarantined, and the times they span."""
    table = file.bound.source.raw_table
    contract = landed(raw_tables()[table])
    read = accepted = quarantined = 0
    for checked in _checked_chunks(file):
        rows = checked.accepted.with_columns(
            site_id=pl.lit(file.bound.site_id),
            file_id=pl.lit(file.file_id),
            evidence_class=pl.lit(file.bound.source.evidence),
        )
        lake.insert(f"raw.{table}", rows.select(list(contract.columns)))
        lake.insert(
            "quarantine.records",
            checked.rejected.with_columns(
                stage=pl.lit("raw"),
                site_id=pl.lit(file.bound.site_id),
                file_id=pl.lit(file.file_id),
                table_name=pl.lit(table),
                run_id=pl.lit(run_id),
            ),
        )
        accepted += checked.accepted.height
        quarantined += checked.rejected.height
        read += checked.accepted.height + checked.rejected.height
    if read == 0:
        raise UnreadableFile(
            f"{file.shown_path} holds no record",
            expected=f"at least one record of format {file.bound.source.format}",
            got=f"{file.bound.path.stat().st_size} bytes without one",
            do="Export it again, or bind it to the format it is in.",
        )
    return (read, accepted, quarantined, *_span(lake, file))


def _checked_chunks(file: Waiting) -> Iterator[Checked]:
    source = file.bound.source
    reader = importlib.import_module(f"suanheng.flows.sources.{source.format}")
    contract = raw_tables()[source.raw_table].contract
    options = {**source.options, "encoding": source.encoding, "dataset": source.dataset}
    for chunk in reader.read(file.bound.path, options):
        checked = check(chunk, contract, source.time_zone)
        found = chunk.rows.height + len(chunk.unreadable)
        if checked.accepted.height + checked.rejected.height != found:
            raise RuntimeError(
                f"{file.shown_path}: {found} records read, but {checked.accepted.height} accepted and "
                f"{checked.rejected.height} rejected. The reader numbers two records alike."
            )
        yield checked


def _span(lake: Lake, file: Waiting):
    happened = raw_tables()[file.bound.source.raw_table].contract.happened
    if happened is None:
        return None, None
    start, end = happened
    return lake.connection.execute(
        f'SELECT min("{start}")::TIMESTAMP, max(coalesce("{end}", "{start}"))::TIMESTAMP '
        f"FROM raw.{file.bound.source.raw_table} WHERE file_id = ? AND site_id = ?",
        [file.file_id, file.bound.site_id],
    ).fetchone()


def _forget(lake: Lake, file: Waiting) -> None:
    table = file.bound.source.raw_table
    here = [file.bound.site_id, table]
    lake.execute(f"DELETE FROM raw.{table} WHERE file_id = ? AND site_id = ?", [file.file_id, file.bound.site_id])
    _forget_records(lake, file)
    lake.execute("DELETE FROM ops.files WHERE file_id = ? AND site_id = ? AND raw_table = ?", [file.file_id, *here])
    lake.execute(
        "UPDATE ops.files SET status = 'replaced' WHERE path = ? AND site_id = ? AND raw_table = ?",
        [file.shown_path, *here],
    )


def _forget_records(lake: Lake, file: Waiting) -> None:
    lake.execute(
        "DELETE FROM quarantine.records WHERE stage = 'raw' AND file_id = ? AND site_id = ? AND table_name = ?",
        [file.file_id, file.bound.site_id, file.bound.source.raw_table],
    )


def _binding(bound: BoundFile) -> str:
    source = bound.source
    contract = raw_tables()[source.raw_table].contract
    parts = (source.format, source.time_zone, source.evidence, source.encoding, sorted(source.options.items()))
    return hashlib.sha256((repr(parts) + contract_text(contract)).encode()).hexdigest()


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shown(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()
