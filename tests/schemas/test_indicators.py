from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pandera.errors import SchemaErrors

from suanheng.schemas.tables.indicators import INDICATORS

GOOD = {
    "site_id": "a",
    "period": "2023Q2",
    "period_kind": "quarter",
    "period_start": date(2023, 4, 1),
    "period_end": date(2023, 7, 1),
    "indicator": "pue",
    "numerator": Decimal(26),
    "denominator": Decimal(20),
    "window_start": date(2022, 7, 1),
    "window_end": date(2023, 7, 1),
    "window_numerator": Decimal(130),
    "window_denominator": Decimal(100),
    "value": 1.3,
    "unit": "1",
    "coverage": 0.9,
    "evidence_class": "metered",
    "status": "ok",
    "months_with_facts": 12,
    "reference_rows": ["grid_emission_factors/CN/2023/average"],
}
ABSENT = {"value": None, "evidence_class": None, "status": "no bill", "window_numerator": None, "months_with_facts": 0}


def broken_rules(**changes: Any) -> list[str]:
    rows = pl.DataFrame([{**GOOD, **changes}], schema=INDICATORS.dtypes())
    try:
        INDICATORS.schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return errors.failure_cases["check"].to_list()
    return []


@pytest.mark.parametrize(
    "changes", [{}, ABSENT, {"status": "too early"}, {"value": 7.0, "months_with_facts": 0}, {"period": "2023-04"}]
)
def test_rows_that_may_be(changes: dict[str, Any]):
    assert broken_rules(**changes) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": None, "evidence_class": None}, "status is ok, but there is no value: missing is not zero"),
        ({"value": 1.31}, "the value is not its window numerator divided by its window denominator"),
        ({"evidence_class": None}, "a value needs a kind of evidence and a coverage"),
        ({"status": "unknown"}, "isin"),
        ({"period": "2023Q5"}, "str_matches"),
        ({"coverage": 1.2}, "less_than_or_equal_to"),
        ({"period_end": date(2023, 4, 1)}, "the period ends before it starts"),
    ],
)
def test_rows_that_may_not_be(changes: dict[str, Any], message: str):
    (broken,) = broken_rules(**changes)

    assert broken.startswith(message)
