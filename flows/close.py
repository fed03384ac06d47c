"""The close flows: publish the last ended month or quarter of every site, as far as the gate lets it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect import flow, runtime
from prefect.client.schemas.objects import State

from suanheng.config.errors import BadSettings
from suanheng.config.sites import Site, read_sites
from suanheng.config.workspace import Workspace
from suanheng.flows.night import night
from suanheng.flows.orchestration.artifacts import show_closings
from suanheng.flows.orchestration.conclusion import conclude
from suanheng.flows.orchestration.settings_check import read_settings
from suanheng.flows.orchestration.steps import Failure, PrefectSteps, Steps, current_watcher
from suanheng.flows.publish import publish_scorecard
from suanheng.transforms.building.periods import add_months, quarter_name
from suanheng.transforms.publishing.publish import Request


@dataclass(frozen=True)
class Closing:
    """What came of closing one period of one site.

    Attributes:
        site_id: site.
        period: period, e.g. ``2023-06`` or ``2023Q2``.
        result: ``published``; ``stands``, where the latest revision says the same; or ``withheld``.
        publication_id: the revision in force; ``None`` where it is withheld.
        why: why it is withheld.
    """

    site_id: str
    period: str
    result: str
    publication_id: str | None = None
    why: str | None = None


@flow(name="monthly-close", flow_run_name="monthly close {workspace}")
def monthly_close(workspace: Path = Path(), sites: Sequence[str] = ()) -> dict[str, Any] | State:
    """Bring every site up to date and publish its last ended month.

    Args:
        workspace: folder with ``suanheng.toml``.
        sites: only these sites; all where empty.

    Returns:
        What was done, as plain data.

    Raises:
        PartsFailed: a part failed or a scorecard is withheld; the others are done.
    """
    return _closed(workspace, last_month, sites)


@flow(name="quarterly-close", flow_run_name="quarterly close {workspace}")
def quarterly_close(workspace: Path = Path(), sites: Sequence[str] = ()) -> dict[str, Any] | State:
    """Bring every site up to date and publish its last ended quarter.

    Args:
        workspace: folder with ``suanheng.toml``.
        sites: only these sites; all where empty.

    Returns:
        What was done, as plain data.

    Raises:
        PartsFailed: a part failed or a scorecard is withheld; the others are done.
    """
    return _closed(workspace, last_quarter, sites)


def last_month(today: date) -> str:
    """Name of the month that ended before a day's own, e.g. ``2023-06``."""
    return f"{add_months(today, -1):%Y-%m}"


def last_quarter(today: date) -> str:
    """Name of the quarter that ended before a day's own, e.g. ``2023Q2``."""
    return quarter_name(add_months(today, -3))


def close(
    workspace: Workspace,
    steps: Steps,
    now: datetime,
    due: datetime,
    last_period: Callable[[date], str],
    sites: Sequence[str] = (),
) -> dict[str, Any]:
    """Bring the warehouse up to date and publish the last ended period of every site.

    A run that comes late closes the period it was due for, not the one that ended meanwhile.

    Args:
        workspace: where.
        steps: how parts are run.
        now: the present.
        due: when the run should have begun.
        last_period: names the period that ended before a day, in the site's own time zone.
        sites: only these; all where empty.

    Returns:
        What the night did, with ``closings``; a scorecard that is withheld is one of the ``failures``.

    Raises:
        BadSettings: there is no such site.
    """
    periods = {
        site.site_id: last_period(due.astimezone(ZoneInfo(site.time_zone)).date()) for site in _wanted(workspace, sites)
    }
    done = night(workspace, steps, now).as_dict()
    part = "{0[0]} {0[1]}".format
    results = steps.each(
        "publish", list(periods.items()), lambda item: publish_scorecard(workspace, Request(*item, now)), part=part
    )
    closings = [_closing(*item, result) for item, result in zip(periods.items(), results, strict=True)]
    withheld = {f"{one.site_id} {one.period} is withheld": one.why for one in closings if one.result == "withheld"}
    return {**done, "closings": [asdict(one) for one in closings], "failures": {**done["failures"], **withheld}}


def _closed(workspace: Path, last_period: Callable[[date], str], sites: Sequence[str]) -> dict[str, Any] | State:
    due = runtime.flow_run.scheduled_start_time
    opened = read_settings(workspace).workspace
    done = close(opened, PrefectSteps(current_watcher()), datetime.now(UTC), due, last_period, sites)
    show_closings(done["closings"])
    return conclude(done)


def _wanted(workspace: Workspace, names: Sequence[str]) -> list[Site]:
    sites = read_sites(workspace.sites_file)
    there = [site.site_id for site in sites]
    if unknown := sorted(set(names) - set(there)):
        raise BadSettings(f"There is no site {', '.join(unknown)}. There are: {', '.join(there)}.")
    return [site for site in sites if not names or site.site_id in names]


def _closing(site_id: str, period: str, result: Any) -> Closing:
    if isinstance(result, Failure):
        return Closing(site_id, period, "withheld", why=str(result.error))
    made = result.publication
    return Closing(site_id, period, "published" if made.is_new else "stands", made.row["publication_id"])
