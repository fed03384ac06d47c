"""Numbers as people read them. Expected texts are written by hand."""

from decimal import Decimal

import pytest

from suanheng.flows.reports.figures import interval, number, score, share


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0"),
        (1.2614, "1.261"),
        (0.38791, "0.3879"),
        (15230411.25, "15,230,411"),
        (Decimal("88000000.000000000"), "88,000,000"),
        (-0.000031, "-3.10 × 10⁻⁵"),
        ("4A", "4A"),
    ],
)
def test_number(value: float | None, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (0.0, "0.0"), (61.26, "61.3"), (62.97, "63.0"), (59.96, "59.96"), (59.9999, "59.99"), (60.0, "60.0")],
)
def test_no_score_is_rounded_up_to_where_a_grade_begins(value: float | None, written: str) -> None:
    assert score(value) == written


def test_an_interval_has_whole_ends_of_the_scale() -> None:
    assert interval(0.0, 100.0) == "0–100"
    assert interval(44.33, 81.01) == "44.3–81.0"
    assert interval(None, None) == "–––"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.0004, "< 0.1 %"),
        (-0.0004, "-0.04 %"),
        (0.648, "64.8 %"),
        (0.75, "75 %"),
        (0.9996, "> 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_little_is_not_nothing_and_almost_all_is_not_all(value: float | None, written: str) -> None:
    assert share(value).replace("\N{NO-BREAK SPACE}", " ") == written
