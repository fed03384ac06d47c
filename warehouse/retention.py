"""Keeping the warehouse small without losing what was published."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace
from suanheng.warehouse.lake import Lake, reading, writing
from suanheng.warehouse.tables import columns_of_tables

STRAY_AFTER = timedelta(days=1)
"""Age from which a data file that no snapshot knows counts as left behind by a run that died, not as being written."""


def expire_unpublished(workspace: Workspace, older_than_days: int, now: datetime) -> dict[str, list[int]]:
    """Forget the old snapshots of a warehouse but those of publications, while nobody else writes.

    Args:
        workspace: where.
        older_than_days: snapshots older than so many days go.
        now: the present.

    Returns:
        The snapshots that were ``expired`` and those ``kept_for_publications``.

    Raises:
        BadSettings: a negative number of days.
        NoWarehouse: nothing was ever written.
    """
    if older_than_days < 0:
        raise BadSettings(f"older_than_days is {older_than_days}. Expected 0 or more.")
    # A reader does not make a warehouse where there is none.
    with reading(workspace):
        pass
    with writing(workspace, "expire") as lake, lake.alone():
        kept = _published(lake)
        before = now.astimezone(UTC).replace(tzinfo=None) - timedelta(days=older_than_days)
        return {"expired": expire(lake, kept, before), "kept_for_publications": kept}


def _published(lake: Lake) -> list[int]:
    """Snapshots of publications; a run that was broken off first of all may have left no table of them."""
    if "scorecards.publications" not in columns_of_tables(lake):
        return []
    query = "SELECT DISTINCT snapshot_id FROM scorecards.publications ORDER BY snapshot_id"
    return lake.frame(query).to_series().to_list()


def expire(lake: Lake, keep: Sequence[int], older_than: datetime) -> list[int]:
    """Forget old snapshots, and delete the data files that none of the remaining ones needs, or that none ever knew.

    Args:
        lake: the warehouse, open to write.
        keep: snapshots that must stay readable: those of publications.
        older_than: only snapshots made before this moment (UTC) go. The newest one always stays.

    Returns:
        The snapshots that were forgotten.
    """
    query = (
        "SELECT snapshot_id FROM ducklake_snapshots('lake') WHERE snapshot_time < ?::TIMESTAMP AT TIME ZONE 'UTC' "
        "AND NOT list_contains(?::BIGINT[], snapshot_id) "
        "AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots('lake')) ORDER BY 1"
    )
    going = lake.frame(query, [older_than, list(keep)]).to_series().to_list()
    if going:
        versions = ", ".join(str(int(snapshot)) for snapshot in going)
        lake.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{versions}])")
    lake.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
    delete_strays(lake, datetime.now(UTC) - STRAY_AFTER)
    return going


def delete_strays(lake: Lake, older_than: datetime) -> list[str]:
    """Delete the data files of transactions that never ended, as those of a run that was killed.

    A transaction under way elsewhere has such files too: only their age distinguishes them.

    Args:
        lake: the warehouse, open to write.
        older_than: only files last changed before this moment, with its zone, go.

    Returns:
        The files that were deleted.
    """
    query = "FROM ducklake_delete_orphaned_files('lake', older_than => ?::TIMESTAMPTZ)"
    return lake.frame(query, [older_than]).to_series().to_list()
