"""Explanation: contributions to the scores of scorecards and to their changes, as rows.

A composite with a withheld indicator has no score but an interval, so beside the score the two ends of the interval
are explained: at the low end what is withheld counts 0 points, at the high end 100. An indicator that is withheld in
one of two scorecards and scored in the other is then a change like any other. See ``contributions`` for the method.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from suanheng.schemas.tables.scorecards import EXPLANATIONS
from suanheng.transforms.analysis.contributions import Cause, State, contributions, contributions_to_score
from suanheng.transforms.analysis.index import Index
from suanheng.transforms.scoring.methodology import Methodology
from suanheng.transforms.scoring.values import UndefinedScore, Values, as_values

_EXPLAINED = {"contribution": "score", "contribution_low": "score_low", "contribution_high": "score_high"}
"""Columns of contributions, and of the points that they explain."""

_STATED = ("status", "value", "score")


def explain_scores(judged: pl.DataFrame, methodology: Methodology) -> pl.DataFrame:
    """What each indicator adds to the composite, from 0 points.

    Args:
        judged: rows of ``judge``.
        methodology: how they were judged.

    Returns:
        One row per site, period and indicator: site_id, period, name, cause, status, value, score, contribution (null
        unless every indicator is scored), contribution_low, contribution_high. They sum to the composite's score,
        score_low and score_high.
    """
    on = ["site_id", "period"]
    cases = judged.select(on).unique().sort(on)
    index = Index.of(methodology)
    explained = {
        name: contributions_to_score(State.of(index, _points(judged, index, cases, on, points)))
        for name, points in _EXPLAINED.items()
    }
    rows = _rows(cases, explained, _is_complete(judged, cases, on))
    stated = judged.select(*on, *_STATED, name="indicator")
    return rows.join(stated, on=[*on, "name"], how="left", maintain_order="left").select(
        *on, "name", "cause", *_STATED, *_EXPLAINED
    )


def explain_changes(
    before: pl.DataFrame,
    after: pl.DataFrame,
    on: Sequence[str],
    methodology: Methodology,
    methodology_before: Methodology | None = None,
) -> pl.DataFrame:
    """What each indicator has to do with the difference of two composites.

    Args:
        before: rows of ``judge``, one scorecard for each value of ``on``.
        after: rows of ``judge``, likewise. Only scorecards that have a counterpart are compared.
        on: what counterparts have in common: ``site_id`` for two periods, ``period`` for two sites, both for two
            methodologies or revisions.
        methodology: how ``after`` was judged.
        methodology_before: how ``before`` was judged, if otherwise.

    Returns:
        One row per pair of scorecards and cause: the columns ``on``; name (of an indicator, or of a dimension or the
        composite for the other causes); cause (score, weight or aggregation); status, value and score of an indicator,
        each before and after; contribution (null unless every indicator is scored in both), contribution_low,
        contribution_high. They sum to the changes of the composite's score, score_low and score_high.

    Raises:
        UndefinedScore: there are several scorecards of one value of ``on``, or an indicator has another dimension in
            the other methodology.
    """
    for judged in (before, after):
        _require_one_each(judged, on)
    cases = before.select(on).unique().join(after.select(on).unique(), on=on).sort(on)
    indices = Index.of(methodology_before or methodology), Index.of(methodology)
    explained = {}
    for name, points in _EXPLAINED.items():
        states = [
            State.of(index, _points(judged, index, cases, on, points))
            for index, judged in zip(indices, (before, after), strict=True)
        ]
        explained[name] = contributions(*states)
    is_complete = _is_complete(before, cases, on) & _is_complete(after, cases, on)
    rows = _rows(cases, explained, is_complete)
    for suffix, judged in (("before", before), ("after", after)):
        stated = judged.select(*on, name="indicator", **{f"{column}_{suffix}": column for column in _STATED})
        rows = rows.join(stated, on=[*on, "name"], how="left", maintain_order="left")
    stated_of_both = [f"{column}_{suffix}" for column in _STATED for suffix in ("before", "after")]
    return rows.select(*on, "name", "cause", *stated_of_both, *_EXPLAINED)


def explain_periods(judged: pl.DataFrame, before: pl.DataFrame, methodology: Methodology) -> pl.DataFrame:
    """What each indicator adds to the composites of some periods, and to their changes since the periods before them.

    Both are judged with one methodology, so that only points of indicators differ, and each has one cause.

    Args:
        judged: rows of ``judge``.
        before: rows of ``judge`` of the periods before, and ``next_period``: the period of ``judged`` that follows.
        methodology: how they were judged.

    Returns:
        Rows of ``scorecards.explanations``.
    """
    on = ["site_id", "period"]
    earlier = before.rename({"period": "previous_period", "next_period": "period"})
    changes = explain_changes(earlier, judged, on, methodology).select(
        *on, "name", **{name.replace("contribution", "change"): name for name in _EXPLAINED}
    )
    rows = (
        explain_scores(judged, methodology)
        .join(earlier.select(*on, "previous_period").unique(), on=on, how="left", maintain_order="left")
        .join(changes, on=[*on, "name"], how="left", maintain_order="left")
        .rename({"name": "indicator"})
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in EXPLANATIONS.dtypes().items())


def _require_one_each(judged: pl.DataFrame, on: Sequence[str]) -> None:
    if judged.select(*on, "indicator").is_duplicated().any():
        raise UndefinedScore("several scorecards", f"expected one for each {', '.join(on)}; leave one to compare")


def _points(
    judged: pl.DataFrame, index: Index, cases: pl.DataFrame, on: Sequence[str], column: str
) -> dict[str, Values]:
    """Points by indicator, in the order of the cases; unknown where there is no row."""
    of_cases = judged.pivot(on="indicator", index=on, values=column)
    table = cases.join(of_cases, on=on, how="left", maintain_order="left")
    unknown = pl.repeat(None, len(cases), dtype=pl.Float64, eager=True)
    return {name: as_values(table.get_column(name, default=unknown)) for name in index.names}


def _is_complete(judged: pl.DataFrame, cases: pl.DataFrame, on: Sequence[str]) -> pl.Series:
    complete = judged.group_by(on).agg(is_complete=pl.col("is_scored").all())
    return cases.join(complete, on=on, how="left", maintain_order="left")["is_complete"]


def _rows(cases: pl.DataFrame, explained: Mapping[str, Mapping[Cause, Values]], is_complete: pl.Series) -> pl.DataFrame:
    """One row per case and cause, causes in the order in which they were found."""
    of_each = [
        cases.with_columns(
            case=pl.int_range(pl.len()),
            name=pl.lit(cause.name),
            cause=pl.lit(cause.kind),
            **{name: pl.Series(shares[cause]) for name, shares in explained.items()},
        ).with_columns(contribution=pl.when(is_complete).then("contribution"))
        for cause in explained["contribution"]
    ]
    return pl.concat(of_each).sort("case", maintain_order=True).drop("case")
