"""Charts as inline SVG: Altair describes them once, vl-convert draws them for many frames, without a network.

Colours are CSS variables, so that a chart follows its page into the dark; charts hold digits only, so that one drawing
serves every language (words stand beside it in HTML, and measuring Chinese text is most of what a drawing costs).
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from math import ceil
from typing import Any

import altair as alt
import polars as pl
import vl_convert as vlc
from markupsafe import Markup

Drawing = dict[str, Any]

_ROOT = re.compile(r'<svg [^>]*viewBox="([^"]+)"[^>]*>')
_SCORES = alt.Scale(domain=[0, 100], nice=False)
_TICK_FORMATS = {"month": "%Y-%m", "quarter": "%Y Q%q", "year": "%Y"}
_TREND_SIZES = {"wide": (560, 190, 5, 11), "small": (200, 96, 2, 12)}
"""Width and height in pixels, most ticks on the time axis, size of the letters."""


@lru_cache(maxsize=4096)
def interval_bar(low: float | None, high: float | None, score: float | None) -> Markup:
    """Draw one bar on the scale of 0 to 100: solid up to ``low``, hollow and dashed to ``high``, a tick at ``score``.

    Unknown bounds leave the bar empty. The drawing stretches to the width of its place.
    """
    rows = [{"zero": 0, "low": low, "high": high, "score": score}]
    return _svg(_with_rows(_interval_bar(), rows), stretched=True)


@lru_cache(maxsize=4096)
def quantity_bar(value: float | None, full: float | None) -> Markup:
    """Draw one bar of ``value`` on a scale from 0 to ``full``, both in the same unit."""
    drawing = _with_rows(_quantity_bar(), [{"zero": 0, "value": value}])
    return _svg(_with_signal(drawing, "full", full or 1), stretched=True)


def trend(history: pl.DataFrame, period_kind: str, size: str = "wide") -> Markup:
    """Draw scores over time: a band from ``score_low`` to ``score_high``, a line of ``score``, broken where unknown.

    Args:
        history: one row per period: period_start, score, score_low, score_high (0 to 100).
        period_kind: month, quarter or year; decides how the time axis is labelled.
        size: ``wide`` for a figure of its own, ``small`` for one of several side by side.
    """
    rows = history.select(pl.col("period_start").dt.epoch("ms"), "score", "score_low", "score_high").rows(named=True)
    starts = [row["period_start"] for row in rows]
    drawing = _with_rows(_trend(period_kind, size), rows)
    return _svg(_with_signal(drawing, "ticks", _spread(starts, _TREND_SIZES[size][2])))


def _spread(values: Sequence[int], most: int) -> list[int]:
    """Pick at most ``most`` values, evenly, the last one always."""
    if len(values) <= most:
        return list(values)
    step = ceil((len(values) - 1) / (most - 1))
    return sorted(values[::-1][::step])


@cache
def _interval_bar() -> Drawing:
    grid = alt.Axis(values=[0, 25, 50, 75, 100], labels=False, ticks=False, domain=False, gridColor="var(--line)")
    bars = alt.Chart(alt.NamedData("rows"))
    known = bars.mark_bar(height=12, color="var(--bar)").encode(
        x=alt.X("zero:Q", scale=_SCORES, axis=grid, title=None), x2="low:Q"
    )
    possible = (
        bars.transform_filter("datum.high > datum.low")
        .mark_bar(height=12, color="var(--maybe)", stroke="var(--bar)", strokeDash=[3, 2], strokeWidth=1)
        .encode(x="low:Q", x2="high:Q")
    )
    at_score = bars.mark_rule(strokeWidth=3, color="var(--ink)").encode(x="score:Q")
    return _compiled(alt.layer(known, possible, at_score).properties(width=400, height=28, padding=0))


@cache
def _quantity_bar() -> Drawing:
    full = alt.param(name="full", value=1)
    bar = (
        alt.Chart(alt.NamedData("rows"))
        .mark_bar(height=12, color="var(--bar)")
        .encode(
            x=alt.X("zero:Q", scale=alt.Scale(domain=[0, alt.ExprRef("full")], nice=False), axis=None), x2="value:Q"
        )
    )
    return _compiled(bar.add_params(full).properties(width=400, height=16, padding=0))


@cache
def _trend(period_kind: str, size: str) -> Drawing:
    width, height, _, letters = _TREND_SIZES[size]
    ticks = alt.param(name="ticks", value=[])
    time_axis = alt.Axis(
        values=alt.ExprRef("ticks"),
        format=_TICK_FORMATS[period_kind],
        grid=False,
        labelFontSize=letters,
        labelColor="var(--muted)",
        domainColor="var(--line)",
        tickColor="var(--line)",
    )
    score_axis = alt.Axis(
        values=[0, 50, 100],
        labelFontSize=letters,
        labelColor="var(--muted)",
        gridColor="var(--line)",
        labelPadding=6,
        domain=False,
        ticks=False,
    )
    at = alt.X("period_start:T", scale=alt.Scale(type="utc"), axis=time_axis, title=None)
    periods = alt.Chart(alt.NamedData("rows")).encode(x=at)
    band = periods.mark_area(color="var(--maybe)", stroke="var(--bar)", strokeDash=[3, 2], strokeWidth=0.8).encode(
        y=alt.Y("score_low:Q", scale=_SCORES, axis=score_axis, title=None), y2="score_high:Q"
    )
    scores = periods.mark_line(
        color="var(--bar)",
        strokeWidth=2,
        point=alt.OverlayMarkDef(size=36, color="var(--bar)"),
        invalid="break-paths-show-domains",
    ).encode(y="score:Q")
    return _compiled(alt.layer(band, scores).add_params(ticks).properties(width=width, height=height, padding=4))


def _compiled(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> Drawing:
    """Translate a chart to Vega once; only its rows and signals are exchanged afterwards."""
    chart = chart.configure(font="sans-serif", aria=False, background="transparent").configure_view(stroke=None)
    return vlc.vegalite_to_vega({**chart.to_dict(), "datasets": {"rows": []}})


def _with_rows(drawing: Drawing, rows: list[dict[str, Any]]) -> Drawing:
    return {
        **drawing,
        "data": [{**data, "values": rows} if data["name"] == "rows" else data for data in drawing["data"]],
    }


def _with_signal(drawing: Drawing, name: str, value: object) -> Drawing:
    signals = [{**signal, "value": value} if signal["name"] == name else signal for signal in drawing["signals"]]
    return {**drawing, "signals": signals}


def _svg(drawing: Drawing, stretched: bool = False) -> Markup:
    """Draw as SVG for the inside of a page, which gives it size, name and fonts."""
    shape = ' preserveAspectRatio="none"' if stretched else ""
    return Markup(_ROOT.sub(rf'<svg viewBox="\1"{shape} aria-hidden="true">', vlc.vega_to_svg(drawing)))
