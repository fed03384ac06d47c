"""From files to scorecards: take in what is new, stage it, build what is affected, write the reports."""

import gc
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import polars as pl

from suanheng.config.machine import processors
from suanheng.config.pulls import Pull, read_pulls
from suanheng.config.sites import read_sites
from suanheng.config.sources import BoundFile, bound_files
from suanheng.config.workspace import BadSettings, Workspace
from suanheng.flows import units_of_work
from suanheng.flows.landing.file_hashes import FileHashes
from suanheng.flows.landing.land import Landing, misplaced
from suanheng.flows.landing.pending import Waiting, sources_of, waiting
from suanheng.flows.landing.pull import pull
from suanheng.flows.landing.repairs import Content
from suanheng.flows.landing.survey_ahead import Ahead, first_unheard, surveying, surveying_ahead
from suanheng.flows.orchestration.signals import signals_heard
from suanheng.flows.orchestration.steps import Failure, Steps, done
from suanheng.flows.order import Order, Outcome, Stage, new_run_id
from suanheng.flows.report import reported
from suanheng.schemas.tables.spine import SPINE
from suanheng.transforms.building import build, periods
from suanheng.transforms.building.build import Computed
from suanheng.transforms.building.parallel import computing_ahead
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.scratch import Workbench
from suanheng.transforms.building.staleness import Stale, stale_scopes
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.definitions import corrections, reference
from suanheng.transforms.scoring.methodology import Methodology, load
from suanheng.transforms.staging import stage
from suanheng.warehouse.lake import Lake, writing


def ingest(workspace: Workspace, steps: Steps, now: datetime) -> Outcome:
    """Take in and stage what is new; build nothing."""
    return run(workspace, steps, now, Order("ingest", (Stage.INGEST, Stage.STAGE)))


def replay(workspace: Workspace, steps: Steps, now: datetime, content: Content) -> Outcome:
    """Take one content in anew, with its repaired records, and stage what that changes; build nothing."""
    return run(workspace, steps, now, Order("replay", (Stage.INGEST, Stage.STAGE), only=content))


def night(workspace: Workspace, steps: Steps, now: datetime, write_reports: bool = True) -> Outcome:
    """Take in what is new and build every quarter it affects."""
    return run(workspace, steps, now, Order("nightly", stages_with(write_reports)))


def fill_back(
    workspace: Workspace,
    steps: Steps,
    now: datetime,
    first: date,
    last: date,
    sites: Sequence[str] = (),
    force: bool = False,
    write_reports: bool = True,
) -> Outcome:
    """Take in what is new and build the quarters between two days."""
    order = Order("backfill", stages_with(write_reports), first, last, sites, force=force)
    return run(workspace, steps, now, order)


def stages_with(write_reports: bool) -> tuple[Stage, ...]:
    """All stages, or all but the reports."""
    return tuple(stage for stage in Stage if write_reports or stage is not Stage.REPORT)


def run(workspace: Workspace, steps: Steps, now: datetime, order: Order) -> Outcome:
    """Do what is asked for.

    Args:
        workspace: where.
        steps: how parts are run.
        now: the present.
        order: what is asked for.

    Raises:
        BadSettings: a settings file cannot be used, or the order names a site or a run that nobody knows.
    """
    run_id = order.resume or new_run_id(order.flow, now)
    steps.watcher.started(run_id)
    failures: list[Failure] = []
    takes_in = Stage.INGEST in order.stages
    refuse_unknown_sites(workspace, order.sites)
    done(
        steps.each(
            "pull",
            _asked_of_servers(workspace, order) if takes_in else [],
            lambda asked: pull(asked, workspace, now),
            part=lambda asked: f"{asked.name} of {asked.site}",
        ),
        failures,
    )
    files = list(bound_files(workspace.root, sources_of(workspace))) if takes_in else []
    hashes = FileHashes(workspace.file_hashes)
    with signals_heard(), hashes.ahead(file.path for file in files), writing(workspace, run_id) as lake:
        methodology = load(workspace.methodology)
        make_tables(lake, workspace, run_id)
        load_facts(lake, workspace, run_id)
        _refuse_unknown_run(lake, order.resume)
        files_before = units_of_work.Books(lake, "files", "raw_table")
        first = _first_to_survey(lake, workspace, order, files)
        with surveying_ahead(lake, first) as ahead:
            # While files are hashed there is time for what will be needed.
            bench = Workbench(lake) if first else None
            to_take_in = _to_take_in(lake, workspace, order, hashes) if takes_in else []
            landings = _taken_in(lake, workspace, steps, to_take_in, files_before, ahead, run_id, failures)
        staged_before = units_of_work.Books(lake, "stagings", "dataset")
        stagings = done(
            steps.each(
                "stage",
                _to_stage(lake, order),
                lambda pair: units_of_work.stage(lake, staged_before, *pair, run_id=run_id, author=workspace.author),
                part=" ".join,
            ),
            failures,
        )
        units_of_work.rebuild_spine(lake, now, run_id, workspace.author)
        built = _built(lake, bench, steps, order, methodology, now, run_id, workspace.author, failures)
        written = []
        if Stage.REPORT in order.stages:
            written = lake.unit("reports", lambda: reported(lake, workspace, steps, order, run_id, failures))
        outcome = Outcome(
            run_id,
            [*(landing for group in landings for landing in group), *(misplaced(workspace) if takes_in else ())],
            stagings,
            [scope.title for scope in built],
            {failure.part: f"{type(failure.error).__name__}: {failure.error}" for failure in failures},
            written,
        )
        if not outcome.changed_nothing:
            _record(lake, order.flow, outcome, now, workspace.author)
    return outcome


def refuse_unknown_sites(workspace: Workspace, sites: Sequence[str]) -> None:
    """Refuse an order that names sites the workspace does not have.

    Raises:
        BadSettings: it does.
    """
    known = sorted(site["site_id"] for site in read_sites(workspace.sites_file)) if sites else []
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


def _asked_of_servers(workspace: Workspace, order: Order) -> list[Pull]:
    return [] if order.only else [asked for asked in read_pulls(workspace.pulls_file) if order.concerns(asked.site)]


def _to_take_in(lake: Lake, workspace: Workspace, order: Order, hashes: FileHashes) -> list[list[Waiting]]:
    groups = waiting(lake, workspace, hashes.of)
    hashes.keep()
    meant = ([file for file in files if order.only in (None, file.content)] for files in groups)
    return [files for files in meant if files and order.concerns(files[0].bound.site_id)]


def _first_to_survey(lake: Lake, workspace: Workspace, order: Order, files: Iterable[BoundFile]) -> BoundFile | None:
    if workspace.dask or order.only:
        return None
    return first_unheard(lake, workspace, (file for file in files if order.concerns(file.site_id)))


def _taken_in(
    lake: Lake,
    workspace: Workspace,
    steps: Steps,
    groups: list[list[Waiting]],
    before: units_of_work.Books,
    ahead: Ahead,
    run_id: str,
    failures: list[Failure],
) -> list[list[Landing]]:
    with surveying(lake, workspace, groups, ahead) as surveyor:
        landed = steps.each(
            "take in",
            groups,
            lambda group: units_of_work.take_in(lake, workspace, before, group, run_id, surveyor),
            part=lambda group: f"{group[0].table} of {group[0].bound.site_id}",
        )
        return done(landed, failures)


def _to_stage(lake: Lake, order: Order) -> list[tuple[str, str]]:
    return (
        [pair for pair in stage.stale_datasets(lake) if order.concerns(pair[0])] if Stage.STAGE in order.stages else []
    )


def forced(lake: Lake, order: Order, scopes: Iterable[Scope]) -> set[Scope]:
    """Quarters that an order wants built although nothing has changed."""
    if not order.force and order.resume is None:
        return set()
    return set(scopes) - (build.built_by(lake, order.resume) if order.resume else set())


def load_facts(lake: Lake, workspace: Workspace, run_id: str) -> None:
    """Load the reference facts and corrections that have changed.

    Raises:
        BadSettings: one of them breaks its contract.
    """

    def refresh() -> None:
        reference.refresh(lake, workspace, run_id)
        corrections.refresh(lake, workspace, run_id)

    lake.unit("reference facts", refresh)


def _built(
    lake: Lake,
    bench: Workbench | None,
    steps: Steps,
    order: Order,
    methodology: Methodology,
    now: datetime,
    run_id: str,
    author: str,
    failures: list[Failure],
) -> list[Scope]:
    scopes = list(filter(order.covers, periods.scopes(lake))) if Stage.BUILD in order.stages else []
    wanted_anyway = forced(lake, order, scopes)
    stale = stale_scopes(lake, scopes, methodology, now, wanted_anyway)
    if not stale:
        return []
    if bench is None:
        bench = Workbench(lake)
    else:
        bench.refresh(SPINE)
    fits = False

    def computed(quarter: Stale) -> Computed:
        """A computed quarter, once the tables of the rollups are as its recipes give them."""
        nonlocal fits
        found = ahead(quarter)
        if not fits:
            # Where another writer is at the same, the quarter is begun anew.
            build.make_rollup_tables(lake, found.bench, run_id, author)
            fits = True
        return found

    def build_one(quarter: Stale) -> Scope | None:
        is_forced = quarter.scope in wanted_anyway
        return units_of_work.build_quarter(lake, bench, computed, quarter, methodology, now, run_id, author, is_forced)

    workers = 1 if lake.is_shared else order.workers or processors()
    with computing_ahead(lake, bench, stale, now, workers) as ahead:
        return done(steps.each("build", stale, build_one, part=lambda quarter: quarter.scope.title), failures)


def _record(lake: Lake, flow: str, outcome: Outcome, started: datetime, author: str) -> None:
    row = {
        "run_id": outcome.run_id,
        "flow": flow,
        "started_at_utc": started.astimezone(UTC).replace(tzinfo=None),
        "ended_at_utc": datetime.now(UTC).replace(tzinfo=None),
        "files_loaded": sum(landing.problem is None for landing in outcome.landings),
        "files_refused": outcome.files_refused,
        "rows_quarantined": outcome.rows_quarantined,
        "quarters_built": len(outcome.built),
        "quarters_failed": len(outcome.failures),
        "corrections_refused": outcome.corrections_refused,
    }

    def record() -> None:
        with lake.transaction(author, f"{outcome.run_id}: record"):
            lake.execute("DELETE FROM ops.runs WHERE run_id = ?", [outcome.run_id])
            lake.insert("ops.runs", pl.DataFrame([row]))

    lake.unit("runs", record)


# What was imported stays: the collector need not look through all of it again and again.
gc.freeze()
