"""Concentration of suppliers, over component classes."""

from datetime import date

import pytest

RECIPE = "indicators/supplementary/supplier_concentration_hhi.sql"


def may(warehouse, *parts):
    """The facts of May, over parts given as component class, supplier and value in CNY."""
    for number, (component_class, supplier, value) in enumerate(parts):
        warehouse.stage(
            "bom_parts",
            {
                "asset_sku": "server",
                "part_id": f"{component_class} {number}",
                "observed_on": date(2023, 5, 10),
                "component_class": component_class,
                "supplier": supplier,
                "quantity": 1.0,
                "unit_value": value,
                "currency": "CNY",
            },
        )
    warehouse.build("rollups/supply_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}[date(2023, 5, 1)]


def test_classes_weigh_by_their_value(warehouse) -> None:
    row = may(
        warehouse,
        ("accelerator", "A", 500.0),
        ("accelerator", "B", 300.0),
        ("accelerator", "C", 200.0),
        ("optics", "D", 3000.0),
    )
    # W12: 50² + 30² + 20² = 3800 on 1000 CNY, one supplier 10 000 on 3000 CNY: (3.8 + 30) million ÷ 4000 = 8450.
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(8450)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (4, 4, None)


def test_ten_equal_suppliers(warehouse) -> None:
    # W12: 10 × 10² = 1000.
    row = may(warehouse, *(("memory", f"S{number}", 10.0) for number in range(10)))
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(1000)


def test_a_class_without_known_suppliers_lowers_the_coverage(warehouse) -> None:
    row = may(warehouse, ("memory", "A", 100.0), ("optics", None, 900.0))
    assert (float(row["numerator"]), float(row["denominator"])) == (1_000_000, 100)
    assert (float(row["observed"]), float(row["expected"])) == (1, 2)


def test_reasons_for_no_value(warehouse) -> None:
    assert may(warehouse, ("memory", "A", None))["gap"] == "no price"
    assert may(warehouse, ("optics", None, 900.0))["gap"] == "no inventory"
