"""Passing tests over the tests tenants need."""

from datetime import date

RECIPE = "indicators/sustainability/compatibility.sql"


def may(warehouse, *tests):
    """The facts of May, over tests given as result and weight."""
    for number, (result, weight) in enumerate(tests):
        warehouse.stage(
            "compatibility_tests",
            {
                "test_id": str(number),
                "subject_kind": "operator",
                "subject_name": "operator",
                "sku": "H100 SXM 80GB",
                "tested_on": date(2023, 5, 10),
                "result": result,
                "is_required": True,
                "weight": weight,
            },
        )
    warehouse.build("rollups/compatibility_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}.get(date(2023, 5, 1))


def test_weight_passed_over_weight_tested(warehouse) -> None:
    row = may(warehouse, ("passed", 3.0), ("failed", 1.0), ("not_run", 4.0))
    assert (float(row["numerator"]), float(row["denominator"])) == (3, 4)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (4, 8, None)
    assert row["reference_rows"] == ["parameters/snapshot_max_age_days"]


def test_tests_that_were_not_run_give_no_value(warehouse) -> None:
    row = may(warehouse, ("not_run", 4.0))
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no compatibility tests")
    assert (float(row["observed"]), float(row["expected"])) == (0, 4)


def test_without_tests_there_is_no_fact(warehouse) -> None:
    assert may(warehouse) is None
