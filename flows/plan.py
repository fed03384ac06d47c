"""What a run would do, and why. Reads the warehouse and the settings; writes nothing and waits for no writer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from suanheng.config.pulls import read_pulls
from suanheng.config.sources import SourceFile
from suanheng.config.workspace import Workspace
from suanheng.flows.landing.file_hashes import FileHashes
from suanheng.flows.landing.land import misplaced
from suanheng.flows.landing.pending import shown, stored, waiting
from suanheng.flows.night import forced_scopes, refuse_unknown_sites
from suanheng.flows.order import Order, Stage
from suanheng.flows.report import to_report
from suanheng.schemas.formats import raw_tables
from suanheng.transforms.building import periods
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.staleness import Facts, Inputs, Stale, stale_scopes
from suanheng.transforms.building.tables import has_all_tables
from suanheng.transforms.definitions import corrections, reference
from suanheng.transforms.scoring.methodology import Methodology, load
from suanheng.transforms.staging import stage
from suanheng.warehouse.lake import Lake, NoWarehouse, reading

_ALWAYS = "servers are asked in every run"


@dataclass(frozen=True)
class Planned:
    """One part of a plan.

    Attributes:
        part: what would be worked on, named as in a run.
        site_id: its site.
        why: for what reasons.
    """

    part: str
    site_id: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes:
        pull: servers that would be asked.
        ingest: files that would be ingested.
        stage: datasets that would be staged anew.
        build: quarters that would be built anew. Files that were never read may cover others, too.
    """

    pull: list[Planned]
    ingest: list[Planned]
    stage: list[Planned]
    build: list[Planned]


def plan(workspace: Workspace, now: datetime, order: Order) -> Plan:
    """What a run would do.

    Args:
        workspace: where; it may have no warehouse yet.
        now: the present.
        order: what the run would be asked for.

    Raises:
        BadSettings: a settings file cannot be used, or the order names a site that nobody knows.
    """
    refuse_unknown_sites(workspace, order.sites)
    try:
        with reading(workspace) as lake:
            return _plan(lake, workspace, now, order)
    except NoWarehouse:
        there = list(stored(workspace, FileHashes(workspace.file_hashes).of).values())
        ingest = [Planned(shown(bound.path, workspace.root), bound.site_id, "a new file") for bound in there]
        return _as_asked(workspace, order, ingest, _fed(there, "it was never staged"), [])


def _plan(lake: Lake, workspace: Workspace, now: datetime, order: Order) -> Plan:
    hash_of = FileHashes(workspace.file_hashes).of
    files = [file for group in waiting(lake, workspace, hash_of) for file in group]
    ingest = [Planned(file.shown_path, file.bound.site_id, file.why) for file in files]
    settings = settings_now(lake, workspace)
    changed = stage.reasons(lake, settings.recipe_hashes)
    to_stage = {**changed, **_fed((file.bound for file in files), "it has files to ingest")}
    scopes = list(filter(order.covers, periods.scopes(lake)))
    build = changed_quarters(lake, settings, scopes, now, forced_scopes(lake, order, scopes))
    return _as_asked(workspace, order, ingest, to_stage, build)


def _as_asked(
    workspace: Workspace,
    order: Order,
    ingest: list[Planned],
    to_stage: Mapping[tuple[str, str], str],
    build: list[Stale],
) -> Plan:
    pulls = [
        Planned(f"{asked.name} of {asked.site}", asked.site, _ALWAYS) for asked in read_pulls(workspace.pulls_file)
    ]
    return Plan(
        _of(order, Stage.INGEST, pulls),
        _of(order, Stage.INGEST, ingest),
        _of(order, Stage.STAGE, [Planned(" ".join(pair), pair[0], why) for pair, why in sorted(to_stage.items())]),
        _of(order, Stage.BUILD, [Planned(q.scope.title, q.scope.site_id, q.why) for q in build]),
    )


def is_up_to_date(workspace: Workspace, now: datetime) -> bool:
    """Whether a night would do nothing at all, as far as that can be said without asking anybody else.

    Args:
        workspace: where.
        now: the present.

    Raises:
        BadSettings: a settings file cannot be used.
    """
    order = Order("nightly")
    if read_pulls(workspace.pulls_file) or any(misplaced(workspace)):
        return False
    try:
        with reading(workspace) as lake:
            if not has_all_tables(lake) or not periods.are_up_to_date(lake, now) or to_report(lake, order):
                return False
            planned = _plan(lake, workspace, now, order)
    except NoWarehouse:
        return False
    return not (planned.ingest or planned.stage or planned.build)


def _of(order: Order, stage: Stage, parts: list[Planned]) -> list[Planned]:
    """Those of some parts of a stage that an order asks for."""
    return [part for part in parts if stage in order.stages and order.concerns(part.site_id)]


@dataclass(frozen=True)
class Settings:
    """What the files of the package and the workspace say now, whatever of it is in the warehouse.

    Attributes:
        methodology: what is scored with.
        facts: reference facts.
        recipe_hashes: what each dataset of each site would be staged with.
    """

    methodology: Methodology
    facts: Facts
    recipe_hashes: Mapping[tuple[str, str], str]


def settings_now(lake: Lake, workspace: Workspace) -> Settings:
    """Read and check the settings.

    Raises:
        BadSettings: one of them cannot be used.
    """
    stated = reference.stated(workspace)
    hashes = {name: reference.hash_of(rows) for name, rows in stated.items()}
    recipe_hashes = stage.recipe_hashes(lake, hashes, corrections.read_checked(workspace))
    return Settings(load(workspace.methodology), Facts.of(hashes, stated["sites"]), recipe_hashes)


def changed_quarters(
    lake: Lake, settings: Settings, scopes: Sequence[Scope], now: datetime, also: Collection[Scope] = ()
) -> list[Stale]:
    """Quarters that would be built by the files that are ingested and by what the settings say now."""
    inputs = Inputs(settings.facts, settings.recipe_hashes)
    return stale_scopes(lake, scopes, settings.methodology, now, also, inputs)


def _fed(files: Iterable[SourceFile], why: str) -> dict[tuple[str, str], str]:
    """Datasets that files feed, by site."""
    return {(bound.site_id, dataset): why for bound in files for dataset in raw_tables()[bound.source.raw_table].feeds}
