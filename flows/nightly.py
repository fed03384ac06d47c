"""The nightly flow: take in what is new, build what it affects."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow

from suanheng.config.workspace import open_workspace
from suanheng.flows.pipeline import night
from suanheng.flows.steps import PrefectSteps, current_watcher


@flow(name="nightly", flow_run_name="nightly {workspace}")
def nightly(workspace: Path = Path(), reports: bool = True) -> dict[str, Any]:
    """Take in new files, stage them, build every quarter they affect, and write its reports.

    Args:
        workspace: folder with ``suanheng.toml``.
        reports: whether to write reports.

    Returns:
        What was done, as plain data.
    """
    return night(open_workspace(workspace), PrefectSteps(current_watcher()), datetime.now(UTC), reports).as_dict()


if __name__ == "__main__":
    nightly()
