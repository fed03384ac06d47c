"""What if another methodology were used: its scores beside the current ones, and a bridge between the two."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.analysis.score_changes import explain_changes
from suanheng.transforms.scoring.aggregate import Aggregation
from suanheng.transforms.scoring.judge import judge
from suanheng.transforms.scoring.methodology import Methodology, ScoredIndicator
from suanheng.transforms.scoring.scorecard import score
from suanheng.warehouse.lake import Lake

CAUSES = ("weight", "aggregation", "goalposts", "coverage limit", "indicator came", "indicator went")
"""What of a methodology moves a score; where both goalposts and the coverage limit do, they are named together."""

_FIGURES = ("score", "score_low", "score_high", "grade", "indicators_scored", "indicators_total")


@dataclass(frozen=True)
class Step:
    """What one difference between the methodologies does to the composite.

    Attributes:
        name: indicator, dimension or ``composite``.
        cause: one or several of ``CAUSES``.
        before: what the current methodology says; ``None`` where it does not have the name.
        after: what the other says.
        score_before: points of the indicator now; ``None`` for a dimension, and where it is withheld.
        score_after: points by the other methodology.
        contribution: part of the change of the score; ``None`` unless both composites have one.
        contribution_low: part of the change of the lower end of the score's interval.
        contribution_high: part of the change of the upper end.
    """

    name: str
    cause: str
    before: str | None
    after: str | None
    score_before: float | None
    score_after: float | None
    contribution: float | None
    contribution_low: float
    contribution_high: float


@dataclass(frozen=True)
class WhatIf:
    """A scorecard by two methodologies.

    Attributes:
        site_id: site.
        period: period.
        before: score, interval and grade by the current methodology.
        after: the same by the other.
        bridge: what leads from one to the other; contributions add up to the difference of score and interval.
    """

    site_id: str
    period: str
    before: dict[str, Any]
    after: dict[str, Any]
    bridge: list[Step]


def what_if(
    lake: Lake, current: Methodology, other: Methodology, site_id: str | None = None, period: str | None = None
) -> list[WhatIf]:
    """Score the indicators as known now by two methodologies. Nothing is written.

    Args:
        lake: the warehouse.
        current: the methodology in use.
        other: the one to set beside it.
        site_id: only this site.
        period: only this period.

    Returns:
        One for each site and period, in the order of time.

    Raises:
        NotThere: there are no indicators of the site and period.
        MethodologyMismatch: a methodology does not fit the indicators.
        UndefinedScore: an indicator has another dimension in the other methodology.
    """
    indicators = lake.frame(
        'SELECT * FROM indicators."all" WHERE site_id = coalesce(?, site_id) AND period = coalesce(?, period)',
        [site_id, period],
    )
    if indicators.is_empty():
        asked = " ".join(each for each in (site_id, period) if each) or "any site"
        raise NotThere(f"There are no indicators of {asked}. See which there are: suanheng status")
    catalogue = lake.frame("SELECT * FROM reference.indicators")
    cards = [score(indicators, methodology, catalogue).composites for methodology in (current, other)]
    on = ["site_id", "period"]
    changes = explain_changes(judge(indicators, current), judge(indicators, other), on, other, current)
    bridges = {key: list(_steps(rows, current, other)) for key, rows in changes.group_by(on, maintain_order=True)}
    return [
        WhatIf(
            before["site_id"],
            before["period"],
            {name: before[name] for name in _FIGURES},
            {name: after[name] for name in _FIGURES},
            bridges[before["site_id"], before["period"]],
        )
        for before, after in zip(*(frame.iter_rows(named=True) for frame in cards), strict=True)
    ]


def _steps(changes: pl.DataFrame, current: Methodology, other: Methodology) -> Iterator[Step]:
    """The differences that there are between the methodologies; what is the same in both contributes nothing."""
    for row in changes.iter_rows(named=True):
        rules = _rules(current, row), _rules(other, row)
        if rules[0] == rules[1]:
            continue
        yield Step(
            name=row["name"],
            cause=_cause(row, *rules),
            before=_in_words(rules[0]),
            after=_in_words(rules[1]),
            **{name: row[name] for name in Step.__dataclass_fields__ if name.startswith(("score_", "contribution"))},
        )


def _rules(methodology: Methodology, row: dict[str, Any]) -> dict[str, Any]:
    """What a methodology says of the thing a row is about; empty where it does not have it."""
    indicators = {each.indicator: each for each in methodology.indicators}
    if row["cause"] == "score":
        return _judging(indicators[row["name"]]) if row["name"] in indicators else {}
    if row["cause"] == "aggregation":
        is_top = row["name"] == "composite"
        return {"aggregation": methodology.of_dimensions if is_top else methodology.of_indicators}
    weights = {each.indicator: each.weight for each in methodology.indicators}
    weights |= {each.dimension: each.weight for each in methodology.dimensions}
    return {"weight": weights[row["name"]]} if row["name"] in weights else {}


def _judging(indicator: ScoredIndicator) -> dict[str, Any]:
    return {
        "goalposts": (indicator.at_0.value, indicator.at_100.value),
        "coverage limit": indicator.minimum_coverage,
    }


def _cause(row: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> str:
    if row["cause"] != "score":
        return str(row["cause"])
    if not before or not after:
        return "indicator went" if before else "indicator came"
    return " and ".join(name for name in before if before[name] != after[name])


def _in_words(rules: dict[str, Any]) -> str | None:
    return ", ".join(f"{name} {_shown(stated)}" for name, stated in rules.items()) or None


def _shown(stated: Any) -> str:
    if isinstance(stated, Aggregation):
        exponent = "" if stated.exponent is None else f", exponent {stated.exponent:g}"
        return f"{stated.method}, lowest {stated.lowest:g}{exponent}"
    if isinstance(stated, tuple):
        return " to ".join(f"{value:g}" for value in stated)
    return f"{stated:g}"
