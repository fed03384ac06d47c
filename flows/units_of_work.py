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
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.building.staleness import Stale, stale_scopes
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.staging import stage
from suanheng.transforms.staging.stage import Staging
from suanheng.warehouse.lake import Lake

_ENTRIES = """
    SELECT site_id, {part}, md5(string_agg(entry::VARCHAR, ' ' ORDER BY entry::VARCHAR))
    FROM ops.{table} AS entry WHERE coalesce(site_id = ?, true) GROUP BY ALL
"""


class PlannedState:
    """What a table of stage ops said of each site and part when a run was planned.

    Args:
        lake: the warehouse.
        table: table of stage ops.
        part: column that names the part of a site.
    """

    def __init__(self, lake: Lake, table: str, part: str) -> None:
        self._lake, self._query = lake, _ENTRIES.format(table=table, part=part)
        self._planned = self._read(None) if lake.is_shared else {}

    def has_changed(self, site_id: str, part: str) -> bool:
        """Whether another writer has made an entry there since."""
        place = (site_id, part)
        return self._lake.is_shared and self._read(site_id).get(place) != self._planned.get(place)

    def _read(self, site_id: str | None) -> dict[tuple[str, str], str]:
        rows = self._lake.frame(self._query, [site_id]).rows()
        return {(site, part): entries for site, part, entries in rows}


def ingest_files(
    lake: Lake, workspace: Workspace, planned: PlannedState, files: list[Waiting], surveyor: Surveyor
) -> list[Landing]:
    """Ingest files of one site and raw table, those of them that still wait."""
    site_id, table = files[0].bound.site_id, files[0].table

    def work() -> list[Landing]:
        still = files
        if planned.has_changed(site_id, table):
            waiting_now = {file.content: file for group in waiting(lake, workspace) for file in group}
            still = [waiting_now[file.content] for file in files if file.content in waiting_now]
        return land(lake, still, surveyor) if still else []

    return lake.unit(site_id, work)


def stage_dataset(lake: Lake, planned: PlannedState, site_id: str, dataset: str) -> Staging | None:
    """Stage a dataset of a site anew, unless another writer has."""

    def work() -> Staging | None:
        if planned.has_changed(site_id, dataset) and (site_id, dataset) not in stage.stale_datasets(lake):
            return None
        return stage.stage_dataset(lake, site_id, dataset)

    return lake.unit(site_id, work)


def rebuild_periods(lake: Lake, now: datetime) -> None:
    """Make the months and periods of all sites anew, and forget what was built beyond them."""

    def work() -> None:
        with lake.transaction("months and periods"):
            if periods.rebuild(lake, now):
                build.forget_beyond_spine(lake)

    lake.unit("months and periods", work)


class QuarterBuilds:
    """Writes computed quarters, one by one.

    Args:
        lake: the warehouse, open to write.
        scratch: database beside it, on the connection of the writer.
        methodology: what is scored with.
        now: the present.
        computed: gives each quarter once it is computed, to be asked for in their order.
    """

    def __init__(
        self,
        lake: Lake,
        scratch: ScratchDatabase,
        methodology: Methodology,
        now: datetime,
        computed: Callable[[Stale], Computed],
    ) -> None:
        self._lake, self._scratch, self._methodology, self._now = lake, scratch, methodology, now
        self._computed = computed
        self._tables_fit = False

    def build(self, quarter: Stale, is_forced: bool) -> Scope | None:
        """Build a quarter, unless another writer has, or is about to: then files wait to be staged."""
        return self._lake.unit(quarter.scope.site_id, lambda: self._build(quarter, is_forced))

    def _build(self, quarter: Stale, is_forced: bool) -> Scope | None:
        lake, scope = self._lake, quarter.scope
        planned = self._to_build(scope, is_forced) if lake.is_shared else [quarter]
        if not planned:
            return None
        if lake.is_shared:
            self._scratch.refresh()
        made_from = planned[0].made_from
        with lake.resting_on(lambda: [stale.made_from for stale in self._to_build(scope, True)] == [made_from]):
            build.build(lake, self._computed_to_fit(planned[0]), planned[0], self._methodology)
        return scope

    def _to_build(self, scope: Scope, is_forced: bool) -> list[Stale]:
        is_unstaged = scope.site_id in {site_id for site_id, _ in stage.stale_datasets(self._lake)}
        if is_unstaged or scope not in periods.scopes(self._lake):
            return []
        return stale_scopes(self._lake, [scope], self._methodology, self._now, {scope} if is_forced else set())

    def _computed_to_fit(self, quarter: Stale) -> Computed:
        """A computed quarter, once the tables of the rollups are as its recipes give them."""
        found = self._computed(quarter)
        if not self._tables_fit:
            # Where another writer is at the same, the quarter is begun anew.
            build.make_rollup_tables(self._lake, found.scratch)
            self._tables_fit = True
        return found
