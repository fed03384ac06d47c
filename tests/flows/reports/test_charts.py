"""Charts: SVG for the inside of a page."""

import re
from datetime import date
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from suanheng.flows.reports.charts import interval_bar, quantity_bar, trend

HISTORY = pl.DataFrame(
    {
        "period_start": [date(2023, 1, 1), date(2023, 4, 1), date(2023, 7, 1), date(2023, 10, 1)],
        "score": [50.0, 52.0, None, 60.0],
        "score_low": [50.0, 52.0, 40.0, 60.0],
        "score_high": [50.0, 52.0, 70.0, 60.0],
    }
)


def _marks(svg: str, colour: str) -> list[str]:
    return [
        ET.tostring(mark, encoding="unicode") for mark in ET.fromstring(svg).iter() if colour in mark.attrib.values()
    ]


def test_a_known_score_has_a_solid_bar_and_a_tick() -> None:
    svg = interval_bar(61.0, 61.0, 61.0)
    # The bar is 400 px for 100 points: 61 points end at 244 px.
    assert 'd="M0,8h244v12h-244Z"' in svg
    assert _marks(svg, "var(--ink)")
    assert not _marks(svg, "var(--maybe)")


def test_an_interval_is_hollow_and_has_no_tick() -> None:
    svg = interval_bar(25.0, 75.0, None)
    # 25 to 75 points: from 100 px on, 200 px wide.
    assert 'd="M100,8h200v12h-200Z" fill="var(--maybe)"' in svg
    assert not _marks(svg, "var(--ink)")


def test_a_quantity_bar_ends_at_its_share_of_the_scale() -> None:
    # 75 of 100 kWh on 400 px.
    assert "h300" in quantity_bar(75.0, 100.0)


def test_the_line_of_a_trend_breaks_where_there_is_no_score() -> None:
    lines = [mark for mark in _marks(trend(HISTORY, "quarter"), "var(--bar)") if 'stroke-width="2"' in mark]
    (path,) = re.findall(r' d="([^"]+)"', lines[0])
    assert path.count("M") == 2
    assert trend(HISTORY, "quarter").count('aria-hidden="true"') > 0


@pytest.mark.parametrize(("kind", "label"), [("month", "2023-01"), ("quarter", "2023 Q1"), ("year", "2023")])
def test_the_time_axis_is_labelled_as_text_in_the_words_of_its_kind(kind: str, label: str) -> None:
    labels = [text.text for text in ET.fromstring(trend(HISTORY, kind)).iter("text")]
    assert label in labels


@pytest.mark.parametrize(
    "svg", [interval_bar(1.0, 2.0, None), quantity_bar(1.0, 2.0), trend(HISTORY, "month", "small")]
)
def test_a_chart_asks_for_nothing_from_outside(svg: str) -> None:
    assert "http" not in svg
    assert "href" not in svg
    assert re.search(r'id="', svg) is None  # two charts on one page cannot get in each other's way
