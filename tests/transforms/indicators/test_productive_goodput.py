"""Productive over allocated device-hours of training."""

from datetime import datetime, timedelta

START = datetime(2023, 5, 10, 4)
RECIPE = "indicators/intelligence_efficiency/productive_goodput.sql"


def facts(warehouse, *runs):
    """Rows over two-hour runs of 8 devices."""
    for number, run in enumerate(runs):
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
                "submitted_at_utc": START,
                "started_at_utc": START,
                "ended_at_utc": START + timedelta(hours=2),
                "state": "completed",
                "device_count": 8,
                "workload_class": "training",
                **run,
            },
        )
    warehouse.build("rollups/run_month.sql", "rollups/workload_month.sql")
    return warehouse.run(RECIPE).rows(named=True)


def test_productive_hours_over_the_hours_of_runs_that_state_them(warehouse) -> None:
    (row,) = facts(
        warehouse,
        {"productive_s": 5400.0},  # 12 of 16 device-hours
        {"productive_s": 7200.0, "workload_class": "fine_tuning"},  # 16 of 16
        {},  # unstated
        {"productive_s": 0.0, "workload_class": "inference"},  # another kind of work
    )
    assert (float(row["numerator"]), float(row["denominator"])) == (28, 32)
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (32, 48, None)


def test_time_lost_wholly_is_zero_not_unknown(warehouse) -> None:
    (row,) = facts(warehouse, {"productive_s": 0.0})
    assert (float(row["numerator"]), float(row["denominator"])) == (0, 16)


def test_unstated_productive_time_gives_no_value(warehouse) -> None:
    (row,) = facts(warehouse, {})
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no workload records")
    assert (float(row["observed"]), float(row["expected"])) == (0, 16)


def test_a_month_without_training_has_no_fact(warehouse) -> None:
    assert facts(warehouse, {"workload_class": "inference"}) == []
