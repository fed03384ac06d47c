"""The centres of one period side by side."""

from collections.abc import Callable, Sequence

from suanheng.flows.reports.pages import render
from suanheng.flows.reports.read import Row, ScorecardView
from suanheng.flows.reports.texts import LANGUAGES, texts


def page(views: Sequence[ScorecardView], period: str, language: str) -> str:
    """Return the comparison as HTML in one language; ``views`` are the scorecards of the period, one per site."""
    words = texts(language)
    composites = [view.composite for view in views]
    return render(
        "comparison",
        words,
        others=[texts(other) for other in LANGUAGES if other != language],
        views=views,
        period=period,
        period_name=words.period(composites[0]["period_kind"], composites[0]["period_start"]) if composites else period,
        is_simulated=any(composite["is_simulated"] for composite in composites),
        simulated_sites=[
            words.name(view.site, otherwise=view.site["site_id"]) for view in views if view.composite["is_simulated"]
        ],
        is_mixed=len({composite["methodology_hash"] for composite in composites}) > 1,
        methodologies=sorted({f"{each['methodology']} ({each['methodology_hash']})" for each in composites}),
        dimensions=_side_by_side(views, "dimension", lambda view: view.dimensions),
        indicators=_side_by_side(views, "indicator", lambda view: view.indicators),
        supplementary=_side_by_side(views, "indicator", lambda view: view.supplementary),
    )


def _side_by_side(views: Sequence[ScorecardView], key: str, rows_of: Callable[[ScorecardView], list[Row]]) -> list[Row]:
    """Return one row per key in order of appearance, with ``cells``: each site's row, or None where it has none."""
    by_site = [{row[key]: row for row in rows_of(view)} for view in views]
    first_seen = {name: row for rows in reversed(by_site) for name, row in reversed(rows.items())}
    order = list(dict.fromkeys(name for rows in by_site for name in rows))
    return [{**first_seen[name], "cells": [rows.get(name) for rows in by_site]} for name in order]
