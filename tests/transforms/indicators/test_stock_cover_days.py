"""Days for which the stock lasts."""

from datetime import date

import pytest

RECIPE = "indicators/supplementary/stock_cover_days.sql"


def may(warehouse, *parts):
    """The facts of May, over parts given as pieces in stock, used per day, and price in CNY."""
    for number, (stock_units, daily_use_units, unit_value) in enumerate(parts):
        warehouse.stage(
            "bom_parts",
            {
                "asset_sku": "server",
                "part_id": str(number),
                "observed_on": date(2023, 5, 10),
                "component_class": "memory" if number % 2 else "optics",
                "quantity": 1.0,
                "unit_value": unit_value,
                "currency": "CNY",
                "stock_units": stock_units,
                "daily_use_units": daily_use_units,
            },
        )
    warehouse.build("rollups/supply_month.sql")
    return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}[date(2023, 5, 1)]


def test_pieces_of_different_parts_are_added_by_their_value(warehouse) -> None:
    row = may(warehouse, (10.0, 1.0, 100.0), (60.0, 2.0, 50.0), (7.0, None, 1.0))
    # (10 × 100 + 60 × 50) CNY ÷ (1 × 100 + 2 × 50) CNY a day = 20 days.
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(20)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (2, 3, None)


def test_a_stock_nobody_draws_on_has_no_cover(warehouse) -> None:
    row = may(warehouse, (10.0, 0.0, 100.0))
    assert (float(row["numerator"]), float(row["denominator"]), row["gap"]) == (0, 0, None)


@pytest.mark.parametrize(("part", "gap"), [((10.0, None, 100.0), "no inventory"), ((10.0, 1.0, None), "no price")])
def test_reasons_for_no_value(warehouse, part, gap) -> None:
    row = may(warehouse, part)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, gap)
