"""Verbs that ask how far a score can be trusted: whatif, uncertainty. They write nothing."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from suanheng.config.workspace import BadSettings, open_workspace
from suanheng.flows.commands.console import JsonOption, WorkspaceOption, say_json, say_table, words
from suanheng.warehouse.lake import reading

_BRIDGE = ("name", "cause", "before", "after", "contribution", "contribution_low", "contribution_high")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(whatif)


def whatif(
    methodology: Annotated[str, typer.Argument(help="Name of a shipped methodology, or path of a YAML file.")],
    site: Annotated[str | None, typer.Argument(help="Only this site.")] = None,
    period: Annotated[str | None, typer.Argument(help="Only this period.")] = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Score with another methodology beside the current one, and bridge the difference. Nothing is written."""
    from suanheng.transforms.scoring.fit import MethodologyMismatch
    from suanheng.transforms.scoring.methodology import InvalidMethodology, load
    from suanheng.transforms.scoring.values import UndefinedScore
    from suanheng.transforms.whatif import what_if

    opened = open_workspace(workspace)
    try:
        current, other = load(opened.methodology), load(methodology)
        with reading(opened) as lake:
            cards = what_if(lake, current, other, site, period)
    except (FileNotFoundError, InvalidMethodology, MethodologyMismatch, UndefinedScore) as error:
        raise BadSettings(str(error)) from error
    if as_json:
        say_json({"current": _named(current), "other": _named(other), "scorecards": [asdict(card) for card in cards]})
        return
    say_table([_beside(card) for card in cards], f"{current.methodology} beside {other.methodology}")
    for card in cards if site and period else []:
        words.print(
            f"What leads from {current.methodology} to {other.methodology} for {site} {period}, in points:",
            markup=False,
        )
        say_table([{name: value for name, value in asdict(step).items() if name in _BRIDGE} for step in card.bridge])


def _named(methodology: Any) -> dict[str, Any]:
    return {"methodology": methodology.methodology, "hash": methodology.hash}


def _beside(card: Any) -> dict[str, Any]:
    shown = ("score", "score_low", "score_high", "grade")
    return {
        "site": card.site_id,
        "period": card.period,
        **{name: card.before[name] for name in shown},
        **{f"other {name}": card.after[name] for name in shown},
    }
