"""Capacity: dated hardware, dense peaks, rated power of what encloses them."""

from datetime import date
from decimal import Decimal

import pytest

RECIPE = "rollups/capacity_month.sql"
JANUARY = {"start": date(2023, 1, 1), "end": date(2023, 2, 1)}
HOURS = 744  # January


def asset(asset_id, asset_class="accelerator", **columns):
    return {
        "asset_id": asset_id,
        "asset_class": asset_class,
        "sku": "H100 SXM 80GB",
        "quantity": 1,
        "in_service_from": date(2022, 1, 1),
        **columns,
    }


def january(warehouse):
    return warehouse.run(RECIPE, **JANUARY).row(0, named=True)


def test_a_server_holds_its_accelerators(warehouse):
    # 2 servers of 10 200 W hold 16 H100 of 989 dense BF16 TFLOPS; a switch of 500 W beside them.
    warehouse.stage(
        "hardware_assets",
        asset("servers", "accelerator_server", sku="DGX", quantity=2, rated_power_w=10_200.0),
        asset("gpus", quantity=16, parent_asset_id="servers", rated_power_w=700.0),
        asset("switch", "network", sku="SW", rated_power_w=500.0),
    )
    row = january(warehouse)
    assert row["accelerators"] == 16
    assert row["installed_device_hours"] == row["peak_known_device_hours"] == row["covered_device_hours"] == 16 * HOURS
    assert row["rated_known_device_hours"] == 16 * HOURS
    assert row["peak_pflop_h"] == row["covered_peak_pflop_h"] == Decimal("11773.056")  # 16 x 0.989 x 744
    assert row["rated_it_kwh"] == row["covered_rated_it_kwh"] == Decimal("15549.6")  # (20.4 + 0.5) kW x 744 h
    assert row["reference_rows"] == ["accelerators/H100 SXM 80GB/BF16", "parameters/declared_precision"]


def test_hardware_counts_from_its_first_to_its_last_day(warehouse):
    # In service from 11 January (21 of 31 days) and until 20 January inclusive (20 days): 41 x 24 = 984 h.
    warehouse.stage(
        "hardware_assets",
        asset("new", in_service_from=date(2023, 1, 11)),
        asset("old", in_service_to=date(2023, 1, 21)),
        asset("gone", in_service_to=date(2023, 1, 1)),
        asset("future", in_service_from=date(2023, 2, 1)),
    )
    row = january(warehouse)
    assert row["installed_device_hours"] == Decimal(984)
    assert row["accelerators"] == 1  # at the end of the month


def test_a_peak_under_another_key_is_unknown(warehouse):
    # An unknown SKU has no peak: known is not all installed. Where no sparse mode is published, the peak is the dense
    # one: 353.9 TFLOPS of a 910B.
    ascend = "910B 376T 64GB (ATLAS_800_A2_376T_64G)"
    warehouse.stage("hardware_assets", asset("a"), asset("b", sku="unheard of"), asset("c", sku=ascend))
    row = january(warehouse)
    assert row["installed_device_hours"] == 3 * HOURS
    assert row["peak_known_device_hours"] == 2 * HOURS
    assert float(row["peak_pflop_h"]) == pytest.approx((0.989 + 0.3539) * 744)


def test_hours_in_service_are_those_of_the_clock(warehouse):
    # Berlin, March 2023, 743 hours: the clocks go forward on the 26th. From the 25th to the 27th (exclusive) are 47 h,
    # the first two days of the month 48 h.
    warehouse.add_site("berlin", time_zone="Europe/Berlin")
    warehouse.stage(
        "hardware_assets",
        asset("change", site_id="berlin", in_service_from=date(2023, 3, 25), in_service_to=date(2023, 3, 27)),
        asset("before", site_id="berlin", in_service_to=date(2023, 3, 3)),
    )
    scope = {"site_id": "berlin", "start": date(2023, 3, 1), "end": date(2023, 4, 1)}
    row = warehouse.run(RECIPE, **scope).row(0, named=True)
    assert row["installed_device_hours"] == Decimal(47 + 48)


def test_power_counts_in_the_share_of_known_peaks(warehouse):
    # A server of 8 kW with 4 known and 4 unknown accelerators: 4 kW belong to the known peaks.
    warehouse.stage(
        "hardware_assets",
        asset("server", "accelerator_server", sku="DGX", rated_power_w=8000.0),
        asset("known", quantity=4, parent_asset_id="server"),
        asset("unknown", sku="unheard of", quantity=4, parent_asset_id="server"),
    )
    row = january(warehouse)
    assert row["rated_it_kwh"] == Decimal(8 * HOURS)
    assert row["covered_rated_it_kwh"] == Decimal(4 * HOURS)
    assert row["covered_device_hours"] == Decimal(4 * HOURS)


def test_accelerators_in_a_server_without_rated_power_are_not_covered(warehouse):
    # Their own 700 W are another boundary than the server's: not used.
    warehouse.stage(
        "hardware_assets",
        asset("server", "accelerator_server", sku="DGX"),
        asset("gpus", quantity=8, parent_asset_id="server", rated_power_w=700.0),
    )
    row = january(warehouse)
    assert row["rated_it_kwh"] is None
    assert row["rated_known_device_hours"] == row["covered_device_hours"] == 0


def test_racks_and_cooling_are_no_it_equipment(warehouse):
    # The rack encloses the server but is none of IT; the chain ends at the server. A parent that is not listed is none.
    warehouse.stage(
        "hardware_assets",
        asset("rack", "other", sku="42U", rated_power_w=99_000.0),
        asset("chiller", "cooling", sku="CH", rated_power_w=50_000.0),
        asset("server", "accelerator_server", sku="DGX", parent_asset_id="rack", rated_power_w=1000.0),
        asset("gpu", parent_asset_id="server"),
        asset("stray", "server", sku="1U", parent_asset_id="not listed", rated_power_w=1000.0),
    )
    assert january(warehouse)["rated_it_kwh"] == Decimal(2 * HOURS)


def test_no_hardware_no_row(warehouse):
    assert warehouse.run(RECIPE, **JANUARY).is_empty()
