"""Verbs that put the flows on a schedule: serve, deploy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace
from suanheng.flows.commands.console import JsonOption, WorkspaceOption, say_json, say_table, words

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.deployments.runner import RunnerDeployment

    from suanheng.flows.orchestration.deployments import Zone

NameOption = Annotated[
    str | None, typer.Option(help="What the deployments are called, as in nightly/NAME; the folder's name by default.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(serve)
    app.command()(deploy)


def serve(name: NameOption = None, workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Register the deployments and run what is due, on this machine, until stopped."""
    from prefect import serve as serve_until_stopped

    from suanheng.flows.orchestration.settings_check import read_settings

    opened = read_settings(workspace).workspace
    deployments, zone = _planned(opened, name)
    with _server() as server:
        _refuse_taken(server, deployments)
    _tell(deployments, zone, as_json)
    # What falls due while nobody serves is late, the first run afterwards covers it (flows/orchestration/catch_up.py).
    serve_until_stopped(*deployments, pause_on_shutdown=False, print_starting_message=False)


def deploy(
    pool: Annotated[str, typer.Option(help="Work pool, of type process.")] = "suanheng",
    name: NameOption = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Register the deployments with a work pool, whose workers run what is due."""
    from prefect.exceptions import ObjectNotFound

    from suanheng.flows.orchestration.settings_check import read_settings

    opened = read_settings(workspace).workspace
    deployments, zone = _planned(opened, name)
    with _server() as server:
        try:
            server.read_work_pool(pool)
        except ObjectNotFound:
            raise BadSettings(
                f"The server has no work pool {pool!r}. Make it with: prefect work-pool create {pool} --type process"
            ) from None
        _refuse_taken(server, deployments)
    for deployment in deployments:
        deployment.apply(work_pool_name=pool)
    _tell(deployments, zone, as_json)
    if not as_json:
        words.print(f"Each machine that is to run them needs a worker: prefect worker start --pool {pool}")


def _planned(workspace: Workspace, name: str | None) -> tuple[list["RunnerDeployment"], "Zone"]:
    from suanheng.flows.orchestration.deployments import deployments_of, zone_of

    zone = zone_of(workspace)
    return deployments_of(workspace, name or workspace.root.name, zone), zone


@contextmanager
def _server() -> Iterator["SyncPrefectClient"]:
    """A client of the server that is configured.

    Raises:
        BadSettings: none is, or it does not answer.
    """
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is None:
        raise BadSettings(
            "PREFECT_API_URL is not set, and schedules need a Prefect server that stays. Start one with: "
            "prefect server start. Then name it: export PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    with SyncPrefectClient(url) as client:
        if problem := client.api_healthcheck():
            raise BadSettings(
                f"No Prefect server answers at PREFECT_API_URL, {url}: {problem}. Start it, or name another one."
            )
        yield client


def _refuse_taken(server: "SyncPrefectClient", deployments: list["RunnerDeployment"]) -> None:
    """Refuse names that another workspace has, whose deployments would be lost."""
    from prefect.exceptions import ObjectNotFound

    for deployment in deployments:
        try:
            there = server.read_deployment_by_name(deployment.full_name).parameters.get("workspace")
        except ObjectNotFound:
            continue
        if there != deployment.parameters["workspace"]:
            raise BadSettings(
                f"Deployment {deployment.full_name} belongs to the workspace {there}. Choose another name with --name."
            )


def _tell(deployments: list["RunnerDeployment"], zone: "Zone", as_json: bool) -> None:
    from suanheng.flows.orchestration.deployments import PLANS

    rows: list[dict[str, Any]] = [
        {
            "deployment": deployment.full_name,
            "runs": plan.cron or "when asked for",
            "time zone": zone.name if plan.cron else None,
            "workspace": deployment.parameters["workspace"],
        }
        for plan, deployment in zip(PLANS, deployments, strict=True)
    ]
    if as_json:
        say_json({"deployments": rows, "zone": zone.why})
        return
    say_table(rows)
    words.print(f"Schedules follow {zone.name}, {zone.why}.", markup=False)
