"""From files to scorecards: take in what is new, stage it, build what is affected, write the reports."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.config.pulls import read_pulls
from suanheng.config.workspace import Workspace
from suanheng.flows import reports
from suanheng.flows.landing import Landing, Waiting, land, misplaced, waiting
from suanheng.flows.pull import pull
from suanheng.flows.repairs import Content
from suanheng.flows.steps import Failure, Steps
from suanheng.schemas.corrections import IN_FORCE
from suanheng.schemas.facts import MONTHLY_FACTS, PERIOD_FACTS
from suanheng.schemas.formats import landed, raw_tables
from suanheng.schemas.indicators import INDICATORS
from suanheng.schemas.ops import OPS, QUARANTINE
from suanheng.schemas.publications import PUBLISHING
from suanheng.schemas.reference import REFERENCE
from suanheng.schemas.scorecards import SCORECARDS
from suanheng.schemas.spine import SPINE
from suanheng.schemas.staged import DATASETS
from suanheng.transforms import build, corrections, reference, spine, staging
from suanheng.transforms.scoring.methodology import Methodology, load
from suanheng.transforms.spine import Scope
from suanheng.transforms.workbench import Workbench
from suanheng.warehouse.lake import Lake, writing
from suanheng.warehouse.tables import columns_of_tables, make_stages, make_table


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        run_id: names the run's snapshots in the warehouse.
        landings: files taken in or refused.
        stagings: datasets staged anew.
        built: site-quarters built anew, e.g. ``site-a 2023Q2``.
        failures: parts that failed, with the reason; what they should have replaced is as it was.
        reports: files written.
    """

    run_id: str
    landings: list[Landing]
    stagings: list[staging.Staging]
    built: list[str]
    failures: dict[str, str]
    reports: list[Path]

    @property
    def changed_nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.landings or self.stagings or self.built or self.failures or self.reports)

    @property
    def rows_quarantined(self) -> int:
        """Records that this run put into quarantine."""
        return sum(x.rows_quarantined for x in self.landings) + sum(x.rows_quarantined for x in self.stagings)

    @property
    def corrections_refused(self) -> int:
        """Corrections that this run did not apply to all their rows, because a source has changed."""
        return sum(staged.corrections_refused for staged in self.stagings)

    @property
    def files_refused(self) -> int:
        """Files that could not be read at all."""
        return sum(landing.problem is not None for landing in self.landings)

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return {
            "run_id": self.run_id,
            "landings": [asdict(landing) for landing in self.landings],
            "stagings": [asdict(part) for part in self.stagings],
            "built": self.built,
            "failures": self.failures,
            "reports": [str(path) for path in self.reports],
        }


def new_run_id(flow: str, now: datetime) -> str:
    """Name of a run, e.g. ``nightly-20230701T010203``."""
    return f"{flow}-{now:%Y%m%dT%H%M%S%f}"


def ingest(workspace: Workspace, steps: Steps, now: datetime) -> Outcome:
    """Take in and stage what is new; build nothing."""
    return _run("ingest", workspace, steps, now, build_it=lambda scope: False, write_reports=False)


def replay(workspace: Workspace, steps: Steps, now: datetime, content: Content) -> Outcome:
    """Take one content in anew, with its repaired records, and stage what that changes; build nothing."""
    return _run("replay", workspace, steps, now, lambda scope: False, write_reports=False, only=content)


def night(workspace: Workspace, steps: Steps, now: datetime, write_reports: bool = True) -> Outcome:
    """Take in what is new and build every quarter it affects."""
    return _run("nightly", workspace, steps, now, build_it=lambda scope: True, write_reports=write_reports)


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
    """Take in what is new and build the quarters between two days.

    Args:
        workspace: where.
        steps: how parts are run.
        now: the present.
        first: a day in the first quarter.
        last: a day in the last quarter.
        sites: only these; all where empty.
        force: also build quarters whose inputs have not changed.
        write_reports: whether to write the reports of what was built.
    """

    def wanted(scope: Scope) -> bool:
        return scope.start <= last and scope.end > first and (not sites or scope.site_id in sites)

    return _run("backfill", workspace, steps, now, build_it=wanted, write_reports=write_reports, force=force)


def plan(workspace: Workspace, now: datetime) -> tuple[list[Waiting], list[tuple[str, str]], list[Scope]]:
    """What a night would do: files to take in, datasets to stage, quarters known to be stale by now."""
    with writing(workspace) as lake:
        methodology = _prepare(lake, workspace, new_run_id("plan", now))
        stale = build.stale_scopes(lake, spine.scopes(lake), methodology, now)
        files = [file for group in waiting(lake, workspace) for file in group]
        return files, staging.stale(lake), [scope for scope, _ in stale]


def _run(
    flow: str,
    workspace: Workspace,
    steps: Steps,
    now: datetime,
    build_it: Callable[[Scope], bool],
    write_reports: bool,
    force: bool = False,
    only: Content | None = None,
) -> Outcome:
    run_id = new_run_id(flow, now)
    failures: list[Failure] = []
    _done(
        steps.each(
            "pull",
            read_pulls(workspace.pulls_file) if only is None else [],
            lambda order: pull(order, workspace, now),
            part=lambda order: f"{order.name} of {order.site}",
        ),
        failures,
    )
    with writing(workspace) as lake:
        methodology = _prepare(lake, workspace, run_id)
        landings = _done(
            steps.each(
                "take in",
                _meant(waiting(lake, workspace), only),
                lambda files: land(lake, files, run_id, workspace.author),
                part=lambda files: f"{files[0].table} of {files[0].bound.site_id}",
            ),
            failures,
        )
        stagings = _done(
            steps.each(
                "stage",
                staging.stale(lake),
                lambda pair: staging.stage(lake, *pair, run_id=run_id, author=workspace.author),
                part=" ".join,
            ),
            failures,
        )
        with lake.transaction(workspace.author, f"{run_id}: months and periods"):
            if spine.rebuild(lake, now):
                build.forget_beyond_spine(lake)
        scopes = [scope for scope in spine.scopes(lake) if build_it(scope)]
        stale = build.stale_scopes(lake, scopes, methodology, now, force)
        built = _built(lake, steps, stale, methodology, now, run_id, workspace.author, failures)
        written = _reported(lake, workspace, steps, scopes, run_id, failures) if write_reports else []
        outcome = Outcome(
            run_id,
            [*(landing for group in landings for landing in group), *misplaced(workspace)],
            stagings,
            [f"{scope.site_id} {scope.name}" for scope in built],
            {failure.part: f"{type(failure.error).__name__}: {failure.error}" for failure in failures},
            written,
        )
        if not outcome.changed_nothing:
            _record(lake, flow, outcome, now, workspace.author)
    return outcome


def _meant(groups: list[list[Waiting]], only: Content | None) -> list[list[Waiting]]:
    meant = ([file for file in files if only in (None, file.content)] for files in groups)
    return [files for files in meant if files]


def _prepare(lake: Lake, workspace: Workspace, run_id: str) -> Methodology:
    methodology = load(workspace.methodology)
    make_tables(lake, workspace, run_id)
    reference.refresh(lake, workspace, run_id)
    corrections.refresh(lake, workspace, run_id)
    return methodology


def make_tables(lake: Lake, workspace: Workspace, run_id: str) -> None:
    """Make every table that is not there yet, and the columns that newer contracts have."""
    with lake.transaction(workspace.author, f"{run_id}: tables"):
        _make_tables(lake)


def _make_tables(lake: Lake) -> None:
    make_stages(lake)
    there = columns_of_tables(lake)
    for stage, contracts in (
        ("raw", [landed(form) for form in raw_tables().values()]),
        ("staged", DATASETS.values()),
        ("reference", [*REFERENCE.values(), *SPINE.values(), IN_FORCE]),
        ("indicators", [INDICATORS, MONTHLY_FACTS, PERIOD_FACTS]),
        ("scorecards", [*SCORECARDS.values(), *PUBLISHING.values()]),
        ("ops", OPS.values()),
        ("quarantine", QUARANTINE.values()),
    ):
        for contract in contracts:
            make_table(lake, stage, contract, there)
    build.make_indicator_views(lake, there)


def _built(
    lake: Lake,
    steps: Steps,
    stale: list[tuple[Scope, str]],
    methodology: Methodology,
    now: datetime,
    run_id: str,
    author: str,
    failures: list[Failure],
) -> list[Scope]:
    if not stale:
        return []
    bench = Workbench(lake)
    build.make_rollup_tables(lake, bench, run_id, author)

    def build_one(item: tuple[Scope, str]) -> Scope:
        build.build(lake, bench, *item, methodology, now, run_id, author)
        return item[0]

    part = "{0.site_id} {0.name}".format
    return _done(steps.each("build", stale, build_one, part=lambda item: part(item[0])), failures)


def _done(results: Iterable[Any], failures: list[Failure]) -> list[Any]:
    done: list[Any] = []
    for result in results:
        (failures if isinstance(result, Failure) else done).append(result)
    return done


def _reported(
    lake: Lake, workspace: Workspace, steps: Steps, scopes: list[Scope], run_id: str, failures: list[Failure]
) -> list[Path]:
    """Write the pages that do not show what was built last, be it that an earlier run died before it wrote them."""
    query = "SELECT site_id, quarter_start FROM ({0} ops.builds EXCEPT {0} ops.reports)"
    owed = set(lake.frame(query.format("SELECT site_id, quarter_start, run_id FROM")).rows())
    shown = [scope for scope in scopes if (scope.site_id, scope.start) in owed]
    failed_before = len(failures)
    written = _written(lake, workspace, steps, shown, failures)
    if shown and len(failures) == failed_before:
        with lake.transaction(workspace.author, f"{run_id}: pages"):
            _note_as_shown(lake, shown)
    return written


def _note_as_shown(lake: Lake, scopes: list[Scope]) -> None:
    for scope in scopes:
        place = [scope.site_id, scope.start]
        of_scope = "WHERE site_id = ? AND quarter_start = ?"
        lake.execute(f"DELETE FROM ops.reports {of_scope}", place)
        built = f"SELECT site_id, quarter_start, run_id FROM ops.builds {of_scope}"
        lake.execute(f"INSERT INTO ops.reports BY NAME {built}", place)


def _written(lake: Lake, workspace: Workspace, steps: Steps, built: list[Scope], failures: list[Failure]) -> list[Path]:
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
    return [path for paths in _done(written, failures) for path in paths]


def _periods(lake: Lake, scope: Scope) -> list[str]:
    query = (
        "SELECT period FROM reference.site_periods "
        "WHERE site_id = ? AND closing_month >= ? AND closing_month < ? ORDER BY period_start, period_end"
    )
    return lake.frame(query, [scope.site_id, scope.start, scope.end])["period"].to_list()


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
    with lake.transaction(author, f"{outcome.run_id}: record"):
        lake.insert("ops.runs", pl.DataFrame([row]))
