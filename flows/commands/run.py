"""Verbs that change the warehouse: ingest, nightly, backfill."""

import os
import re
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suanheng.config.errors import BadSettings, ExitCode
from suanheng.config.workspace import Workspace
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    progress_bar,
    say_json,
    say_table,
    takes,
    words,
)
from suanheng.flows.orchestration.steps import Steps, watched_by

if TYPE_CHECKING:
    from suanheng.flows.order import Order, Stage

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and why.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(ingest)
    app.command()(nightly)
    app.command()(backfill)


def ingest(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Ingest and stage new files; build nothing."""
    from suanheng.flows import night
    from suanheng.flows.orchestration.settings_check import read_settings

    opened = read_settings(workspace).workspace
    with progress_bar(quiet=as_json) as bar:
        outcome = night.ingest(opened, Steps(bar), datetime.now(UTC)).as_dict()
    _tell(outcome, as_json)


def nightly(workspace: WorkspaceOption = Path(), as_json: JsonOption = False, dry_run: DryRunOption = False) -> None:
    """Ingest new files and build every quarter they affect, as a Prefect flow."""
    from suanheng.flows.orchestration.settings_check import read_settings
    from suanheng.flows.order import Order

    opened = read_settings(workspace).workspace
    if dry_run:
        _tell_plan(opened, Order("nightly"), as_json)
        return
    # To start Prefect takes longer than to see that it is not needed; a server wants to know of every run.
    if not _has_server() and (nothing := _nothing_to_do(opened)):
        _tell(nothing, as_json)
    _tell(_as_flow("nightly", as_json, workspace=opened.root), as_json)


def _has_server() -> bool:
    """Whether a Prefect server is configured, in the environment or in a profile of Prefect's."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    return profiles.is_file() and "PREFECT_API_URL" in profiles.read_text(encoding="utf-8")


def _nothing_to_do(workspace: Workspace) -> dict[str, Any] | None:
    """What a night that has nothing to do says; nothing where it has."""
    from suanheng.flows.order import Outcome, new_run_id
    from suanheng.flows.plan import is_up_to_date

    now = datetime.now(UTC)
    if not is_up_to_date(workspace, now):
        return None
    return Outcome(new_run_id("nightly", now), [], [], [], {}, []).as_dict()


@dataclass(frozen=True)
class Backfill:
    """What ``suanheng backfill`` is asked for."""

    first: Annotated[str, typer.Option("--from", help="First period: 2023Q1, 2023-01 or 2023.")]
    last: Annotated[str, typer.Option("--to", help="Last period.")]
    site: Annotated[list[str] | None, typer.Option(help="Only this site; may be given several times.")] = None
    stage: Annotated[
        list[str] | None,
        typer.Option(help="Only this: ingest, stage, build or report; may be given several times. All by default."),
    ] = None
    force: Annotated[bool, typer.Option(help="Also build what has not changed.")] = False
    resume: Annotated[
        str | None, typer.Option(help="Go on with this run by force: what it built is not built again.")
    ] = None
    workers: Annotated[
        int | None, typer.Option(min=1, help="Quarters computed at the same time. All processors by default.")
    ] = None
    dry_run: DryRunOption = False
    workspace: WorkspaceOption = Path()
    as_json: JsonOption = False


@takes(Backfill)
def backfill(asked: Backfill) -> None:
    """Build the quarters of a range of history, as a Prefect flow."""
    from suanheng.flows.night import refuse_unknown_sites
    from suanheng.flows.orchestration.settings_check import read_settings
    from suanheng.flows.order import Order

    start, _ = _days(asked.first)
    _, end = _days(asked.last)
    if end < start:
        raise BadSettings(f"--from {asked.first} is later than --to {asked.last}. Swap them.")
    opened = read_settings(asked.workspace).workspace
    refuse_unknown_sites(opened, asked.site or [])
    parameters: dict[str, Any] = {
        "stages": _stages(asked.stage),
        "first": start,
        "last": end,
        "sites": asked.site or [],
        "force": asked.force,
        "resume": asked.resume,
        "workers": asked.workers,
    }
    if asked.dry_run:
        _tell_plan(opened, Order("backfill", **parameters), asked.as_json)
        return
    _tell(_as_flow("backfill", asked.as_json, workspace=opened.root, **parameters), asked.as_json)


def _stages(names: list[str] | None) -> "tuple[Stage, ...]":
    from suanheng.flows.order import Stage

    if unknown := sorted(set(names or ()) - set(Stage)):
        raise BadSettings(f"There is no stage {', '.join(unknown)}. Expected some of {', '.join(Stage)}.")
    return tuple(stage for stage in Stage if not names or stage in names)


def _as_flow(name: str, quiet: bool, **parameters: Any) -> dict[str, Any]:
    # The flow's own log lines would tear the progress bar apart; failures are named at the end.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    from importlib import import_module

    from suanheng.flows.orchestration.conclusion import PartsFailed

    flow = getattr(import_module(f"suanheng.flows.{name}"), name)
    with progress_bar(quiet) as bar, watched_by(bar):
        try:
            return flow(**parameters)
        except PartsFailed as failed:
            return failed.done


def _days(period: str) -> tuple[date, date]:
    """First and last quarter day of a period's name."""
    from suanheng.transforms.building.periods import add_months

    for form, months in ((r"(\d{4})Q([1-4])", 3), (r"(\d{4})-(0[1-9]|1[0-2])", 1), (r"(\d{4})", 12)):
        if match := re.fullmatch(form, period):
            part = int(match[2]) if months < 12 else 1
            start = date(int(match[1]), (part - 1) * (3 if months == 3 else 1) + 1, 1)
            return start, add_months(start, months - 1)
    raise BadSettings(f"{period!r} is not a period. Expected a quarter 2023Q1, a month 2023-01 or a year 2023.")


def _tell_plan(workspace: Workspace, order: "Order", as_json: bool) -> None:
    from suanheng.flows.plan import plan

    planned = plan(workspace, datetime.now(UTC), order)
    if as_json:
        say_json(asdict(planned))
        return
    for step, parts in vars(planned).items():
        words.print(f"{step.replace('_', ' ')}: {len(parts)}")
        for why, alike in groupby(parts, key=attrgetter("why")):
            first, *others = (part.part for part in alike)
            more = f" and {len(others)} more" if others else ""
            words.print(f"  {first}{more}: {why}", markup=False)
    if planned.ingest:
        words.print("Which quarters new files cover is known once they are ingested; those are built, too.")


def _tell(outcome: dict[str, Any], as_json: bool) -> None:
    refused = [landing for landing in outcome["landings"] if landing["problem"]]
    quarantined = sum(part["rows_quarantined"] for part in [*outcome["landings"], *outcome["stagings"]])
    outgrown = sum(part["corrections_refused"] for part in outcome["stagings"])
    to_repair = refused or quarantined or outgrown
    code = ExitCode.PART_FAILED if outcome["failures"] else ExitCode.INPUT_REFUSED if to_repair else ExitCode.DONE
    if as_json:
        say_json({**outcome, "exit_code": code})
    else:
        _tell_words(outcome, refused, quarantined, outgrown)
    sys.exit(code)


def _tell_words(outcome: dict[str, Any], refused: list[dict[str, Any]], quarantined: int, outgrown: int) -> None:
    if not any(outcome[key] for key in ("landings", "stagings", "built", "failures", "reports")):
        words.print("Nothing has changed: no new file, nothing to build.")
        return
    read = sum(landing["rows_read"] for landing in outcome["landings"])
    words.print(
        f"{len(outcome['landings']) - len(refused)} files ingested ({read} records), {len(refused)} refused, "
        f"{quarantined} records quarantined, {len(outcome['built'])} quarters built, "
        f"{len(outcome['reports'])} report files written."
    )
    for why, formats in _read_again(outcome["landings"]).items():
        words.print(f"{len(formats)} files {why} ({', '.join(sorted(set(formats)))}).", markup=False)
    if refused:
        say_table([{"file": landing["path"], "why": landing["problem"]} for landing in refused], "Refused files")
    if quarantined:
        words.print("See the quarantined records: suanheng quarantine list")
    if outgrown:
        words.print(f"{outgrown} corrections were not applied, as their source has changed: suanheng corrections list")
    if outcome["failures"]:
        say_table(
            [{"part": part, "why": why} for part, why in outcome["failures"].items()], "Failed; what they held stays"
        )


def _read_again(landings: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Formats of the files that were read before and were read again, by why."""
    formats: dict[str, list[str]] = {}
    for landing in landings:
        if landing["why"].startswith("read again"):
            formats.setdefault(landing["why"], []).append(landing["format"])
    return formats
