"""The deployments of a workspace: which flow runs when, in the time zone of its sites."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from suanheng.config.errors import BadSettings
from suanheng.config.sites import read_sites
from suanheng.config.workspace import Workspace

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


@dataclass(frozen=True)
class Plan:
    """One flow that is deployed.

    Attributes:
        module: module of ``suanheng.flows`` that holds it.
        flow: its function there.
        cron: when it runs; ``None`` where somebody asks for it.
        description: what it is for.
    """

    module: str
    flow: str
    cron: str | None
    description: str

    @property
    def name(self) -> str:
        """Name of the flow in the server."""
        return self.flow.replace("_", "-")


PLANS = (
    Plan(
        "nightly", "nightly", "15 2 * * *", "Take in what came since the last run and score every quarter it affects."
    ),
    Plan("close", "monthly_close", "15 4 10 * *", "Publish the last ended month of every site."),
    Plan("close", "quarterly_close", "15 5 20 1,4,7,10 *", "Publish the last ended quarter of every site."),
    Plan("expire", "expire", "15 6 * * 0", "Forget snapshots older than 30 days that no publication needs."),
    Plan("backfill", "backfill", None, "Build the quarters of a range of history."),
)
"""What is deployed. ``prefect.yaml`` says the same for this folder."""


@dataclass(frozen=True)
class Zone:
    """The time zone that schedules follow, and why it is that one."""

    name: str
    why: str


def zone_of(workspace: Workspace) -> Zone:
    """The zone that all sites share, else that of the first one.

    Raises:
        BadSettings: there is no site, or a site cannot be used.
    """
    sites = read_sites(workspace.sites_file)
    if not sites:
        raise BadSettings(f"{workspace.sites_file} names no site, whose time zone schedules follow. Add one.")
    first = sites[0]
    if {site.time_zone for site in sites} == {first.time_zone}:
        return Zone(first.time_zone, "the zone of all sites")
    return Zone(first.time_zone, f"the zone of {first.site_id}, the first site; others are elsewhere")


def deployments_of(workspace: Workspace, name: str, zone: Zone) -> list["RunnerDeployment"]:
    """The deployments of a workspace, for a server that has yet to hear of them.

    Runs of one deployment queue. The flows are imported from the package, so that a machine that runs them needs
    suanheng installed, and the workspace at the same place.

    Args:
        workspace: whose.
        name: what they are called behind the name of the flow, as in ``nightly/NAME``.
        zone: what their schedules follow.
    """
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import EntrypointType
    from prefect.schedules import Cron

    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    return [
        _flow(plan).to_deployment(
            name,
            description=plan.description,
            schedule=Cron(plan.cron, timezone=zone.name) if plan.cron else None,
            parameters={"workspace": str(workspace.root)},
            concurrency_limit=one_at_a_time,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for plan in PLANS
    ]


def _flow(plan: Plan) -> Any:
    return getattr(import_module(f"suanheng.flows.{plan.module}"), plan.flow)
