"""Compatibility tests as known at the end of a month."""

from datetime import date

import pytest

MAY = date(2023, 5, 1)


def stage_test(warehouse, test_id: str, result: str, tested_on: date = date(2023, 5, 10), **facts) -> None:
    """One result of one required test of weight 1 on one device type."""
    warehouse.stage(
        "compatibility_tests",
        {
            "test_id": test_id,
            "subject_kind": "operator",
            "subject_name": test_id,
            "sku": "H100 SXM 80GB",
            "tested_on": tested_on,
            "result": result,
            "is_required": True,
            "weight": 1.0,
            **facts,
        },
    )


@pytest.fixture
def may(warehouse):
    """The month's row, once the tests are staged."""

    def row():
        rows = warehouse.run("rollups/compatibility_month.sql").rows(named=True)
        return {row["month_start"]: row for row in rows}.get(MAY)

    return row


def test_weights_of_required_tests(warehouse, may) -> None:
    stage_test(warehouse, "matmul", "passed", weight=3.0)
    stage_test(warehouse, "softmax", "failed")
    stage_test(warehouse, "conv", "not_run", weight=2.0)
    stage_test(warehouse, "exotic", "passed", is_required=False, weight=100.0)
    row = may()
    weights = [float(row[name]) for name in ("required_weight", "tested_weight", "passed_weight")]
    assert (row["required_tests"], weights) == (3, [6, 4, 3])


def test_the_latest_result_known_in_the_month_counts(warehouse, may) -> None:
    stage_test(warehouse, "matmul", "passed", date(2023, 4, 1))
    stage_test(warehouse, "matmul", "failed", date(2023, 5, 31))
    stage_test(warehouse, "matmul", "passed", date(2023, 6, 1))
    assert (float(may()["tested_weight"]), float(may()["passed_weight"])) == (1, 0)


def test_each_device_type_is_a_test_of_its_own(warehouse, may) -> None:
    stage_test(warehouse, "matmul", "passed")
    stage_test(warehouse, "matmul", "failed", date(2023, 5, 11), sku="K100 64GB")
    assert (may()["required_tests"], float(may()["passed_weight"])) == (2, 1)


def test_a_result_beyond_the_declared_age_says_nothing(warehouse, may) -> None:
    stage_test(warehouse, "matmul", "passed", date(2022, 5, 30))
    assert may() is None
    stage_test(warehouse, "softmax", "passed", date(2022, 5, 31))
    assert may()["required_tests"] == 1
