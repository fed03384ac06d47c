"""The nightly flow: ingest what is new, build what it affects."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from suanheng.flows.night import night
from suanheng.flows.orchestration.catch_up import COVERED, covering_run
from suanheng.flows.orchestration.conclusion import conclude
from suanheng.flows.orchestration.settings_check import read_settings
from suanheng.flows.orchestration.steps import PrefectSteps, current_watcher


@flow(name="nightly", flow_run_name="nightly {workspace}")
def nightly(workspace: Path = Path(), reports: bool = True) -> dict[str, Any] | State:
    """Ingest new files, stage them, build every quarter they affect, and write its reports.

    Args:
        workspace: folder with ``suanheng.toml``.
        reports: whether to write reports.

    Returns:
        What was done, as plain data; the state ``Covered`` where a later run has done it already.

    Raises:
        BadSettings: a settings file cannot be used; with every fault of all of them.
        PartsFailed: a part failed; the others are done.
    """
    if by := covering_run(workspace, reports):
        began = f"{by.start_time:%Y-%m-%d %H:%M} UTC"
        return Completed(
            name=COVERED, message=f"Covered by {by.name} ({by.id}): it began at {began}, after this was due."
        )
    opened = read_settings(workspace).workspace
    done = night(opened, PrefectSteps(current_watcher()), datetime.now(UTC), reports)
    return conclude(done.as_dict())


if __name__ == "__main__":
    nightly()
