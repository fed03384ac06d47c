"""Accelerators in the inventory beside those that telemetry saw, server by server."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

JANUARY = date(2023, 1, 1)
NOON = datetime(2023, 1, 10, 4)
"""12:00 of a day in January at the site, in UTC."""


@pytest.fixture
def inventory(warehouse):
    """Rows of January, by server; the rest is under ''."""

    def answer(month=JANUARY):
        warehouse.build("rollups/device_hour.sql", "rollups/inventory_month.sql")
        rows = warehouse.execute("FROM rollups.inventory_month WHERE month_start = ?", [month])
        return {row["node_id"]: row for row in rows.iter_rows(named=True)}

    return answer


def stage_server(warehouse, node, accelerators, **columns) -> None:
    """A server that the inventory names, and the accelerators in it."""
    common = {"in_service_from": date(2022, 1, 1), **columns}
    warehouse.stage(
        "hardware_assets",
        {
            "asset_id": node,
            "asset_class": "accelerator_server",
            "sku": "AS-8000",
            "quantity": 1,
            "node_id": node,
            **common,
        },
        {
            "asset_id": f"{node} gpus",
            "asset_class": "accelerator",
            "sku": "H100 SXM 80GB",
            "quantity": accelerators,
            "parent_asset_id": node,
            **common,
        },
    )


def stage_samples(warehouse, node, devices, start=NOON, hours=3, **columns) -> None:
    """Hourly samples of devices, half busy."""
    warehouse.stage(
        "accelerator_samples",
        *(
            {
                "node_id": node,
                "device_id": device,
                "instance_id": "",
                "sku": "H100 SXM 80GB",
                "sampled_at_utc": start + timedelta(hours=hour),
                "interval_s": 3600.0,
                "utilisation_ratio": 0.5,
                **columns,
            }
            for device in devices
            for hour in range(hours)
        ),
    )


def uuids(node, count):
    return [f"GPU-{node}-{number}" for number in range(count)]


def test_p02_eight_units_against_seven_uuids_are_a_finding_and_no_zero_enters_the_indicator(
    warehouse, inventory
) -> None:
    stage_server(warehouse, "node-1", 8)
    stage_samples(warehouse, "node-1", uuids("node-1", 7))
    row = inventory()["node-1"]
    assert (row["accelerators_listed"], row["devices_seen"], row["difference"]) == (8, 7, -1)
    assert row["finding"] == "fewer in telemetry"
    warehouse.build("rollups/capacity_month.sql", "rollups/activity_month.sql")
    facts = warehouse.run("indicators/compute_efficiency/resource_utilisation.sql").filter(month_start=JANUARY)
    fact = facts.row(0, named=True)
    # Seven devices were seen for 3 hours, half busy: 10.5 of 21 device-hours, and not of the 24 of eight devices.
    assert (fact["numerator"], fact["denominator"]) == (Decimal("10.5"), Decimal(21))
    assert (fact["observed"], fact["expected"]) == (Decimal(21), Decimal(8 * 744))


def test_what_agrees_says_so(warehouse, inventory) -> None:
    stage_server(warehouse, "node-1", 2)
    stage_samples(warehouse, "node-1", uuids("node-1", 2))
    row = inventory()["node-1"]
    assert (row["finding"], row["difference"], row["device_ids_seen"]) == ("agrees", 0, 2)
    assert (row["installed_device_hours"], row["utilisation_device_hours"]) == (Decimal(2 * 744), Decimal(6))


def test_every_kind_of_difference_is_named(warehouse, inventory) -> None:
    stage_server(warehouse, "more", 1)
    stage_samples(warehouse, "more", uuids("more", 2))
    stage_server(warehouse, "silent", 4)
    stage_samples(warehouse, "stranger", uuids("stranger", 3))
    rows = inventory()
    assert {node: row["finding"] for node, row in rows.items()} == {
        "more": "more in telemetry",
        "silent": "no telemetry",
        "": "not in the inventory",
    }
    # What is missing is unknown: no difference is made up where one side says nothing.
    assert (rows["silent"]["difference"], rows[""]["difference"]) == (None, None)
    assert (rows[""]["accelerators_listed"], rows[""]["devices_seen"]) == (0, 3)


def test_a_server_too_many_does_not_make_up_for_one_too_few(warehouse, inventory) -> None:
    # By hand: 1 device for 3 h of 2 listed, and 3 devices of 2 listed: 3 h, and 9 h where 2 x 744 h are installed.
    stage_server(warehouse, "few", 2, in_service_to=date(2023, 1, 11), in_service_from=date(2023, 1, 10))
    stage_samples(warehouse, "few", uuids("few", 1))
    stage_server(warehouse, "many", 2)
    stage_samples(warehouse, "many", uuids("many", 3))
    rows = inventory()
    assert (rows["few"]["finding"], rows["many"]["finding"]) == ("fewer in telemetry", "more in telemetry")
    assert [rows[node]["matched_device_hours"] for node in ("few", "many")] == [Decimal(3), Decimal(9)]
    warehouse.build("rollups/capacity_month.sql", "rollups/activity_month.sql")
    facts = warehouse.run("indicators/compute_efficiency/resource_utilisation.sql").filter(month_start=JANUARY)
    # Two devices for one day beside two for the month; the excess of one server is no coverage of the other.
    assert facts.select("observed", "expected").rows() == [(Decimal(12), Decimal(2 * 24 + 2 * 744))]


def test_an_inventory_without_servers_is_compared_as_a_whole(warehouse, inventory) -> None:
    warehouse.stage(
        "hardware_assets",
        {
            "asset_id": "batch",
            "asset_class": "accelerator",
            "sku": "H100 SXM 80GB",
            "quantity": 4,
            "in_service_from": date(2022, 1, 1),
        },
    )
    stage_samples(warehouse, "node-1", uuids("node-1", 2))
    stage_samples(warehouse, "node-2", uuids("node-2", 2))
    rows = inventory()
    assert list(rows) == [""]
    assert (rows[""]["accelerators_listed"], rows[""]["devices_seen"], rows[""]["finding"]) == (4, 4, "agrees")


def test_a_replaced_device_is_not_one_too_many(warehouse, inventory) -> None:
    # The second device breaks at 13:30 and another takes its place: three identifiers, three at once in one hour only.
    stage_server(warehouse, "node-1", 2)
    stage_samples(warehouse, "node-1", ["GPU-a"], hours=4)
    stage_samples(warehouse, "node-1", ["GPU-b"], hours=2)
    stage_samples(warehouse, "node-1", ["GPU-c"], start=NOON + timedelta(hours=1, minutes=30), hours=2)
    row = inventory()["node-1"]
    assert (row["device_ids_seen"], row["devices_seen"], row["finding"]) == (3, 2, "agrees")


def test_a_replaced_asset_is_not_one_too_many(warehouse, inventory) -> None:
    stage_server(warehouse, "node-1", 8, in_service_to=date(2023, 1, 11))
    warehouse.stage(
        "hardware_assets",
        {
            "asset_id": "new gpus",
            "asset_class": "accelerator",
            "sku": "H200",
            "quantity": 8,
            "node_id": "node-1",
            "in_service_from": date(2023, 1, 11),
        },
    )
    stage_samples(warehouse, "node-1", uuids("node-1", 8))
    row = inventory()["node-1"]
    assert (row["accelerators_listed"], row["finding"]) == (8, "agrees")


def test_instances_of_one_device_are_one_and_a_series_of_two_devices_is_two(warehouse, inventory) -> None:
    stage_server(warehouse, "split", 1)
    stage_samples(warehouse, "split", ["GPU-s"], instance_id="1")
    stage_samples(warehouse, "split", ["GPU-s"], instance_id="2")
    stage_server(warehouse, "mean", 2)
    stage_samples(warehouse, "mean", ["both"], device_count=2)
    rows = inventory()
    assert [(rows[node]["devices_seen"], rows[node]["finding"]) for node in ("split", "mean")] == [
        (1, "agrees"),
        (2, "agrees"),
    ]


def test_assets_that_hold_each_other_end_somewhere(warehouse, inventory) -> None:
    asset = {"asset_class": "accelerator", "sku": "X", "quantity": 1, "in_service_from": date(2022, 1, 1)}
    warehouse.stage(
        "hardware_assets",
        {"asset_id": "a", "parent_asset_id": "b", **asset},
        {"asset_id": "b", "parent_asset_id": "a", **asset},
    )
    assert inventory()[""]["accelerators_listed"] == 2


def test_devices_whose_telemetry_names_no_server_match_what_is_left_of_all(warehouse, inventory) -> None:
    # Two servers of two are listed. One device is seen on the first, two more without a server: of 3 x 3 hours, the
    # first server matches 3, and the other 6 fit into what is left of both.
    for node in ("node-1", "node-2"):
        stage_server(warehouse, node, 2)
    stage_samples(warehouse, "node-1", uuids("node-1", 1))
    stage_samples(warehouse, None, uuids("somewhere", 2))
    rows = {node: row["matched_device_hours"] for node, row in inventory().items()}
    assert rows == {"node-1": 3, "node-2": 0, "": 6}
