"""A night: from files to scorecards, in seven steps. Every other run is some of them."""

import gc
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import polars as pl

from suanheng.config.errors import BadSettings
from suanheng.config.machine import processors
from suanheng.config.pulls import Pull, read_pulls
from suanheng.config.sites import read_sites
from suanheng.config.sources import SourceFile, source_files
from suanheng.config.workspace import Workspace
from suanheng.flows.landing.file_hashes import FileHashes
from suanheng.flows.landing.land import Landing, misplaced
from suanheng.flows.landing.pending import Waiting, sources_of, waiting
from suanheng.flows.landing.pull import pull
from suanheng.flows.landing.repairs import Content
from suanheng.flows.landing.survey_ahead import PrefetchedSurvey, first_new_file, prefetched_survey, surveying
from suanheng.flows.orchestration.signals import signals_heard
from suanheng.flows.orchestration.steps import Failure, Steps, done
from suanheng.flows.order import Order, Outcome, Stage, new_run_id
from suanheng.flows.report import write_pages
from suanheng.flows.units_of_work import PlannedState, QuarterBuilds, ingest_files, rebuild_periods, stage_dataset
from suanheng.schemas.tables.spine import SPINE
from suanheng.transforms.building import build, periods
from suanheng.transforms.building.parallel import prefetched_quarters
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.building.staleness import Stale, stale_scopes
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.definitions import corrections, reference
from suanheng.transforms.scoring.methodology import Methodology, load
from suanheng.transforms.staging.stage import Staging, stale_datasets
from suanheng.warehouse.lake import Lake, writing


def night(workspace: Workspace, steps: Steps, now: datetime, write_reports: bool = True) -> Outcome:
    """Ingest what is new and build every quarter it affects."""
    stages = tuple(stage for stage in Stage if write_reports or stage is not Stage.REPORT)
    return run(workspace, steps, now, Order("nightly", stages))


def ingest(workspace: Workspace, steps: Steps, now: datetime) -> Outcome:
    """Ingest and stage what is new; build nothing."""
    return run(workspace, steps, now, Order("ingest", (Stage.INGEST, Stage.STAGE)))


def replay(workspace: Workspace, steps: Steps, now: datetime, content: Content) -> Outcome:
    """Ingest one content anew, with its repaired records, and stage what that changes; build nothing."""
    return run(workspace, steps, now, Order("replay", (Stage.INGEST, Stage.STAGE), only=content))


def run(workspace: Workspace, steps: Steps, now: datetime, order: Order) -> Outcome:
    """Do what an order asks for.

    Args:
        workspace: files and settings, and the warehouse they go to.
        steps: how parts are run: directly, or each as a Prefect task.
        now: the present, with its time zone.
        order: what is asked for.

    Raises:
        BadSettings: a settings file cannot be used, or the order names a site or a run that nobody knows.
    """
    return Run(workspace, steps, now, order).carry_out()


class Run:
    """One run: what it works on, what it is asked for, and what has failed so far.

    A part that fails keeps what it held before, is named in ``failures``, and holds up no other.
    """

    def __init__(self, workspace: Workspace, steps: Steps, now: datetime, order: Order) -> None:
        self.workspace, self.steps, self.now, self.order = workspace, steps, now, order
        self.run_id = order.resume or new_run_id(order.flow, now)
        self.failures: list[Failure] = []
        self.lake: Lake
        self._methodology: Methodology
        self._scratch: ScratchDatabase | None = None

    def carry_out(self) -> Outcome:
        """Go through the steps of a night, as far as they are asked for.

        Raises:
            BadSettings: a settings file cannot be used, or the order names a site or a run that nobody knows.
        """
        self.steps.watcher.started(self.run_id)
        refuse_unknown_sites(self.workspace, self.order.sites)
        self.pull()
        files, hashes = self._files(), FileHashes(self.workspace.file_hashes)
        with signals_heard(), hashes.ahead(file.path for file in files), self._opened() as self.lake:
            self.reference()
            landings = self.ingest(files, hashes)
            stagings = self.stage()
            self.periods()
            built = self.build()
            pages = self.report()
            return self._noted(Outcome(self.run_id, landings, stagings, built, self._failed(), pages))

    def pull(self) -> None:
        """Ask servers for what is missing, and write their answers into the landing zone."""
        if not self._is_asked_for(Stage.INGEST) or self.order.only:
            return
        asked = [one for one in read_pulls(self.workspace.pulls_file) if self.order.concerns(one.site)]
        self._each("pull", asked, lambda one: pull(one, self.workspace, self.now), part=_name_of_pull)

    def reference(self) -> None:
        """Make the tables that are missing, and load the methodology, reference facts and corrections that changed.

        Raises:
            BadSettings: one of them cannot be used, or the order goes on with a run that built nothing.
        """
        self._methodology = load(self.workspace.methodology)
        make_tables(self.lake)
        load_facts(self.lake, self.workspace)
        _refuse_unknown_run(self.lake, self.order.resume)

    def ingest(self, files: Sequence[SourceFile], hashes: FileHashes) -> list[Landing]:
        """Bring files that are not in the warehouse as they are now into raw tables and quarantine.

        Args:
            files: every file that a source matches.
            hashes: what they hold, as far as it is known.
        """
        if not self._is_asked_for(Stage.INGEST):
            return []
        planned = PlannedState(self.lake, "files", "raw_table")
        first = self._first_to_survey(files)
        with prefetched_survey(self.lake, first) as prefetched:
            # While files are hashed there is time for what will be needed.
            self._scratch = ScratchDatabase(self.lake) if first else None
            groups = self._ingested(self._to_ingest(hashes), planned, prefetched)
        return [*(landing for group in groups for landing in group), *misplaced(self.workspace)]

    def stage(self) -> list[Staging]:
        """Stage every dataset of a site anew whose files, feeds, contract or corrections have changed."""
        planned = PlannedState(self.lake, "stagings", "dataset")
        stale = stale_datasets(self.lake) if self._is_asked_for(Stage.STAGE) else []
        return self._each(
            "stage",
            [pair for pair in stale if self.order.concerns(pair[0])],
            lambda pair: stage_dataset(self.lake, planned, *pair),
            part=" ".join,
        )

    def periods(self) -> None:
        """Say which months, quarters and years ought to exist, by what the files cover."""
        rebuild_periods(self.lake, self.now)

    def build(self) -> list[str]:
        """Build every quarter that would be made from something else than it was; their names."""
        if not self._is_asked_for(Stage.BUILD):
            return []
        scopes = list(filter(self.order.covers, periods.scopes(self.lake)))
        forced = forced_scopes(self.lake, self.order, scopes)
        stale = stale_scopes(self.lake, scopes, self._methodology, self.now, forced)
        return [scope.title for scope in self._built(stale, forced)] if stale else []

    def report(self) -> list[Any]:
        """Write the pages of what was built."""
        if not self._is_asked_for(Stage.REPORT):
            return []
        return self.lake.unit(
            "reports", lambda: write_pages(self.lake, self.workspace, self.steps, self.order, self.failures)
        )

    def _is_asked_for(self, stage: Stage) -> bool:
        return stage in self.order.stages

    def _each(self, step: str, items: Sequence[Any], work: Any, part: Any) -> list[Any]:
        return done(self.steps.each(step, items, work, part=part), self.failures)

    def _opened(self) -> AbstractContextManager[Lake]:
        return writing(self.workspace, self.run_id)

    def _files(self) -> list[SourceFile]:
        if not self._is_asked_for(Stage.INGEST):
            return []
        return list(source_files(self.workspace.root, sources_of(self.workspace)))

    def _first_to_survey(self, files: Iterable[SourceFile]) -> SourceFile | None:
        if self.workspace.dask or self.order.only:
            return None
        concerned = (file for file in files if self.order.concerns(file.site_id))
        return first_new_file(self.lake, self.workspace, concerned)

    def _to_ingest(self, hashes: FileHashes) -> list[list[Waiting]]:
        groups = waiting(self.lake, self.workspace, hashes.of)
        hashes.keep()
        meant = ([file for file in files if self.order.only in (None, file.content)] for files in groups)
        return [files for files in meant if files and self.order.concerns(files[0].bound.site_id)]

    def _ingested(
        self, groups: list[list[Waiting]], planned: PlannedState, prefetched: PrefetchedSurvey
    ) -> list[list[Landing]]:
        with surveying(self.lake, self.workspace, groups, prefetched) as surveyor:
            return self._each(
                "ingest",
                groups,
                lambda group: ingest_files(self.lake, self.workspace, planned, group, surveyor),
                part=_name_of_group,
            )

    def _built(self, stale: list[Stale], forced: set[Scope]) -> list[Scope]:
        if self._scratch is None:
            self._scratch = ScratchDatabase(self.lake)
        else:
            self._scratch.refresh(SPINE)
        workers = 1 if self.lake.is_shared else self.order.workers or processors()
        with prefetched_quarters(
            self.lake, self._scratch, stale, self.now, self._methodology.carbon, workers
        ) as computed:
            builds = QuarterBuilds(self.lake, self._scratch, self._methodology, self.now, computed)
            return self._each(
                "build",
                stale,
                lambda quarter: builds.build(quarter, is_forced=quarter.scope in forced),
                part=lambda quarter: quarter.scope.title,
            )

    def _failed(self) -> dict[str, str]:
        return {failure.part: f"{type(failure.error).__name__}: {failure.error}" for failure in self.failures}

    def _noted(self, outcome: Outcome) -> Outcome:
        """Enter a run that changed something into ``ops.runs``."""
        if not outcome.changed_nothing:
            row = {"flow": self.order.flow, "started_at_utc": _utc(self.now), "ended_at_utc": _utc(datetime.now(UTC))}
            entry = pl.DataFrame([{"run_id": self.run_id, **row, **outcome.counts()}])
            self.lake.unit("runs", lambda: _record(self.lake, entry))
        return outcome


def refuse_unknown_sites(workspace: Workspace, sites: Sequence[str]) -> None:
    """Refuse an order that names sites the workspace does not have.

    Raises:
        BadSettings: it does.
    """
    known = sorted(site.site_id for site in read_sites(workspace.sites_file)) if sites else []
    if unknown := sorted(set(sites) - set(known)):
        raise BadSettings(
            f"{workspace.sites_file} has no site {', '.join(unknown)}. Known: {', '.join(known)}. Name one of them."
        )


def _refuse_unknown_run(lake: Lake, run_id: str | None) -> None:
    if run_id and not lake.value("SELECT count(*) FROM ops.builds WHERE run_id = ?", [run_id]):
        raise BadSettings(
            f"No quarter was built by a run {run_id!r}. Expected one that was interrupted. "
            "See which there are: suanheng sql 'SELECT DISTINCT run_id FROM ops.builds'"
        )


def forced_scopes(lake: Lake, order: Order, scopes: Iterable[Scope]) -> set[Scope]:
    """Quarters that an order wants built although nothing has changed."""
    if not order.force and order.resume is None:
        return set()
    return set(scopes) - (build.built_by(lake, order.resume) if order.resume else set())


def load_facts(lake: Lake, workspace: Workspace) -> None:
    """Load the reference facts and corrections that have changed.

    Raises:
        BadSettings: one of them breaks its contract.
    """

    def refresh() -> None:
        reference.refresh(lake, workspace)
        corrections.refresh(lake, workspace)

    lake.unit("reference facts", refresh)


def _record(lake: Lake, entry: pl.DataFrame) -> None:
    with lake.transaction("record"):
        lake.execute("DELETE FROM ops.runs WHERE run_id = ?", [lake.run_id])
        lake.insert("ops.runs", entry)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _name_of_pull(asked: Pull) -> str:
    return f"{asked.name} of {asked.site}"


def _name_of_group(files: Sequence[Waiting]) -> str:
    return f"{files[0].table} of {files[0].bound.site_id}"


# What was imported stays: the collector need not look through all of it again and again.
gc.freeze()
