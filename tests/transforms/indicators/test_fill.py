"""The fill: what becomes of monthly facts in quarters and years, and of their absence."""

from datetime import date

import pytest

from suanheng.schemas.tables.facts import MONTHLY_FACTS, PERIOD_FACTS
from suanheng.schemas.tables.spine import CATALOGUE

INDICATOR = "operational_carbon_intensity"
MONTHS = [date(2023, month, 1) for month in range(1, 13)]


@pytest.fixture
def fill(warehouse):
    """``fill(window, facts)``: rows of one indicator in 2023 by period, from facts by month."""
    for contract in (MONTHLY_FACTS, PERIOD_FACTS):
        warehouse.make_contract("indicators", contract)
    warehouse.make_contract("reference", CATALOGUE)

    def answer(window, facts):
        warehouse.insert(
            "reference.indicators",
            {"indicator": INDICATOR, "unit": "1", "gap": "no bill", "window": window, "name_en": "", "name_zh": ""},
        )
        rows = [{"site_id": "site-a", "indicator": INDICATOR, "month_start": month, **fact} for month, fact in facts]
        warehouse.insert("indicators.monthly_facts", *rows)
        filled = warehouse.run("indicators/all.sql", start=date(2023, 1, 1), end=date(2024, 1, 1))
        return {row["period"]: row for row in filled.iter_rows(named=True)}

    return answer


def known(numerator, observed=30.0):
    return {
        "numerator": numerator,
        "denominator": 10.0,
        "observed": observed,
        "expected": 30.0,
        "evidence_rank": 2,
        "reference_rows": [],
        "gap": None,
    }


GAP = {"observed": 0.0, "expected": 30.0, "evidence_rank": 2, "reference_rows": [], "gap": "no factor"}


def test_a_quarter_is_the_sum_of_its_months(fill):
    # (10 + 20 + 60) / 30, not the mean of 1, 2 and 6; half of June unseen: 75 of 90.
    filled = fill("period", zip(MONTHS[3:6], (known(10.0), known(20.0), known(60.0, observed=15.0)), strict=True))
    assert filled["2023Q2"]["value"] == 3
    assert filled["2023Q2"]["coverage"] == pytest.approx(75 / 90)
    assert (filled["2023Q2"]["status"], filled["2023Q2"]["evidence_class"]) == ("ok", "measured")


def test_a_month_without_a_value_lowers_the_coverage_once(fill):
    filled = fill("period", zip(MONTHS, [GAP, GAP, *[known(20.0)] * 10], strict=True))
    assert filled["2023"]["value"] == 2
    assert filled["2023"]["coverage"] == pytest.approx(10 / 12)
    assert filled["2023Q1"]["coverage"] == pytest.approx(1 / 3)
    assert (filled["2023-01"]["value"], filled["2023-01"]["coverage"]) == (None, 0)
    assert filled["2023-01"]["status"] == "no factor"


def test_a_month_of_which_nothing_is_known_lowers_the_coverage_as_much(fill):
    filled = fill("period", zip(MONTHS[2:], [known(20.0)] * 10, strict=True))
    assert filled["2023"]["coverage"] == pytest.approx(10 / 12)
    assert (filled["2023-01"]["value"], filled["2023-01"]["status"]) == (None, "no bill")


def test_a_trailing_year_looks_back_from_the_end_of_the_period(fill):
    filled = fill("trailing year", zip(MONTHS, map(known, [0.0] * 6 + [20.0] * 6), strict=True))
    assert (filled["2023Q4"]["value"], filled["2023Q4"]["window_start"]) == (1, date(2023, 1, 1))
    assert (filled["2023Q4"]["numerator"], filled["2023Q4"]["window_numerator"]) == (60, 120)
    assert filled["2023Q2"]["value"] == 0
    assert filled["2023Q2"]["coverage"] == pytest.approx(6 / 12)  # 2022 has no facts


def test_a_bounded_numerator_may_exceed_a_month_and_not_the_window(fill):
    # 18 of at most 10, then 4 of at most 10: 22 of 20 at most is 20 in the quarter; January alone is 10.
    months = [known(18.0) | {"numerator_at_most": 10.0}, known(4.0) | {"numerator_at_most": 10.0}]
    filled = fill("period", zip(MONTHS, months, strict=False))
    assert (filled["2023-01"]["value"], filled["2023-02"]["value"], filled["2023Q1"]["value"]) == (1, 0.4, 1)


def test_a_numerator_below_its_bound_makes_up_for_another_month_down_to_it(fill):
    # -6 and 8 of 10 each, and 1 of each month in any case: 2 of 20 in the quarter, 1 in January, 8 in February.
    months = [known(-6.0) | {"numerator_at_least": 1.0}, known(8.0) | {"numerator_at_least": 1.0}]
    filled = fill("period", zip(MONTHS, months, strict=False))
    assert (filled["2023-01"]["value"], filled["2023-02"]["value"], filled["2023Q1"]["value"]) == (0.1, 0.8, 0.1)


def test_a_bound_alone_is_no_value(fill):
    filled = fill("period", [(MONTHS[0], {**GAP, "numerator_at_least": 1.0})])
    assert (filled["2023-01"]["value"], filled["2023-01"]["status"]) == (None, "no factor")
