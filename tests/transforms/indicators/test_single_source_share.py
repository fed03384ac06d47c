"""Value of parts that one supplier at most can deliver."""

from datetime import date

RECIPE = "indicators/supplementary/single_source_share.sql"


def may(warehouse, *parts):
    """The facts of May, over parts given as qualified suppliers and value in CNY."""
    for number, (qualified_suppliers, value) in enumerate(parts):
        warehouse.stage(
            "bom_parts",
            {
                "asset_sku": "server",
                "part_id": str(number),
                "observed_on": date(2023, 5, 10),
                "component_class": "memory" if number % 2 else "optics",
                "qualified_suppliers": qualified_suppliers,
                "quantity": 1.0,
                "unit_value": value,
                "currency": "CNY",
            },
        )
    warehouse.build("rollups/supply_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}[date(2023, 5, 1)]


def test_value_with_one_supplier_over_value_with_a_known_number(warehouse) -> None:
    row = may(warehouse, (1, 100.0), (0, 50.0), (2, 250.0), (None, 900.0))
    assert (float(row["numerator"]), float(row["denominator"])) == (150, 400)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (3, 4, None)


def test_nothing_from_a_single_source_is_zero(warehouse) -> None:
    row = may(warehouse, (2, 100.0), (None, 1.0))
    assert (float(row["numerator"]), float(row["denominator"])) == (0, 100)


def test_reasons_for_no_value(warehouse) -> None:
    row = may(warehouse, (None, 100.0))
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no inventory")
