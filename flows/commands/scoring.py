"""Verbs that ask how far a score can be trusted: whatif, uncertainty. They write nothing."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import open_workspace
from suanheng.flows.commands.console import JsonOption, WorkspaceOption, say_json, say_table, takes, words
from suanheng.warehouse.lake import reading

_BRIDGE = ("name", "cause", "before", "after", "contribution", "contribution_low", "contribution_high")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(whatif)
    app.command()(uncertainty)


def whatif(
    methodology: Annotated[str, typer.Argument(help="Name of a shipped methodology, or path of a YAML file.")],
    site: Annotated[str | None, typer.Argument(help="Only this site.")] = None,
    period: Annotated[str | None, typer.Argument(help="Only this period.")] = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Score with another methodology beside the current one, and bridge the difference. Nothing is written."""
    from suanheng.transforms.analysis.whatif import what_if
    from suanheng.transforms.scoring.methodology import load

    opened = open_workspace(workspace)
    current, other = load(opened.methodology), load(methodology)
    with reading(opened) as lake:
        cards = what_if(lake, current, other, site, period)
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


@dataclass(frozen=True)
class Uncertainty:
    """What ``suanheng uncertainty`` is asked for."""

    period: Annotated[str, typer.Option(help="Period: 2023Q1, 2023-01 or 2023.")]
    sites: Annotated[list[str] | None, typer.Argument(help="Sites to compare; all where none is named.")] = None
    replicates: Annotated[int, typer.Option(min=2, help="How often the scores are drawn.")] = 10_000
    seed: Annotated[int, typer.Option(min=0, help="Of the generator; the same one gives the same answer.")] = 0
    meter_class: Annotated[str | None, typer.Option(help="Class of the electricity meters, e.g. 0.5S.")] = None
    grid_factor_range: Annotated[
        float | None, typer.Option(min=0, max=0.99, help="How far grid factors may be off, as a share.")
    ] = None
    measurement: Annotated[
        Path | None, typer.Option(help="CSV of further uncertainties: unit, indicator, cause, source, kind, low, high.")
    ] = None
    sobol: Annotated[bool, typer.Option("--sobol", help="Also state what scores and ranking hang on.")] = False
    remove: Annotated[bool, typer.Option("--remove", help="Also leave out each indicator in turn.")] = False
    workspace: WorkspaceOption = Path()
    as_json: JsonOption = False


@takes(Uncertainty)
def uncertainty(asked: Uncertainty) -> None:
    """What scores and ranks of a period can be, given weights, means and measurement. Nothing is written."""
    from suanheng.transforms.analysis import period_uncertainty
    from suanheng.transforms.scoring.methodology import load

    opened = open_workspace(asked.workspace)
    methodology = load(opened.methodology)
    rows = _rows_of(asked.measurement) if asked.measurement else None
    measured = period_uncertainty.Measured(asked.meter_class, asked.grid_factor_range, rows)
    draws = period_uncertainty.Draws(asked.replicates, asked.seed, asked.sobol, asked.remove)
    with reading(opened) as lake:
        found = period_uncertainty.uncertainty(lake, methodology, asked.period, asked.sites or (), measured, draws)
    varied = {
        "weights": f"±{period_uncertainty.WEIGHT_NOISE:.0%} each, on both levels",
        "aggregation": f"{len(found.input_uncertainty.choices[0].alternatives)} kinds of mean, equally likely",
        **{
            cause: f"{values} values"
            for cause, values in found.input_uncertainty.measurement.group_by("cause").len().sort("cause").iter_rows()
        },
    }
    if asked.as_json:
        _say_uncertainty(asked, methodology.methodology, varied, found)
    else:
        _show_uncertainty(asked, methodology.methodology, varied, found)


def _relative(found: Any) -> str:
    return f"Ranks, victories and removals are relative: they hold among these {len(found.sites)} sites alone."


def _say_uncertainty(asked: Uncertainty, methodology: str, varied: dict[str, str], found: Any) -> None:
    """Answer as JSON; tables that were not asked for are left out."""
    frames = ("intervals", "wins", "sobol", "removals")
    say_json(
        {
            "period": asked.period,
            "methodology": methodology,
            "replicates": asked.replicates,
            "seed": asked.seed,
            "varied": varied,
            **{name: frame.to_dicts() for name in frames if (frame := getattr(found, name)) is not None},
            "unexplained": found.unexplained,
            "relative": _relative(found),
        }
    )


def _show_uncertainty(asked: Uncertainty, methodology: str, varied: dict[str, str], found: Any) -> None:
    """Answer in words and tables."""
    drawn = f"{asked.period}, {methodology}: {asked.replicates} replicates, seed {asked.seed}. Varied:"
    words.print(drawn, markup=False)
    for what, how in varied.items():
        words.print(f"  {what}: {how}", markup=False)
    score = [name for name in found.intervals.columns if name.startswith("score")]
    ranks = [name for name in found.intervals.columns if name.startswith("rank")]
    say_table(found.intervals.select("unit", *score).to_dicts(), "Scores, with their 5 and 95 % quantiles")
    words.print(_relative(found))
    say_table(found.intervals.select("unit", *ranks, "first_probability").to_dicts(), "Ranks (relative)")
    say_table(found.wins.to_dicts(), "How often a site scores above another (relative)")
    if found.sobol is not None:
        say_table(found.sobol.to_dicts(), "What a score or the ranking hangs on: Sobol indices")
    for of, why in found.unexplained.items():
        words.print(f"{of} has no Sobol indices: {why}", markup=False)
    if found.removals is not None:
        say_table(found.removals.to_dicts(), "Without each indicator (ranks are relative)")


def _rows_of(path: Path) -> Any:
    import polars as pl

    from suanheng.transforms.analysis.measurement import COLUMNS

    if not path.is_file():
        raise BadSettings(f"There is no file {path}. Expected a CSV with the columns {', '.join(COLUMNS)}.")
    try:
        return pl.read_csv(path, schema_overrides=COLUMNS).select(pl.col(name).cast(COLUMNS[name]) for name in COLUMNS)
    except pl.exceptions.PolarsError as error:
        raise BadSettings(f"{path} is not a CSV with the columns {', '.join(COLUMNS)}: {error}") from error


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
