"""Rollups that are views answer for every site at once, and never mix two."""

from datetime import date, datetime, timedelta

import pytest

BEGIN = datetime(2023, 5, 10)
OTHER = {"site_id": "site-b"}


@pytest.fixture
def two_sites(warehouse):
    """Two sites that call a meter, a job and a system the same, and between which every amount is tenfold."""
    warehouse.add_site("site-b")
    for site, factor in (({}, 1), (OTHER, 10)):
        warehouse.stage(
            "facility_readings",
            *(
                {
                    "meter_id": "m",
                    "boundary": "it_input",
                    "started_at_utc": BEGIN + timedelta(minutes=minute),
                    "ended_at_utc": BEGIN + timedelta(minutes=minute),
                    "power_w": 100.0 * factor,
                    **site,
                }
                for minute in range(61)
            ),
        )
        result = {
            "benchmark": "hpl",
            "system_name": "s",
            "metric": "hpl_rmax",
            "value": 2.0 * factor,
            "unit": "TFLOP/s",
            "started_at_utc": BEGIN,
            "ended_at_utc": BEGIN + timedelta(hours=1),
        }
        warehouse.stage(
            "benchmark_results",
            {**result, "scenario": "metered", "meter_id": "m", **site},
            {**result, "scenario": "stated", "mean_power_w": 40.0, **site},
        )
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c",
                "job_id": "j",
                "state": "completed",
                "submitted_at_utc": BEGIN,
                "started_at_utc": BEGIN + timedelta(seconds=6 * factor),
                "ended_at_utc": BEGIN + timedelta(hours=1),
                **site,
            },
        )
    return warehouse


def by_site(rows, column, **where):
    """Values of a column by site, from the rows that a condition leaves; one per site."""
    found = rows.filter(**where).select("site_id", column).rows()
    assert len(found) == len(dict(found))
    return {site: float(value) for site, value in found}


def test_what_a_meter_measured_is_of_its_own_site(two_sites):
    rows = two_sites.run("rollups/benchmark_power.sql")
    assert by_site(rows, "power_samples") == {"site-a": 61, "site-b": 61}
    assert by_site(rows, "power_sum_w") == {"site-a": 6100, "site-b": 61_000}


def test_the_efficiency_of_a_benchmark_is_of_its_own_site(two_sites):
    # 2 and 20 TFLOP/s at 40 W.
    rows = two_sites.run("rollups/benchmark_efficiency.sql")
    assert by_site(rows, "gflops_per_w") == {"site-a": 50, "site-b": 500}
    assert set(rows["month_start"]) == {date(2023, 5, 1)}


def test_waits_are_of_their_own_site(two_sites):
    rows = two_sites.run("rollups/queue_wait_period.sql")
    for period in ("2023-05", "2023Q2", "2023"):
        assert by_site(rows, "wait_p95_s", period=period) == {"site-a": 6, "site-b": 60}


def test_hours_and_days_are_of_their_own_site(two_sites):
    for site in ({}, OTHER):
        two_sites.build("rollups/device_hour.sql", **site)
        two_sites.build("rollups/meter_hour.sql", **site)
        two_sites.execute("CREATE TABLE IF NOT EXISTS meter_hours AS FROM rollups.meter_hour LIMIT 0")
        two_sites.execute("INSERT INTO meter_hours FROM rollups.meter_hour")
    two_sites.execute("CREATE OR REPLACE TABLE rollups.meter_hour AS FROM meter_hours")
    hours = two_sites.run("rollups/site_hour.sql")
    assert by_site(hours, "it_input_kwh", hour_start_utc=BEGIN) == pytest.approx({"site-a": 0.1, "site-b": 1.0})
    days = two_sites.run("rollups/site_day.sql")
    assert by_site(days, "it_input_kwh", day=date(2023, 5, 10))["site-b"] == pytest.approx(
        10 * by_site(days, "it_input_kwh", day=date(2023, 5, 10))["site-a"]
    )
