"""Demand that starts in time."""

from datetime import datetime, timedelta

START = datetime(2023, 5, 10, 4)
RECIPE = "indicators/accessibility/demand_fulfilment.sql"


def fact(warehouse, *runs):
    """The only month, over one-hour runs of 8 devices that wait as long as they say."""
    for number, (wait_s, run) in enumerate(runs):
        started = None if wait_s is None else START + timedelta(seconds=wait_s)
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
                "submitted_at_utc": START,
                "started_at_utc": started,
                "ended_at_utc": started and started + timedelta(hours=1),
                "state": "completed",
                "device_count": 8,
                **run,
            },
        )
    warehouse.build("rollups/run_month.sql", "rollups/workload_month.sql")
    (row,) = warehouse.run(RECIPE).rows(named=True)
    return row


def test_device_hours_started_in_time_over_those_requested(warehouse) -> None:
    asked = {"state": "cancelled", "device_count": None, "requested_device_count": 16, "requested_s": 3600.0}
    row = fact(warehouse, (60, {}), (7200, {}), (None, {**asked, "ended_at_utc": START + timedelta(hours=2)}))
    # 8 in time; 8 too late; 16 withdrawn after two hours without a start: 8 ÷ 32.
    assert (float(row["numerator"]), float(row["denominator"])) == (8, 32)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (3, 3, None)
    assert row["reference_rows"] == ["parameters/waiting_time_target_s"]


def test_demand_of_unknown_size_lowers_the_coverage(warehouse) -> None:
    row = fact(warehouse, (60, {}), (None, {"device_count": None}))
    assert (float(row["numerator"]), float(row["denominator"])) == (8, 8)
    assert (float(row["observed"]), float(row["expected"])) == (1, 2)


def test_demand_of_wholly_unknown_size_gives_no_value(warehouse) -> None:
    row = fact(warehouse, (60, {"device_count": None}))
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no workload records")


def test_without_a_target_nothing_is_known(warehouse) -> None:
    warehouse.connection.execute("DELETE FROM reference.parameters WHERE name = 'waiting_time_target_s'")
    row = fact(warehouse, (60, {}))
    assert (row["numerator"], row["denominator"], row["reference_rows"]) == (None, None, [])
