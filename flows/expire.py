"""The expire flow: forget what no publication and no recent reader needs, so that nights stay as quick as they are."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow

from suanheng.config.workspace import open_workspace
from suanheng.flows.orchestration.artifacts import show_expired
from suanheng.warehouse.retention import expire_unpublished


@flow(name="expire", flow_run_name="expire {workspace}")
def expire(workspace: Path = Path(), older_than_days: int = 30) -> dict[str, Any]:
    """Forget old snapshots, and delete the files that nothing needs any more. Published snapshots stay.

    Args:
        workspace: folder with ``suanheng.toml``.
        older_than_days: snapshots older than so many days go.

    Returns:
        The snapshots that were ``expired`` and those ``kept_for_publications``.

    Raises:
        BadSettings: a negative number of days.
        NoWarehouse: nothing was ever written.
    """
    done = expire_unpublished(open_workspace(workspace), older_than_days, datetime.now(UTC))
    show_expired(done)
    return done
