"""Keeping the warehouse small without losing what was published."""

from collections.abc import Sequence
from datetime import datetime

from suanheng.warehouse.lake import Lake


def expire(lake: Lake, keep: Sequence[int], older_than: datetime) -> list[int]:
    """Forget old snapshots, and delete the data files that none of the remaining ones needs.

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
    return going
