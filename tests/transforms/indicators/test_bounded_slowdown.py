"""Factor by which waiting lengthens a run."""

from datetime import datetime, timedelta

import pytest

RECIPE = "indicators/supplementary/bounded_slowdown.sql"
NOON = datetime(2023, 5, 10, 4)


def fact(warehouse, *runs):
    """The only month, over runs given as seconds waited and run."""
    for number, (wait_s, run_s) in enumerate(runs):
        started = NOON + timedelta(seconds=wait_s)
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
                "submitted_at_utc": NOON,
                "started_at_utc": started,
                "ended_at_utc": None if run_s is None else started + timedelta(seconds=run_s),
                "state": "completed",
                "device_count": 8,
            },
        )
    warehouse.build("rollups/run_month.sql", "rollups/workload_month.sql")
    (row,) = warehouse.run(RECIPE).rows(named=True)
    return row


@pytest.mark.parametrize(
    ("wait_s", "run_s", "slowdown"),
    [
        (100, 1, 10.1),  # W16: 101 ÷ 10
        (0, 1, 1),  # W16: 1 ÷ 10 is below the bound
        (100, 100, 2),  # long enough for the floor not to matter
        (30, 0, 3),  # a run without length: 30 ÷ 10
    ],
)
def test_one_run(warehouse, wait_s, run_s, slowdown) -> None:
    row = fact(warehouse, (wait_s, run_s))
    assert float(row["numerator"] / row["denominator"]) == pytest.approx(slowdown)
    assert row["reference_rows"] == ["parameters/bounded_slowdown_floor_s"]


def test_the_mean_is_over_runs_with_an_end(warehouse) -> None:
    row = fact(warehouse, (100, 1), (0, 1), (50, None))
    # (10.1 + 1) ÷ 2
    assert (float(row["numerator"]), float(row["denominator"])) == pytest.approx((11.1, 2))
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (2, 3, None)


def test_without_any_end_there_is_no_value(warehouse) -> None:
    row = fact(warehouse, (50, None))
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no workload records")
