"""Catching up: one night covers all the nights that were missed before it."""

from pathlib import Path

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

COVERED = "Covered"
"""Name of the state of a run that had nothing left to do, because a later one has done it."""


def covering_run(workspace: Path, reports: bool) -> FlowRun | None:
    """The newest whole run of this flow on a workspace that began after the run that asks was due.

    After an outage Prefect starts every run that was missed. The first one ingests all that came meanwhile; those
    behind it find it here. A run that failed covers nothing. A run without a deployment is asked for by hand, and is
    covered by none.

    Args:
        workspace: folder with ``suanheng.toml``.
        reports: whether the run that asks writes reports; one that wrote none does not cover it then.
    """
    if runtime.deployment.id is None:
        return None
    whole = FlowRunFilter(
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Completed"])),
        start_time=FlowRunFilterStartTime(after_=runtime.flow_run.scheduled_start_time),
    )
    same_flow = FlowFilter(name=FlowFilterName(any_=[runtime.flow_run.flow_name]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=same_flow, flow_run_filter=whole, sort=FlowRunSort.START_TIME_DESC, limit=200
        )
    return next((run for run in runs if _covers(run, workspace, reports)), None)


def _covers(run: FlowRun, workspace: Path, reports: bool) -> bool:
    done = run.parameters
    return Path(done.get("workspace", "")).resolve() == workspace.resolve() and done.get("reports", True) >= reports
