"""The backfill flow: build the quarters of a range of history."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from suanheng.config.workspace import open_workspace
from suanheng.flows.conclusion import conclude
from suanheng.flows.pipeline import fill_back
from suanheng.flows.steps import PrefectSteps, current_watcher


@flow(name="backfill", flow_run_name="backfill {first} to {last}")
def backfill(
    first: date,
    last: date,
    workspace: Path = Path(),
    sites: Sequence[str] = (),
    force: bool = False,
    reports: bool = True,
) -> dict[str, Any] | State:
    """Build every quarter between two days whose inputs have changed, or all of them.

    Args:
        first: a day in the first quarter.
        last: a day in the last quarter.
        workspace: folder with ``suanheng.toml``.
        sites: only these sites; all where empty.
        force: also build what has not changed.
        reports: whether to write reports.

    Returns:
        What was done, as plain data.

    Raises:
        PartsFailed: a part failed; the others are done.
    """
    steps = PrefectSteps(current_watcher())
    done = fill_back(open_workspace(workspace), steps, datetime.now(UTC), first, last, tuple(sites), force, reports)
    return conclude(done.as_dict())
