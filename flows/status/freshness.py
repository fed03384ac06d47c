"""What is fresh, late or missing, per site and dataset, by the cadence of each source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from suanheng.config.cadence import is_late
from suanheng.config.sources import Source, matches
from suanheng.config.workspace import Workspace
from suanheng.flows.landing.pending import shown
from suanheng.schemas.formats import raw_tables
from suanheng.warehouse.lake import Lake


@dataclass(frozen=True)
class Freshness:
    """How one dataset of one site stands by one source.

    Attributes:
        site_id: the site.
        dataset: the dataset.
        number: place of the source in ``sources.toml``, from 1.
        cadence: how often its files are expected; ``None`` where nobody said.
        reaches_to: end of what they state of (UTC); for an inventory, when the last one was ingested.
        state: ``fresh``, ``late``, ``missing`` where none is ingested, or ``no cadence``.
    """

    site_id: str
    dataset: str
    number: int
    cadence: str | None
    reaches_to: datetime | None
    state: str


def known_files(lake: Lake) -> list[dict[str, Any]]:
    """Files that are ingested or were refused, with when, and how many of their rows failed at a later gate."""
    query = """
        SELECT
            f.file_id, f.site_id, f.raw_table, f.path, f.source_hash, f.status, f.problem, f.rows_read,
            f.rows_quarantined, f.last_at, r.started_at_utc AS taken_in_at, (
                SELECT count(DISTINCT q.row_number) FROM quarantine.records AS q
                WHERE q.stage = 'staged' AND q.file_id = f.file_id AND q.site_id = f.site_id
            ) AS rows_quarantined_later
        FROM ops.files AS f LEFT JOIN ops.runs AS r ON r.run_id = f.run_id
        WHERE f.status <> 'replaced'
    """
    return lake.frame(query).to_dicts()


def freshness(
    workspace: Workspace,
    sources: Sequence[Source],
    sites: Sequence[str],
    ingested: Sequence[Mapping[str, Any]],
    now: datetime,
) -> Iterator[Freshness]:
    """How each dataset of each site stands.

    Args:
        workspace: where.
        sources: its sources.
        sites: its sites; a source without a site of its own is expected to bring files of each.
        ingested: its files, as ``ledger`` states them.
        now: the present.
    """
    loaded: dict[tuple[str, str, str], Mapping[str, Any]] = {
        (file["path"], file["site_id"], file["raw_table"]): file for file in ingested if file["status"] == "loaded"
    }
    for number, source in enumerate(sources, 1):
        form = raw_tables()[source.raw_table]
        reached: dict[str, datetime | None] = {}
        for _, path, site_id in matches(workspace.root, [source]):
            if file := loaded.get((shown(path, workspace.root), site_id, source.raw_table)):
                at = file["taken_in_at" if form.contract.happened is None else "last_at"]
                reached[site_id] = max(filter(None, (reached.get(site_id), at)), default=None)
        for site_id in [source.site] if source.site else sites:
            reaches_to = reached.get(site_id)
            state = _state(source.cadence, site_id in reached, reaches_to, now)
            for dataset in form.feeds:
                yield Freshness(site_id, dataset, number, source.cadence, reaches_to, state)


def _state(cadence: str | None, is_there: bool, reaches_to: datetime | None, now: datetime) -> str:
    if cadence is None:
        return "no cadence"
    if not is_there:
        return "missing"
    present = now.astimezone(UTC).replace(tzinfo=None)
    return "late" if reaches_to is not None and is_late(cadence, reaches_to, present) else "fresh"
