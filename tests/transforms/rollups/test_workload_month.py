"""Runs, demand and device-hours of a month."""

from datetime import date, datetime, timedelta

import pytest

MAY = date(2023, 5, 1)
NOON = datetime(2023, 5, 10, 4)


def a_run(job_id: str, wait_s: float | None = 0, run_s: float | None = 3600, **facts):
    """One run asked for at noon of 10 May, which waits and runs as long as it says."""
    started = None if wait_s is None else NOON + timedelta(seconds=wait_s)
    ended = None if started is None or run_s is None else started + timedelta(seconds=run_s)
    return {
        "cluster_id": "c1",
        "job_id": job_id,
        "submitted_at_utc": NOON,
        "started_at_utc": started,
        "ended_at_utc": ended,
        "state": "completed",
        "device_count": 8,
        **facts,
    }


def month(warehouse, *runs, start: date = MAY):
    """The month's row, over the given runs."""
    warehouse.stage("workload_runs", *runs)
    warehouse.build("rollups/run_month.sql")
    rows = warehouse.run("rollups/workload_month.sql").rows(named=True)
    return {row["month_start"]: row for row in rows}[start]


def test_device_hours_and_productive_time(warehouse) -> None:
    may = month(
        warehouse,
        a_run("1", workload_class="training", productive_s=2700.0),  # 8 device-hours, 6 productive
        a_run("2", workload_class="fine_tuning"),  # 8, unstated
        a_run("3", workload_class="inference", productive_s=3600.0),  # 8, 8
    )
    assert may["runs"] == 3
    assert float(may["run_hours"]) == 3
    assert float(may["allocated_device_hours"]) == 24
    assert float(may["productive_device_hours"]) == 14
    assert float(may["productive_known_device_hours"]) == 16
    assert float(may["training_device_hours"]) == 16
    assert float(may["training_productive_device_hours"]) == 6
    assert float(may["training_productive_known_device_hours"]) == 8


def test_waits_count_in_the_month_of_the_start(warehouse) -> None:
    may = month(warehouse, a_run("1", wait_s=100), a_run("2", wait_s=40), a_run("3", wait_s=None))
    assert (may["runs"], may["waited_runs"], float(may["wait_s"])) == (2, 2, 140)


def test_bounded_slowdown(warehouse) -> None:
    # W16: wait 100 s, run 1 s: (100 + 1) ÷ max(1, 10) = 10.1; no wait, run 1 s: max(1, 0.1) = 1. Sum 11.1.
    may = month(warehouse, a_run("1", wait_s=100, run_s=1), a_run("2", wait_s=0, run_s=1), a_run("3", run_s=None))
    assert float(may["bounded_slowdowns"]) == pytest.approx(11.1)
    assert (may["slowdown_runs"], may["unsized_runs"]) == (2, 1)


def test_demand_is_met_by_what_starts_within_the_target(warehouse) -> None:
    may = month(
        warehouse,
        a_run("1", wait_s=3600),  # at the target of 3600 s: 8 device-hours met
        a_run("2", wait_s=3601),  # 8 device-hours not met
        a_run("3", wait_s=None, requested_device_count=4, requested_s=7200.0, device_count=None),  # 4 × 2 h not met
        a_run("4", wait_s=None, device_count=None),  # nobody knows how much
        a_run("5", wait_s=10, run_s=None, requested_device_count=2, requested_s=3600.0),  # runs on: 2 asked for, met
    )
    assert (may["requests"], may["sized_requests"]) == (5, 4)
    assert float(may["requested_device_hours"]) == 8 + 8 + 8 + 2
    assert float(may["fulfilled_device_hours"]) == 8 + 2


def test_demand_counts_where_it_was_asked_for(warehouse) -> None:
    late = NOON + timedelta(days=30)
    warehouse.stage(
        "workload_runs",
        a_run("1", wait_s=30 * 86_400),
        a_run("2", wait_s=None, submitted_at_utc=late, device_count=None),
    )
    warehouse.build("rollups/run_month.sql")
    rows = warehouse.run("rollups/workload_month.sql").sort("month_start").rows(named=True)
    assert [(row["month_start"], row["requests"], row["runs"]) for row in rows] == [
        (MAY, 1, 0),
        (date(2023, 6, 1), 1, 1),
    ]
    assert rows[0]["allocated_device_hours"] is None
    assert float(rows[0]["requested_device_hours"]) == 8
    assert float(rows[1]["allocated_device_hours"]) == 8
    assert rows[1]["requested_device_hours"] is None


def test_energy_and_tokens_of_the_same_runs(warehouse) -> None:
    may = month(
        warehouse,
        a_run("1", tokens=1000, energy_j=7.2e6),
        a_run("2", tokens=500),
        a_run("3", energy_j=3.6e6),
    )
    assert float(may["tokens"]) == 1500
    assert float(may["tokens_with_energy"]) == 1000
    assert float(may["energy_of_tokens_j"]) == 7.2e6
    assert float(may["energy_kwh"]) == 3
    assert float(may["energy_device_hours"]) == 16


def test_the_weakest_evidence_is_kept(warehouse) -> None:
    may = month(warehouse, a_run("1", evidence_class="metered"), a_run("2", evidence_class="estimated"))
    assert may["evidence_rank"] == 4


def test_a_site_without_records_has_no_row(warehouse) -> None:
    warehouse.build("rollups/run_month.sql")
    assert warehouse.run("rollups/workload_month.sql").height == 0


def test_a_run_whose_submission_is_not_known_has_no_wait_and_no_sized_demand(warehouse) -> None:
    may = month(warehouse, a_run("1", wait_s=100), a_run("2", wait_s=0, is_submission_known=False))
    assert (may["runs"], may["waited_runs"], float(may["wait_s"]), may["slowdown_runs"]) == (2, 1, 100, 1)
    assert (may["requests"], may["sized_requests"], float(may["requested_device_hours"])) == (2, 1, 8)
    assert float(may["allocated_device_hours"]) == 16


def test_what_its_user_withdraws_before_the_target_has_passed_is_no_demand(warehouse) -> None:
    # The target is 3,600 s. Withdrawn after 60 s: no demand. After 3,601 s: 8 x 24 h that nobody served.
    early, late = (NOON + timedelta(seconds=seconds) for seconds in (60, 3601))
    cancelled = {"wait_s": None, "state": "cancelled", "device_count": None, "requested_device_count": 8}
    may = month(
        warehouse,
        a_run("1"),
        a_run("2", **cancelled, requested_s=86_400.0) | {"ended_at_utc": early},
        a_run("3", **cancelled, requested_s=86_400.0) | {"ended_at_utc": late},
    )
    assert (may["requests"], may["sized_requests"]) == (2, 2)
    assert (float(may["fulfilled_device_hours"]), float(may["requested_device_hours"])) == (8, 200)


def test_a_request_that_still_waits_is_judged_once_the_target_has_passed(warehouse) -> None:
    # Asked for at noon; the site last said something half an hour, then two hours later.
    waiting = {"wait_s": None, "state": "pending", "device_count": None, "requested_device_count": 8}
    may = month(warehouse, a_run("1", run_s=1800), a_run("2", **waiting, requested_s=3600.0))
    assert (may["requests"], may["sized_requests"], float(may["requested_device_hours"])) == (2, 1, 4)

    may = month(warehouse, a_run("3", wait_s=7200, run_s=1800))
    assert (may["requests"], may["sized_requests"]) == (3, 3)
    assert (float(may["fulfilled_device_hours"]), float(may["requested_device_hours"])) == (4, 16)
