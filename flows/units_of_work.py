"""The pieces of work of a run, each whole in itself, for a warehouse that others may write to at the same time.

What another writer has done since the run was planned is not done again, and nothing comes to rest on what another
writer has changed meanwhile: such a piece is begun anew.
"""

from collections.abc import Callable
from datetime import datetime

from suanheng.config.workspace import Workspace
from suanheng.flows.landing.in_place import Surveyor
from suanheng.flows.landing.land import Landing, land
from suanheng.flows.landing.pending import Waiting, waiting
from suanheng.transforms.building import build, periods
from suanheng.transforms.building.build import Computed
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.scratch import Workbench
from suanheng.transforms.building.staleness import Stale, stale_scopes
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.staging.stage import Staging, stage_dataset, stale_datasets
from suanheng.warehouse.lake import Lake

_ENTRIES = """
    SELECT site_id, {part}, md5(string_agg(entry::VARCHAR, ' ' ORDER BY entry::VARCHAR))
    FROM ops.{table} AS entry WHERE coalesce(site_id = ?, true) GROUP BY ALL
"""


class Books:
    """What the books said of each site and part when a run was planned.

    Args:
        lake: the warehouse.
        table: table of stage ops.
        part: column that names the part of a site.
    """

    def __init__(self, lake: Lake, table: str, part: str) -> None:
        self._lake, self._query = lake, _ENTRIES.format(table=table, part=part)
        self._planned = self._read(None) if lake.is_shared else {}

    def have_changed(self, site_id: str, part: str) -> bool:
        """Whether another writer has made an entry there since."""
        place = (site_id, part)
        return self._lake.is_shared and self._read(site_id).get(place) != self._planned.get(place)

    def _read(self, site_id: str | None) -> dict[tuple[str, str], str]:
        rows = self._lake.frame(self._query, [site_id]).rows()
        return {(site, part): entries for site, part, entries in rows}


def take_in(
    lake: Lake, workspace: Workspace, books: Books, files: list[Waiting], run_id: str, surveyor: Surveyor
) -> list[Landing]:
    """Take in files of one site and raw table, those of them that still wait."""
    site_id, table = files[0].bound.site_id, files[0].table

    def work() -> list[Landing]:
        still = files
        if books.have_changed(site_id, table):
            waiting_now = {file.content: file for group in waiting(lake, workspace) for file in group}
            still = [waiting_now[file.content] for file in files if file.content in waiting_now]
        return land(lake, still, run_id, workspace.author, surveyor) if still else []

    return lake.unit(site_id, work)


def stage(lake: Lake, books: Books, site_id: str, dataset: str, run_id: str, author: str) -> Staging | None:
    """Stage a dataset of a site anew, unless another writer has."""

    def work() -> Staging | None:
        if books.have_changed(site_id, dataset) and (site_id, dataset) not in stale_datasets(lake):
            return None
        return stage_dataset(lake, site_id, dataset, run_id, author)

    return lake.unit(site_id, work)


def rebuild_spine(lake: Lake, now: datetime, run_id: str, author: str) -> None:
    """Make the months and periods of all sites anew, and forget what was built beyond them."""

    def work() -> None:
        with lake.transaction(author, f"{run_id}: months and periods"):
            if periods.rebuild(lake, now):
                build.forget_beyond_spine(lake)

    lake.unit("months and periods", work)


def build_quarter(
    lake: Lake,
    bench: Workbench,
    computed: Callable[[Stale], Computed],
    quarter: Stale,
    methodology: Methodology,
    now: datetime,
    run_id: str,
    author: str,
    is_forced: bool,
) -> Scope | None:
    """Build a quarter of a site, unless another writer has, or is about to: then files wait to be staged."""
    scope = quarter.scope

    def to_build(is_forced: bool) -> list[Stale]:
        if scope not in periods.scopes(lake) or scope.site_id in {site_id for site_id, _ in stale_datasets(lake)}:
            return []
        return stale_scopes(lake, [scope], methodology, now, {scope} if is_forced else set())

    def work() -> Scope | None:
        planned = to_build(is_forced) if lake.is_shared else [quarter]
        if not planned:
            return None
        if lake.is_shared:
            bench.refresh()
        made_from = planned[0].made_from
        with lake.resting_on(lambda: [now.made_from for now in to_build(is_forced=True)] == [made_from]):
            build.build(lake, computed(planned[0]), planned[0], methodology, run_id, author)
        return scope

    return lake.unit(scope.site_id, work)
