"""From quarantine to repair: rejected records go out as a sheet, and come back in place of what the file states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from suanheng.config.errors import BadSettings
from suanheng.config.sources import SourceFile
from suanheng.config.workspace import Workspace
from suanheng.flows import night
from suanheng.flows.landing import repairs
from suanheng.flows.landing.land import chunks_of
from suanheng.flows.landing.pending import repairs_of, stored
from suanheng.flows.landing.repairs import Content, Record, Sheet
from suanheng.flows.orchestration.steps import Steps
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.schemas.formats import raw_tables
from suanheng.warehouse.lake import Lake, reading


@dataclass(frozen=True)
class Replayed:
    """What became of one line of a repaired sheet.

    Attributes:
        row: row in the source's file.
        became: ``accepted``, ``still in quarantine``, or ``left as it was`` where the line says what already counts.
        changes: every value that is another now: column, old and new value.
        why: what is still wrong.
    """

    row: int
    became: str
    changes: str
    why: str


def export(workspace: Workspace, file: str, to: Path, site_id: str | None = None) -> int:
    """Write the rejected records of one file as a sheet that a person can edit; how many there are.

    Args:
        workspace: where.
        file: path of the file from the workspace, or the start of its hash.
        to: sheet to write.
        site_id: its site, where the same content was delivered for several.

    Raises:
        BadSettings: there is no such file, it was refused as a whole, or nothing of it is in quarantine.
    """
    if to.exists():
        raise BadSettings(f"{to} is there already. Nothing was changed.")
    with reading(workspace) as lake:
        content = _content(lake, file, site_id)
        reasons = _reasons(lake, content)
    if not reasons:
        raise BadSettings(f"Nothing of {file} is in quarantine. See what is: suanheng quarantine list")
    labels, _, current = _records(workspace, content, set(reasons))
    records = {row: Record(record.values, record.text, reasons[row]) for row, record in current.items()}
    Sheet(content, labels, records).write(to)
    return len(records)


def replay(
    workspace: Workspace, sheet: Path, steps: Steps, now: datetime, encoding: str = "utf-8-sig"
) -> list[Replayed]:
    """Let the records of a sheet count in place of what their file states, and stage what that changes.

    The file stays as it is. What was repaired is kept in the workspace's ``repairs/`` and counts whenever the file is
    read. A row that the sheet does not name stays as it was; one that says what the file says is repaired no longer.

    Raises:
        BadSettings: the sheet is none, or names what is not in quarantine; nothing was changed.
    """
    try:
        edited = repairs.read(sheet, encoding)
    except UnreadableFile as error:
        raise BadSettings(str(error)) from None
    content = edited.content
    kept = _kept(workspace, content)
    with reading(workspace) as lake:
        _refuse_strangers(lake, edited, kept)
    labels, originals, current = _records(workspace, content, edited.records.keys() | kept.keys())
    if sorted(edited.labels) != sorted(labels):
        raise BadSettings(
            f"{sheet} has other columns than its file. Expected {', '.join(labels)}; got {', '.join(edited.labels)}. "
            "Leave the columns as they were exported."
        )
    changed = {row: record for row, record in edited.records.items() if _differ(record, current[row], labels)}
    counting = {row: record for row, record in (kept | changed).items() if _differ(record, originals[row], labels)}
    if counting != kept:
        _keep(repairs.path_of(workspace.repairs_folder, content), Sheet(content, labels, counting))
    night.replay(workspace, steps, now, content)
    with reading(workspace) as lake:
        reasons = _reasons(lake, content)
    return [_told(row, record, current[row], row in changed, reasons) for row, record in sorted(edited.records.items())]


def _content(lake: Lake, file: str, site_id: str | None) -> Content:
    query = (
        "SELECT file_id, site_id, raw_table, status, problem FROM ops.files WHERE status <> 'replaced' "
        "AND (path = ? OR starts_with(file_id, ?)) AND coalesce(site_id = ?, true) ORDER BY ALL"
    )
    found = lake.frame(query, [file, file, site_id]).rows()
    if not found:
        raise BadSettings(f"No file {file!r} was ingested. See which are in quarantine: suanheng quarantine list")
    if loaded := [Content(*row[:3]) for row in found if row[3] == "loaded"]:
        if len(loaded) > 1:
            places = ", ".join(f"{content.site_id} {content.raw_table} {content.file_id[:12]}" for content in loaded)
            raise BadSettings(f"{file!r} is several: {places}. Name one by its hash, or its site with --site.")
        return loaded[0]
    raise BadSettings(
        f"{file} was refused as a whole, so there is no record to repair: {found[0][4]} "
        "Put a good file in its place, or correct its source."
    )


def _reasons(lake: Lake, content: Content) -> dict[int, str]:
    """Why each record of a content is in quarantine, by row."""
    query = (
        "SELECT row_number, string_agg(rule || ': ' || message, '; ' ORDER BY stage, table_name) "
        "FROM quarantine.records WHERE file_id = ? AND site_id = ? "
        "AND (stage = 'raw' AND table_name = ? OR stage = 'staged' AND list_contains(?, table_name)) "
        "GROUP BY row_number"
    )
    feeds = list(raw_tables()[content.raw_table].feeds)
    return dict(lake.frame(query, [*content, feeds]).iter_rows())


def _kept(workspace: Workspace, content: Content) -> dict[int, Record]:
    """The repairs of a content so far."""
    path = repairs_of(workspace, content)
    return dict(repairs.read(path).records) if path else {}


def _refuse_strangers(lake: Lake, edited: Sheet, kept: Mapping[int, Record]) -> None:
    known = "SELECT count(*) FROM ops.files WHERE file_id = ? AND site_id = ? AND raw_table = ? AND status = 'loaded'"
    if not lake.value(known, list(edited.content)):
        raise BadSettings(
            f"The file of these records, {edited.content.file_id[:12]} of {edited.content.site_id}, does not count: it "
            "was never ingested, or its path holds other content now. Export the newer file's records and repair those."
        )
    if strangers := sorted(edited.records.keys() - _reasons(lake, edited.content).keys() - kept.keys()):
        raise BadSettings(
            f"Row {', '.join(map(str, strangers))} of that file is not in quarantine. Remove the line: a value that "
            "the gates accept is corrected in corrections/, with the reason."
        )


def _records(
    workspace: Workspace, content: Content, wanted: set[int]
) -> tuple[list[str], dict[int, Record], dict[int, Record]]:
    """The file's labels, and the wanted records: as the file states them, and as they count now."""
    bound = stored(workspace).get(content)
    if bound is None:
        raise BadSettings(
            f"The file {content.file_id[:12]} of {content.site_id} is nowhere a source finds it, and its records "
            "are read from it. Put it back."
        )
    labels, originals = _read(bound, wanted)
    kept = _kept(workspace, content)
    return labels, originals, {row: kept.get(row, record) for row, record in originals.items()}


def _read(bound: SourceFile, wanted: set[int]) -> tuple[list[str], dict[int, Record]]:
    labels: dict[str, None] = {}
    found: dict[int, Record] = {}
    for chunk in chunks_of(bound):
        labels |= dict.fromkeys(name for name in chunk.rows.columns if name != "row_number")
        found |= repairs.records_of(chunk, wanted)
    return list(labels), found


def _differ(record: Record, other: Record, labels: list[str]) -> bool:
    return any(record.values.get(label, "") != other.values.get(label, "") for label in labels)


def _keep(path: Path, sheet: Sheet) -> None:
    if sheet.records:
        sheet.write(path)
    else:
        path.unlink()


def _told(row: int, record: Record, before: Record, is_changed: bool, reasons: Mapping[int, str]) -> Replayed:
    changes = "; ".join(
        f"{label}: {before.values.get(label, '')!r} is now {value!r}"
        for label, value in record.values.items()
        if value != before.values.get(label, "")
    )
    became = "left as it was" if not is_changed else "still in quarantine" if row in reasons else "accepted"
    return Replayed(row, became, changes, reasons.get(row, ""))
