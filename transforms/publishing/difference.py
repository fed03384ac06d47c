"""The difference of two scorecards, figure by figure, with the causes behind each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from suanheng.config.workspace import Workspace
from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.analysis.score_changes import explain_changes
from suanheng.transforms.building.build import code_hash
from suanheng.transforms.publishing.causes import Cause
from suanheng.transforms.publishing.methodologies import as_built, as_published
from suanheng.transforms.publishing.numbers import Numbers, of_publication, of_scorecards
from suanheng.transforms.publishing.publish import (
    causes_between,
    changed_indicators,
    latest_publication,
    publication,
)
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.values import UndefinedScore
from suanheng.warehouse.lake import reading

_EXPLAINED = (
    "name",
    "cause",
    "value_before",
    "value_after",
    "score_before",
    "score_after",
    "contribution",
    "contribution_low",
    "contribution_high",
)


@dataclass(frozen=True)
class State:
    """A scorecard that can be compared: as published, or as known now.

    Attributes:
        name: how it was asked for.
        site_id: site.
        period: period.
        numbers: its numbers.
        snapshot_id: snapshot they were made from; ``None`` for now.
        code_hash: recipes and scoring code they were made with.
        methodology: how it was scored; ``None`` where the workspace does not name that methodology any more.
    """

    name: str
    site_id: str
    period: str
    numbers: Numbers
    snapshot_id: int | None
    code_hash: str
    methodology: Methodology | None


@dataclass(frozen=True)
class Change:
    """One figure that differs.

    Attributes:
        level: ``composites``, ``dimensions`` or ``indicators``.
        name: dimension or indicator; empty for the composite.
        figure: column.
        before: value of the first scorecard.
        after: value of the second.
        causes: subjects of the causes behind it; for a composite or a dimension, the indicators below it that changed.
    """

    level: str
    name: str
    figure: str
    before: Any
    after: Any
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Contribution:
    """What one thing has to do with the difference of two composites.

    Attributes:
        name: indicator; dimension or ``composite`` for other causes than its points.
        cause: ``score``, or ``weight`` or ``aggregation`` where the methodologies differ.
        value_before: value of the indicator in the first scorecard.
        value_after: value in the second.
        score_before: points in the first.
        score_after: points in the second.
        contribution: part of the change of the score; ``None`` unless both composites have one.
        contribution_low: part of the change of the lower end of the score's interval.
        contribution_high: part of the change of the upper end.
        causes: subjects of the causes behind it.
    """

    name: str
    cause: str
    value_before: float | None
    value_after: float | None
    score_before: float | None
    score_after: float | None
    contribution: float | None
    contribution_low: float
    contribution_high: float
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two scorecards.

    Attributes:
        before: name of the first.
        after: name of the second.
        changes: figures that differ.
        contributions: what each indicator has to do with the difference of the composites; they add up to it.
        not_told: why there are no contributions; ``None`` where there are.
        causes: why; empty where the two are of different sites or periods, which have nothing to share.
    """

    before: str
    after: str
    changes: list[Change]
    contributions: list[Contribution]
    unexplained: str | None
    causes: list[Cause]


def state_of(workspace: Workspace, name: str) -> State:
    """A scorecard by name: ``site/period`` as known now, ``site/period/r2`` as published.

    Raises:
        NotThere: there is no such scorecard.
    """
    with reading(workspace) as lake:
        if name.count("/") == 2:
            row = publication(lake, name)
            numbers = of_publication(lake, row["publication_id"])
            site_id, period, snapshot, code = row["site_id"], row["period"], row["snapshot_id"], row["code_hash"]
            methodology: Methodology | None = as_published(row)
        else:
            site_id, _, period = name.partition("/")
            numbers, snapshot, code = of_scorecards(lake, site_id, period), None, code_hash()
            methodology = as_built(workspace, numbers.composite) if numbers else None
    if numbers is None:
        raise NotThere(
            f"There is no scorecard {name!r}. Expected site/period, e.g. qinglan/2023Q2, as known now, or "
            "site/period/r1 as published. See which there are: suanheng status, suanheng publications"
        )
    return State(name, site_id, period, numbers, snapshot, code, methodology)


def difference(workspace: Workspace, first: str, second: str) -> Difference:
    """Compare two scorecards by name.

    Raises:
        NotThere: one of them does not exist.
    """
    before, after = state_of(workspace, first), state_of(workspace, second)
    causes: list[Cause] = []
    if (before.site_id, before.period) == (after.site_id, after.period):
        with reading(workspace, before.snapshot_id) as earlier, reading(workspace, after.snapshot_id) as later:
            causes = causes_between(
                (earlier, before.numbers, before.code_hash),
                (later, after.numbers, after.code_hash),
                changed_indicators(before.numbers, after.numbers),
            )
    changes = _changes(before.numbers, after.numbers, causes)
    try:
        contributions, unexplained = _contributions(before, after, causes), None
    except UndefinedScore as error:
        contributions, unexplained = [], str(error)
    return Difference(before.name, after.name, changes, contributions, unexplained, causes)


def _contributions(before: State, after: State, causes: Sequence[Cause]) -> list[Contribution]:
    """From the stored rows of both, those of a publication as they were published."""
    for state in (before, after):
        if state.methodology is None:
            raise UndefinedScore(
                "another methodology",
                f"{state.name} was built with {state.numbers.composite['methodology']}, which is not the file the "
                "workspace names; build it again, with: suanheng nightly",
            )
    assert before.methodology is not None and after.methodology is not None
    scored = [
        state.numbers.tables["indicators"].filter(pl.col("dimension").is_not_null()).with_columns(pair=pl.lit(1))
        for state in (before, after)
    ]
    rows = explain_changes(scored[0], scored[1], ["pair"], after.methodology, before.methodology)
    return [
        Contribution(
            **{name: row[name] for name in _EXPLAINED},
            causes=tuple(cause.subject for cause in causes if row["name"] in cause.indicators)
            if row["cause"] == "score"
            else ("methodology",),
        )
        for row in rows.iter_rows(named=True)
    ]


def _changes(before: Numbers, after: Numbers, causes: Sequence[Cause]) -> list[Change]:
    earlier, later = before.figures(), after.figures()
    changes = [
        Change(*place, earlier.get(place), later.get(place), ())
        for place in sorted(earlier.keys() | later.keys(), key=_in_order)
        if earlier.get(place) != later.get(place)
    ]
    dimension_of = {
        row["indicator"]: row["dimension"]
        for numbers in (before, after)
        for row in numbers.tables["indicators"].iter_rows(named=True)
    }
    changed = {change.name for change in changes if change.level == "indicators"}
    return [replace(change, causes=_behind(change, causes, changed, dimension_of)) for change in changes]


def _behind(
    change: Change, causes: Sequence[Cause], changed: set[str], dimension_of: dict[str, str | None]
) -> tuple[str, ...]:
    if change.level == "indicators":
        return tuple(cause.subject for cause in causes if change.name in cause.indicators)
    below = (name for name in sorted(changed) if dimension_of[name] is not None)
    if change.level == "dimensions":
        return tuple(name for name in below if dimension_of[name] == change.name)
    return tuple(below)


def _in_order(place: tuple[str, str, str]) -> tuple[int, str, str]:
    return ("composites", "dimensions", "indicators").index(place[0]), place[1], place[2]


def as_published_on(workspace: Workspace, moment: datetime, site_id: str, period: str) -> dict[str, Any]:
    """The revision that was in force at a moment (UTC).

    Raises:
        NotThere: nothing was published by then.
    """
    with reading(workspace) as lake:
        row = latest_publication(lake, site_id, period, moment)
    if row is None:
        raise NotThere(f"Nothing of {site_id} {period} was published by {moment:%Y-%m-%d}. See: suanheng publications")
    return row
