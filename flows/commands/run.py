"""Verbs that change the warehouse: ingest, nightly, backfill."""

import os
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from suanheng.config.workspace import BadSettings, open_workspace
from suanheng.flows.commands.console import (
    DONE,
    INPUT_REFUSED,
    QUARTER_FAILED,
    JsonOption,
    WorkspaceOption,
    progress_bar,
    say_json,
    say_table,
    words,
)
from suanheng.flows.steps import Steps, watched_by


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(ingest)
    app.command()(nightly)
    app.command()(backfill)


def ingest(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Take in and stage new files; build nothing."""
    from suanheng.flows import pipeline

    with progress_bar(quiet=as_json) as bar:
        outcome = pipeline.ingest(open_workspace(workspace), Steps(bar), datetime.now(UTC)).as_dict()
    _tell(outcome, as_json)


def nightly(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Take in new files and build every quarter they affect, as a Prefect flow."""
    open_workspace(workspace)
    _tell(_as_flow("nightly", "nightly", as_json, workspace=workspace.resolve()), as_json)


def backfill(
    first: Annotated[str, typer.Option("--from", help="First period: 2023Q1, 2023-01 or 2023.")],
    last: Annotated[str, typer.Option("--to", help="Last period.")],
    site: Annotated[list[str] | None, typer.Option(help="Only this site; may be given several times.")] = None,
    force: Annotated[bool, typer.Option(help="Also build what has not changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be built.")] = False,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Build the quarters of a range of history, as a Prefect flow."""
    start, _ = _days(first)
    _, end = _days(last)
    if end < start:
        raise BadSettings(f"--from {first} is later than --to {last}. Swap them.")
    opened = open_workspace(workspace)
    if dry_run:
        _tell_plan(opened, start, end, site or [], as_json)
        return
    outcome = _as_flow(
        "backfill",
        "backfill",
        as_json,
        first=start,
        last=end,
        workspace=workspace.resolve(),
        sites=site or [],
        force=force,
    )
    _tell(outcome, as_json)


def _as_flow(module: str, name: str, quiet: bool, **parameters: Any) -> dict[str, Any]:
    # The flow's own log lines would tear the progress bar apart; failures are told at the end.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    from importlib import import_module

    flow = getattr(import_module(f"suanheng.flows.{module}"), name)
    with progress_bar(quiet) as bar, watched_by(bar):
        return flow(**parameters)


def _days(period: str) -> tuple[date, date]:
    """First and last quarter day of a period's name."""
    from suanheng.transforms.spine import add_months

    for form, months in ((r"(\d{4})Q([1-4])", 3), (r"(\d{4})-(0[1-9]|1[0-2])", 1), (r"(\d{4})", 12)):
        if match := re.fullmatch(form, period):
            part = int(match[2]) if months < 12 else 1
            start = date(int(match[1]), (part - 1) * (3 if months == 3 else 1) + 1, 1)
            return start, add_months(start, months - 1)
    raise BadSettings(f"{period!r} is not a period. Expected a quarter 2023Q1, a month 2023-01 or a year 2023.")


def _tell_plan(workspace: Any, start: date, end: date, sites: list[str], as_json: bool) -> None:
    from suanheng.flows import pipeline

    files, datasets, scopes = pipeline.plan(workspace, datetime.now(UTC))
    wanted = [s for s in scopes if s.start <= end and s.end > start and (not sites or s.site_id in sites)]
    plan = {
        "take_in": [file.shown_path for file in files],
        "stage": [" ".join(pair) for pair in datasets],
        "build": [f"{scope.site_id} {scope.name}" for scope in wanted],
    }
    if as_json:
        say_json(plan)
        return
    for step, parts in plan.items():
        words.print(f"{step.replace('_', ' ')}: {len(parts)}" + (": " + ", ".join(parts) if parts else ""))


def _tell(outcome: dict[str, Any], as_json: bool) -> None:
    refused = [landing for landing in outcome["landings"] if landing["problem"]]
    quarantined = sum(part["rows_quarantined"] for part in [*outcome["landings"], *outcome["stagings"]])
    outgrown = sum(part["corrections_refused"] for part in outcome["stagings"])
    to_repair = refused or quarantined or outgrown
    code = QUARTER_FAILED if outcome["failures"] else INPUT_REFUSED if to_repair else DONE
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
        f"{len(outcome['landings']) - len(refused)} files taken in ({read} records), {len(refused)} refused, "
        f"{quarantined} records quarantined, {len(outcome['built'])} quarters built, "
        f"{len(outcome['reports'])} report files written."
    )
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
