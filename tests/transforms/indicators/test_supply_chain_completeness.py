"""Value of parts with a secured supply."""

from datetime import date

import pytest

RECIPE = "indicators/sustainability/supply_chain_completeness.sql"
SECURED = {"qualified_suppliers": 2, "stock_units": 30.0, "daily_use_units": 1.0, "lead_time_days": 30.0}


def may(warehouse, *parts):
    """The facts of May, over parts of 100 CNY."""
    for number, part in enumerate(parts):
        warehouse.stage(
            "bom_parts",
            {
                "asset_sku": "server",
                "part_id": str(number),
                "observed_on": date(2023, 5, 10),
                "component_class": "memory",
                "quantity": 2.0,
                "unit_value": 50.0,
                "currency": "CNY",
                **part,
            },
        )
    warehouse.build("rollups/supply_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}[date(2023, 5, 1)]


def test_value_of_secured_parts_over_all_classes(warehouse) -> None:
    row = may(
        warehouse,
        SECURED,  # 100
        {**SECURED, "component_class": "accelerator", "unit_value": 250.0},  # 500
        {**SECURED, "lead_time_days": 31.0},  # 100, the stock ends a day early
        {**SECURED, "qualified_suppliers": 1, "unit_value": 150.0},  # 300, one supplier
        {},  # unknown
    )
    assert (float(row["numerator"]), float(row["denominator"])) == (600, 1000)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (4, 5, None)
    assert row["reference_rows"] == ["parameters/snapshot_max_age_days", "parameters/declared_currency"]


@pytest.mark.parametrize(("part", "gap"), [({}, "no inventory"), ({**SECURED, "currency": "USD"}, "no price")])
def test_reasons_for_no_value(warehouse, part, gap) -> None:
    row = may(warehouse, part)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, gap)
    assert (float(row["observed"]), float(row["expected"])) == (0, 1)


def test_coverage_falls_by_servers_without_a_bill_and_by_assets_of_unknown_parts(warehouse) -> None:
    # 40 of 100 servers have a bill; of its two parts one is known: 0.4 × 1/2 of the evidence.
    for sku, quantity in (("server", 40), ("other", 60)):
        asset = {"asset_id": sku, "asset_class": "server", "sku": sku, "quantity": quantity}
        warehouse.stage("hardware_assets", {**asset, "in_service_from": date(2022, 1, 1)})
    row = may(warehouse, SECURED, {})
    assert (float(row["numerator"]), float(row["denominator"])) == (4000, 4000)
    assert float(row["observed"]) / float(row["expected"]) == pytest.approx(0.2)
