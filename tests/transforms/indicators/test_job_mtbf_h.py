"""Mean time between job interruptions."""

from datetime import date, datetime, timedelta

import pytest

RECIPE = "indicators/supplementary/job_mtbf_h.sql"
MIDNIGHT = datetime(2023, 4, 30, 16)  # 1 May in Shanghai


@pytest.fixture
def facts(warehouse):
    """Months by their start, once runs and incidents are staged."""

    def by_month():
        warehouse.build("rollups/run_month.sql", "rollups/workload_month.sql", "rollups/incident_month.sql")
        return {row["month_start"]: row for row in warehouse.run(RECIPE).rows(named=True)}

    return by_month


def stage_run(warehouse, days: int, device_count: int = 16_384) -> None:
    """One run from the first instant of May."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": "1",
            "submitted_at_utc": MIDNIGHT,
            "started_at_utc": MIDNIGHT,
            "ended_at_utc": MIDNIGHT + timedelta(days=days),
            "state": "completed",
            "device_count": device_count,
        },
    )


def stage_incidents(
    warehouse, count: int, is_planned: bool = False, every: timedelta = timedelta(hours=3), jobs: int | None = 1
) -> None:
    """Incidents at equal distances from the first instant of May, each of which interrupts as many jobs."""
    warehouse.connection.execute(
        """
        INSERT INTO staged.incidents BY NAME
        SELECT
            'site-a' AS site_id, 'f' AS file_id, number + 1 AS row_number, 'metered' AS evidence_class,
            ? || number AS incident_id, ?::TIMESTAMP + number * ?::INTERVAL AS started_at_utc,
            started_at_utc AS ended_at_utc, 8 AS devices_affected, ?::BIGINT AS jobs_interrupted,
            'accelerator' AS cause, ? AS is_planned
        FROM range(?) AS numbers(number)
        """,
        ["planned-" if is_planned else "unplanned-", MIDNIGHT, every, jobs, is_planned, count],
    )


def test_published_training_run(warehouse, facts) -> None:
    # W15 (arXiv 2407.21783): 54 days are 1296 h; 419 unexpected interruptions: one every 3.09 h, whatever the devices.
    stage_run(warehouse, days=54)
    stage_incidents(warehouse, 419)
    stage_incidents(warehouse, 47, is_planned=True)
    rows = facts()
    hours = sum(row["numerator"] for row in rows.values())
    interruptions = sum(row["denominator"] for row in rows.values())
    assert (float(hours), float(interruptions)) == (1296, 419)
    assert float(hours / interruptions) == pytest.approx(3.09, abs=5e-3)
    # May has 31 × 24 h; an interruption every three hours is 248 of them.
    may = rows[date(2023, 5, 1)]
    assert (float(may["numerator"]), float(may["denominator"])) == (744, 248)
    assert (float(may["observed"]), float(may["expected"])) == (744, 744)


def test_no_interruption_is_a_zero_denominator(warehouse, facts) -> None:
    stage_run(warehouse, days=1)
    stage_incidents(warehouse, 1, is_planned=True)
    row = facts()[date(2023, 5, 1)]
    assert (float(row["numerator"]), float(row["denominator"]), row["gap"]) == (24, 0, None)


def test_without_a_log_nobody_knows(warehouse, facts) -> None:
    stage_run(warehouse, days=1)
    row = facts()[date(2023, 5, 1)]
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no incidents log")
    assert (float(row["observed"]), float(row["expected"])) == (0, 24)


@pytest.mark.parametrize(("jobs", "of_all"), [(50, 100), (0, 0)])
def test_an_incident_interrupts_as_many_jobs_as_it_states(warehouse, facts, jobs: int, of_all: int) -> None:
    # Two incidents of 50 jobs each: 24 h ÷ 100 jobs; of none: no job was interrupted, and there is no mean time.
    stage_run(warehouse, days=1)
    stage_incidents(warehouse, 2, jobs=jobs)
    row = facts()[date(2023, 5, 1)]
    assert (float(row["numerator"]), float(row["denominator"]), row["gap"]) == (24, of_all, None)


def test_a_month_with_an_incident_that_does_not_say_how_many_jobs_is_unknown(warehouse, facts) -> None:
    stage_run(warehouse, days=1)
    stage_incidents(warehouse, 1, jobs=None)
    row = facts()[date(2023, 5, 1)]
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no interrupted jobs")
    assert (float(row["observed"]), float(row["expected"])) == (0, 24)
