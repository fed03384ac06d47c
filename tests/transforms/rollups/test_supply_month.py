"""Value and safety of supply by component class."""

from datetime import date

import pytest

MAY = date(2023, 5, 1)


def stage_parts(warehouse, *parts) -> None:
    """Parts of one bill of materials; each is one accelerator of 100 CNY unless it says otherwise."""
    for number, part in enumerate(parts):
        warehouse.stage(
            "bom_parts",
            {
                "asset_sku": "server",
                "part_id": f"part-{number}",
                "observed_on": date(2023, 5, 10),
                "component_class": "accelerator",
                "quantity": 1.0,
                "unit_value": 100.0,
                "currency": "CNY",
                **part,
            },
        )


def supply(warehouse, *parts, month: date = MAY):
    """Component classes of the month, by name."""
    stage_parts(warehouse, *parts)
    rows = warehouse.run("rollups/supply_month.sql").rows(named=True)
    return {row["component_class"]: row for row in rows if row["month_start"] == month}


def test_hhi_of_unequal_suppliers(warehouse) -> None:
    # W12: 50² + 30² + 20² = 3800; values 4 × 125 = 500, 300, 200.
    row = supply(
        warehouse,
        {"supplier": "A", "quantity": 4.0, "unit_value": 125.0},
        {"supplier": "B", "unit_value": 300.0},
        {"supplier": "C", "unit_value": 150.0},
        {"supplier": "C", "unit_value": 50.0},
    )["accelerator"]
    assert float(row["value"]) == 1000
    assert float(row["hhi"]) == pytest.approx(3800)


def test_hhi_of_ten_equal_suppliers(warehouse) -> None:
    # W12: 10 × 10² = 1000.
    row = supply(warehouse, *({"supplier": f"S{number}"} for number in range(10)))["accelerator"]
    assert float(row["hhi"]) == pytest.approx(1000)


def test_classes_are_concentrated_each_for_itself(warehouse) -> None:
    rows = supply(
        warehouse,
        {"supplier": "A"},
        {"supplier": "A", "component_class": "memory"},
        {"supplier": "B", "component_class": "memory"},
    )
    assert {name: float(row["hhi"]) for name, row in rows.items()} == {"accelerator": 10_000, "memory": 5_000}


def test_parts_without_a_supplier_have_no_share(warehouse) -> None:
    row = supply(warehouse, {"supplier": "A"}, {"supplier": None})["accelerator"]
    assert float(row["hhi"]) == 10_000
    assert (row["parts"], row["supplier_known_parts"], float(row["supplier_known_value"])) == (2, 1, 100)


@pytest.mark.parametrize(
    ("facts", "secured", "known"),
    [
        ({"qualified_suppliers": 2, "stock_units": 30.0, "daily_use_units": 1.0, "lead_time_days": 30.0}, 100, 1),
        ({"qualified_suppliers": 2, "stock_units": 29.0, "daily_use_units": 1.0, "lead_time_days": 30.0}, 0, 1),
        ({"qualified_suppliers": 1, "stock_units": 99.0, "daily_use_units": 1.0, "lead_time_days": 30.0}, 0, 1),
        ({"qualified_suppliers": 2, "stock_units": 0.0, "daily_use_units": 0.0, "lead_time_days": 30.0}, 100, 1),
        ({"qualified_suppliers": 1}, 0, 1),  # the stock does not matter any more
        ({"stock_units": 1.0, "daily_use_units": 1.0, "lead_time_days": 30.0}, 0, 1),  # nor do the suppliers
        ({"qualified_suppliers": 2}, None, 0),
        ({"stock_units": 30.0, "daily_use_units": 1.0, "lead_time_days": 30.0}, None, 0),
    ],
)
def test_supply_is_secured_by_two_suppliers_and_stock_until_the_next_delivery(warehouse, facts, secured, known) -> None:
    row = supply(warehouse, facts)["accelerator"]
    assert row["security_known_parts"] == known
    assert row["secured_value"] == secured


def test_one_qualified_supplier_is_a_single_source(warehouse) -> None:
    row = supply(warehouse, {"qualified_suppliers": 1}, {"qualified_suppliers": 3, "unit_value": 300.0}, {})[
        "accelerator"
    ]
    assert float(row["single_source_value"]) == 100
    assert (float(row["source_known_value"]), row["source_known_parts"], row["parts"]) == (400, 2, 3)


def test_stock_cover_is_that_of_the_parts_in_use(warehouse) -> None:
    # 10 pieces at 2 a day and 30 at 1 a day, both 100 CNY: 4000 CNY ÷ 300 CNY a day = 13.33 days.
    row = supply(
        warehouse,
        {"stock_units": 10.0, "daily_use_units": 2.0},
        {"stock_units": 30.0, "daily_use_units": 1.0},
        {"stock_units": 1000.0, "daily_use_units": 0.0},
        {"stock_units": 5.0},
    )["accelerator"]
    assert float(row["stock_cover_days"]) == pytest.approx(4000 / 300)
    assert row["stock_known_parts"] == 3


@pytest.mark.parametrize("price", [{"currency": "USD"}, {"currency": None}, {"unit_value": None}])
def test_a_part_without_a_comparable_price_has_no_value(warehouse, price) -> None:
    row = supply(warehouse, {"qualified_suppliers": 1, "supplier": "A", **price})["accelerator"]
    assert (row["value"], row["hhi"], row["source_known_parts"], row["parts"]) == (None, None, 0, 1)


def test_only_the_latest_snapshot_before_the_end_of_the_month_counts(warehouse) -> None:
    rows = supply(
        warehouse,
        {"observed_on": date(2023, 1, 1), "component_class": "memory"},
        {"observed_on": date(2023, 5, 31)},
        {"observed_on": date(2023, 6, 1), "component_class": "optics"},
    )
    assert list(rows) == ["accelerator"]
    assert rows["accelerator"]["observed_on"] == date(2023, 5, 31)


def test_a_snapshot_beyond_the_declared_age_says_nothing(warehouse) -> None:
    # From the last day of a month back: 365 days on 31 May 2023 reach to 31 May 2022.
    stage_parts(warehouse, {"observed_on": date(2022, 5, 31)})
    assert list(supply(warehouse)) == ["accelerator"]
    assert supply(warehouse, month=date(2023, 6, 1)) == {}


def stage_list(warehouse, *parts) -> None:
    """A purchasing list of the end of May; each part costs 100 CNY unless it says otherwise."""
    for part in parts:
        warehouse.stage(
            "part_supplies", {"observed_on": date(2023, 5, 31), "unit_value": 100.0, "currency": "CNY", **part}
        )


IN_STOCK = {"qualified_suppliers": 2, "lead_time_days": 30.0, "stock_units": 60.0, "daily_use_units": 1.0}


def test_a_purchasing_list_completes_a_bill_of_materials_without_prices(warehouse) -> None:
    # A hardware bill in CycloneDX knows pieces and suppliers; 8 pieces at 100 CNY are 800 CNY.
    stage_list(warehouse, {"part_id": "X100", **IN_STOCK})
    bare = {"part_id": "ref-7", "part_name": "X100", "supplier": "A", "quantity": 8.0}
    row = supply(warehouse, {**bare, "unit_value": None, "currency": None})["accelerator"]
    assert (float(row["value"]), float(row["secured_value"])) == (800, 800)
    assert (row["parts"], row["supplier_known_parts"], float(row["hhi"])) == (1, 1, 10_000)
    assert float(row["stock_cover_days"]) == 60


def test_a_newer_list_counts_and_says_nothing_of_what_it_leaves_empty(warehouse) -> None:
    # Price and stock of the newer list; the lead time, which it does not state, of the bill: 60 days of stock < 90.
    stage_list(warehouse, {"part_id": "part-0", **IN_STOCK, "unit_value": 150.0, "lead_time_days": None})
    row = supply(warehouse, {"stock_units": 500.0, "daily_use_units": 1.0, "lead_time_days": 90.0})["accelerator"]
    assert (float(row["value"]), float(row["secured_value"])) == (150, 0)


def test_a_newer_bill_counts_before_an_older_list(warehouse) -> None:
    stage_list(warehouse, {"part_id": "part-0", "observed_on": date(2023, 1, 1), "unit_value": 150.0})
    assert float(supply(warehouse, {})["accelerator"]["value"]) == 100


def test_a_price_keeps_its_currency(warehouse) -> None:
    # The newer price is in dollars, and the older currency must not make it 150 CNY.
    stage_list(warehouse, {"part_id": "part-0", "unit_value": 150.0, "currency": "USD"})
    assert supply(warehouse, {})["accelerator"]["value"] is None


def test_the_identifier_of_a_part_counts_before_its_name(warehouse) -> None:
    stage_list(warehouse, {"part_id": "X100", "unit_value": 1.0}, {"part_id": "part-0", "unit_value": 2.0})
    assert float(supply(warehouse, {"part_name": "X100"})["accelerator"]["value"]) == 2


def test_a_list_beyond_the_declared_age_or_of_a_later_day_says_nothing(warehouse) -> None:
    stage_list(
        warehouse,
        {"part_id": "part-0", "observed_on": date(2022, 5, 30)},
        {"part_id": "part-0", "observed_on": date(2023, 6, 1)},
    )
    row = supply(warehouse, {"unit_value": None, "currency": None})["accelerator"]
    assert (row["parts"], row["value"]) == (1, None)


def test_one_part_in_two_assets_is_priced_in_both(warehouse) -> None:
    stage_assets(warehouse, {"sku": "server A"}, {"sku": "server B"})
    stage_list(warehouse, {"part_id": "X100"})
    both = {"part_id": "X100", "unit_value": None, "currency": None, "quantity": 2.0}
    row = supply(warehouse, {**both, "asset_sku": "server A"}, {**both, "asset_sku": "server B"})["accelerator"]
    assert (row["parts"], float(row["value"])) == (2, 400)


def test_the_weaker_evidence_of_bill_and_list_decides(warehouse) -> None:
    stage_list(warehouse, {"part_id": "part-0", "evidence_class": "declared"})
    assert supply(warehouse, {})["accelerator"]["evidence_rank"] == 3


def stage_assets(warehouse, *assets) -> None:
    """Assets of the site; each is one server in service since 2022 unless it says otherwise."""
    for number, asset in enumerate(assets):
        warehouse.stage(
            "hardware_assets",
            {
                "asset_id": f"asset-{number}",
                "asset_class": "server",
                "quantity": 1,
                "in_service_from": date(2022, 1, 1),
                **asset,
            },
        )


def test_parts_weigh_by_the_assets_they_are_in(warehouse) -> None:
    # 1 000 common servers in two batches and one rare one: 1 000 × 100 and 1 × 100 CNY.
    stage_assets(warehouse, {"sku": "common", "quantity": 400}, {"sku": "Common", "quantity": 600}, {"sku": "rare"})
    row = supply(
        warehouse,
        {"asset_sku": "common", "qualified_suppliers": 1},
        {"asset_sku": "rare", "qualified_suppliers": 3},
    )["accelerator"]
    assert (float(row["value"]), float(row["single_source_value"]), row["parts"]) == (100_100, 100_000, 2)
    assert (row["fleet_parts"], row["source_known_fleet_parts"], row["described_share"]) == (1001, 1001, 1)


def test_assets_that_left_or_have_not_come_hold_no_parts(warehouse) -> None:
    # In service on 31 May: 3 of model A. B left on 20 May, C comes in June.
    stage_assets(
        warehouse,
        {"sku": "A", "quantity": 3},
        {"sku": "A", "quantity": 5, "in_service_to": date(2023, 5, 31)},
        {"sku": "B", "in_service_to": date(2023, 5, 20)},
        {"sku": "C", "in_service_from": date(2023, 6, 1)},
    )
    row = supply(warehouse, *({"asset_sku": sku} for sku in "ABC"))["accelerator"]
    assert (row["parts"], float(row["value"])) == (1, 300)


def test_the_newest_bill_of_each_model_is_the_state_of_the_site(warehouse) -> None:
    # A: 100 of 5 May replaced by 2 × 100 of 12 May; B: 50 of 2 May still holds.
    stage_assets(warehouse, {"sku": "A"}, {"sku": "B"})
    row = supply(
        warehouse,
        {"asset_sku": "A", "observed_on": date(2023, 5, 5)},
        {"asset_sku": "A", "observed_on": date(2023, 5, 12), "quantity": 2.0},
        {"asset_sku": "B", "observed_on": date(2023, 5, 2), "unit_value": 50.0},
    )["accelerator"]
    assert (row["parts"], float(row["value"]), row["observed_on"]) == (2, 250, date(2023, 5, 12))


def test_of_a_model_that_the_inventory_does_not_know_the_value_is_unknown(warehouse) -> None:
    stage_assets(warehouse, {"sku": "A", "quantity": 10})
    row = supply(
        warehouse,
        {"asset_sku": "A", "qualified_suppliers": 2},
        {"asset_sku": "Z", "qualified_suppliers": 2},
    )["accelerator"]
    assert (float(row["value"]), row["source_known_fleet_parts"], row["fleet_parts"]) == (1000, 10, 11)


def test_servers_without_a_bill_are_not_seen(warehouse) -> None:
    # 25 of 100 servers are described; switches are of a class that no bill describes.
    stage_assets(
        warehouse,
        {"sku": "A", "quantity": 25},
        {"sku": "B", "quantity": 75},
        {"sku": "S", "quantity": 900, "asset_class": "network"},
    )
    assert supply(warehouse, {"asset_sku": "A"})["accelerator"]["described_share"] == 0.25
