"""The backfill flow: build the quarters of a range of history."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from suanheng.flows.night import run
from suanheng.flows.orchestration.conclusion import conclude
from suanheng.flows.orchestration.settings_check import read_settings
from suanheng.flows.orchestration.steps import PrefectSteps, current_watcher
from suanheng.flows.order import ALL_STAGES, Order, Stage


@flow(name="backfill", flow_run_name="backfill {first} to {last}")
def backfill(  # noqa: PLR0913 - the parameters of a flow are what people fill in for a run of it
    first: date,
    last: date,
    workspace: Path = Path(),
    sites: Sequence[str] = (),
    stages: Sequence[Stage] = ALL_STAGES,
    force: bool = False,
    resume: str | None = None,
    workers: int | None = None,
) -> dict[str, Any] | State:
    """Build every quarter between two days whose inputs have changed, or all of them.

    Args:
        first: a day in the first quarter.
        last: a day in the last quarter.
        workspace: folder with ``suanheng.toml``.
        sites: only these sites; all where empty.
        stages: what to do: ingest, stage, build, report.
        force: also build what has not changed.
        resume: a run by force that was interrupted: what it built is not built again.
        workers: quarters that are computed at the same time; as many as there are processors where it is not given.

    Returns:
        What was done, as plain data.

    Raises:
        BadSettings: a settings file cannot be used; with every fault of all of them.
        PartsFailed: a part failed; the others are done.
    """
    order = Order("backfill", tuple(stages), first, last, tuple(sites), force=force, resume=resume, workers=workers)
    opened = read_settings(workspace).workspace
    done = run(opened, PrefectSteps(current_watcher()), datetime.now(UTC), order)
    return conclude(done.as_dict())
