"""Verbs around publications: publish, publications, as-of, diff, reproduce, expire."""

import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suanheng.config.errors import BadSettings, ExitCode
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    say_json,
    say_table,
    takes,
    words,
)
from suanheng.warehouse.lake import reading

if TYPE_CHECKING:
    from suanheng.transforms.publishing.publish import Request

_SHOWN = ("publication_id", "state", "published_at_utc", "published_by", "methodology", "snapshot_id", "note")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(publish)
    app.command()(publications)
    app.command("as-of")(as_of)
    app.command()(diff)
    app.command()(reproduce)
    app.command()(expire)


@dataclass(frozen=True)
class Publish:
    """What ``suanheng publish`` is asked for."""

    site: str
    period: str
    note: Annotated[str | None, typer.Option(help="What to say with the publication.")] = None
    by: Annotated[str | None, typer.Option(help="Who publishes; the author of the workspace where absent.")] = None
    accept: Annotated[str | None, typer.Option(help="Why to publish although the gate fails.")] = None
    workspace: WorkspaceOption = Path()
    as_json: JsonOption = False


@takes(Publish)
def publish(asked: Publish) -> None:
    """Hold a scorecard to the gate and freeze it as a new revision, with the reasons why it differs from the last."""
    from suanheng.flows.publish import publish_scorecard

    published = publish_scorecard(open_workspace(asked.workspace), _request(asked))
    made = published.publication
    if asked.as_json:
        say_json(
            {
                **_brief(made.row),
                "is_new": made.is_new,
                "reasons": [asdict(reason) for reason in made.reasons],
                "gate": [asdict(finding) for finding in published.gate.findings],
                "files": [str(path) for path in published.files],
            }
        )
        return
    for finding in published.gate.findings:
        if not finding.holds:
            rows = ", ".join(json.dumps(row, ensure_ascii=False, default=str) for row in finding.rows)
            words.print(f"{finding.severity}, {finding.table}: {finding.observed}: {rows}", markup=False)
    if not made.is_new:
        words.print(f"{made.row['publication_id']} ({made.row['state']}) stands: no number has changed since.")
        return
    words.print(f"Published {made.row['publication_id']} as {made.row['state']}.")
    if made.reasons:
        say_table([_shown_cause(reason) for reason in made.reasons], "Why it differs from the revision before")


def _request(asked: Publish) -> "Request":
    from suanheng.transforms.publishing.publish import Request

    return Request(asked.site, asked.period, datetime.now(UTC), asked.note, asked.accept, author=asked.by)


def publications(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Every publication: state, when, by whom, with which methodology, from which snapshot."""
    query = f"SELECT {', '.join(_SHOWN)} FROM scorecards.publications ORDER BY site_id, period, revision"
    with reading(open_workspace(workspace)) as lake:
        _answer(lake.frame(query).to_dicts(), as_json)


def as_of(
    day: Annotated[str, typer.Argument(help="Day (YYYY-MM-DD, UTC), to its end.")],
    site: str,
    period: str,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """The scorecard as published on a day, beside the one as known now."""
    from suanheng.transforms.publishing.difference import as_published_on

    opened = open_workspace(workspace)
    row = as_published_on(opened, _end_of(day), site, period)
    found = {
        f"as published on {day}": _headline(opened, row["publication_id"], row["state"]),
        "as known now": _headline(opened, f"{site}/{period}", "not published as such"),
    }
    if as_json:
        say_json(found)
    else:
        say_table([{"meaning": meaning, **figures} for meaning, figures in found.items()])
        words.print(f"What is between them: suanheng diff {row['publication_id']} {site}/{period}")


def diff(
    before: Annotated[str, typer.Argument(help="site/period as known now, or site/period/r1 as published.")],
    after: Annotated[str, typer.Argument(help="The scorecard to compare it with.")],
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """What differs between two scorecards, figure by figure, what each indicator contributes to it, and why."""
    from suanheng.transforms.publishing.difference import difference

    found = difference(open_workspace(workspace), before, after)
    if as_json:
        say_json(asdict(found))
        return
    say_table([{**asdict(change), "causes": ", ".join(change.causes)} for change in found.changes], "Changed figures")
    _tell_contributions(found)
    say_table([_shown_cause(cause) for cause in found.causes], "Causes")


def reproduce(
    publication: Annotated[str, typer.Argument(help="site/period/r1, or site/period for the latest.")],
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Recompute a publication from its own snapshot and compare every number. Exit code 1 where one differs."""
    from suanheng.transforms.publishing.reproduce import reproduce as recompute

    proof = recompute(open_workspace(workspace), publication)
    if as_json:
        say_json({**asdict(proof), "is_exact": proof.is_exact})
    else:
        _tell_proof(proof)
    sys.exit(ExitCode.DONE if proof.is_exact else ExitCode.ERROR)


def expire(
    older_than_days: Annotated[int, typer.Option(min=0, help="Forget snapshots older than so many days.")] = 30,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Forget old snapshots and delete files nothing needs any more. Published snapshots always stay."""
    from suanheng.warehouse.retention import expire_unpublished

    done = expire_unpublished(open_workspace(workspace), older_than_days, datetime.now(UTC))
    if as_json:
        say_json(done)
    else:
        gone, kept = map(len, done.values())
        words.print(f"{gone} snapshots forgotten, {kept} kept for publications.")


def _headline(workspace: Workspace, name: str, state: str) -> dict[str, Any]:
    from suanheng.transforms.publishing.difference import state_of

    composite = state_of(workspace, name).numbers.composite
    return {
        "scorecard": name,
        "state": state,
        **{key: composite[key] for key in ("score", "score_low", "score_high", "grade")},
    }


def _tell_contributions(found: Any) -> None:
    """What moved the composite how far: a sentence with the sums, and the parts from the largest down."""
    if found.unexplained:
        words.print(f"What each indicator contributes cannot be determined: {found.unexplained}", markup=False)
        return
    parts = found.contributions
    low, high = (sum(getattr(part, f"contribution_{end}") for part in parts) for end in ("low", "high"))
    if any(part.contribution is None for part in parts):
        moved = "They do not both have a score. The ends of the score's interval move"
    else:
        moved = f"The score moves by {sum(part.contribution for part in parts):+.6g} points, the ends of its interval"
    words.print(f"{moved} by {low:+.6g} and {high:+.6g} points, of which:", markup=False)
    shown = [part for part in parts if part.contribution or part.contribution_low or part.contribution_high]
    shown.sort(key=lambda part: -max(map(abs, (part.contribution or 0, part.contribution_low, part.contribution_high))))
    say_table([{**asdict(part), "causes": ", ".join(part.causes)} for part in shown], "Contributions, in points")


def _tell_proof(proof: Any) -> None:
    if proof.is_exact:
        words.print(f"{proof.publication_id}: {proof.figures} figures recomputed, every one as published.")
    else:
        say_table(proof.differing, f"{proof.publication_id}: figures that do not come out as published")
    if not proof.signature_holds:
        words.print("The published numbers are not those that were signed: somebody changed them in the warehouse.")
    if not proof.code_is_the_same:
        words.print("Recipes or scoring code have changed since it was published.")


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "methodology_text"}


def _shown_cause(cause: Any) -> dict[str, Any]:
    return {"cause": cause.cause, "subject": cause.subject, "indicators": ", ".join(cause.indicators)}


def _end_of(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), time.max)
    except ValueError:
        raise BadSettings(f"{day!r} is not a day. Expected YYYY-MM-DD, e.g. 2024-07-03.") from None


def _answer(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        say_json(rows)
    else:
        say_table(rows)
