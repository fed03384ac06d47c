"""Pages of what was built."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import polars as pl

from suanheng.config.workspace import Workspace
from suanheng.flows.orchestration.steps import Failure, Steps, done
from suanheng.flows.order import Order, Stage
from suanheng.schemas.tables.ops import OPS
from suanheng.transforms.building.periods import Scope, add_months
from suanheng.warehouse.lake import Lake


def to_report(lake: Lake, order: Order) -> dict[Scope, str]:
    """Quarters whose pages do not show what was built last, or all that were built where none is built now; by whom.

    An earlier run may have died before it wrote its pages.
    """
    built = "SELECT site_id, quarter_start, run_id FROM ops.builds"
    shown = "SELECT site_id, quarter_start, run_id FROM ops.reports"
    query = f"{built} EXCEPT {shown}" if Stage.BUILD in order.stages else built
    built_by = {Scope(site_id, start, add_months(start, 3)): by for site_id, start, by in lake.frame(query).iter_rows()}
    return {scope: built_by[scope] for scope in sorted(filter(order.covers, built_by))}


def write_pages(lake: Lake, workspace: Workspace, steps: Steps, order: Order, failures: list[Failure]) -> list[Path]:
    """Write the pages of the quarters that an order is about and whose pages are not those of their last build."""
    waiting = to_report(lake, order)
    failed_before = len(failures)
    written = _written(lake, workspace, steps, list(waiting), failures)
    if waiting and len(failures) == failed_before:
        with lake.transaction("pages"):
            _note_as_shown(lake, waiting)
    return written


def _note_as_shown(lake: Lake, built_by: Mapping[Scope, str]) -> None:
    # What was read before the pages were written: another writer may have built a quarter anew since.
    for scope, run_id in built_by.items():
        place = [scope.site_id, scope.start]
        lake.execute("DELETE FROM ops.reports WHERE site_id = ? AND quarter_start = ?", place)
        lake.insert("ops.reports", pl.DataFrame([[*place, run_id]], schema=OPS["reports"].dtypes(), orient="row"))


def _written(lake: Lake, workspace: Workspace, steps: Steps, built: list[Scope], failures: list[Failure]) -> list[Path]:
    # What draws pages is imported by those who draw some: most runs do not.
    from suanheng.flows import reports

    pages: dict[str, list[str]] = {}
    for scope in built:
        pages.setdefault(scope.site_id, []).extend(_periods(lake, scope))
    comparisons = sorted({period for periods in pages.values() for period in periods})
    # All pages of a site ask the same questions.
    query = cache(lake.frame)

    def scorecards_of(site_id: str) -> list[Path]:
        return [path for period in pages[site_id] for path in reports.write(query, site_id, period, workspace.reports)]

    def pages_across_sites(periods: list[str]) -> list[Path]:
        compared = [reports.write_comparison(query, period, workspace.reports) for period in periods]
        return [*(path for paths in compared for path in paths), *reports.write_index(query, workspace.reports)]

    written = [
        *steps.each("report", sorted(pages), scorecards_of, part=str),
        *steps.each("compare", [comparisons] if pages else [], pages_across_sites, part=lambda _: "all sites"),
    ]
    return [path for paths in done(written, failures) for path in paths]


def _periods(lake: Lake, scope: Scope) -> list[str]:
    query = (
        "SELECT period FROM reference.site_periods "
        "WHERE site_id = ? AND closing_month >= ? AND closing_month < ? ORDER BY period_start, period_end"
    )
    return lake.frame(query, [scope.site_id, scope.start, scope.end])["period"].to_list()
