"""Quantiles of the wait, exact, by period: queue_wait_p50_s, queue_wait_p90_s and queue_wait_p95_s."""

from datetime import date, datetime, timedelta

import pytest

QUANTILES = {50: "queue_wait_p50_s", 90: "queue_wait_p90_s", 95: "queue_wait_p95_s"}
"""The indicator of each quantile, in percent."""

MAY, JUNE, JULY = datetime(2023, 5, 10), datetime(2023, 6, 10), datetime(2023, 7, 10)


def stage_run(warehouse, submitted_at_utc: datetime, wait_s: float | None, **facts) -> None:
    """One run that waits as long as it says, or has not started."""
    warehouse.stage(
        "workload_runs",
        {
            "cluster_id": "c1",
            "job_id": f"{wait_s}",
            "submitted_at_utc": submitted_at_utc,
            "started_at_utc": None if wait_s is None else submitted_at_utc + timedelta(seconds=wait_s),
            "state": "running",
            **facts,
        },
    )


def facts(warehouse, percent: int, **scope):
    """Facts of the scope by period."""
    rows = warehouse.run(f"indicators/supplementary/{QUANTILES[percent]}.sql", **scope).rows(named=True)
    return {row["period"]: row for row in rows}


@pytest.mark.parametrize(("percent", "wait_s"), [(50, 50), (90, 90), (95, 95)])
def test_quantiles_of_a_hundred_and_one_waits(warehouse, percent, wait_s) -> None:
    # Waits of 0, 1, …, 100 s: the quantile q is at 100 q.
    for second in range(101):
        stage_run(warehouse, MAY, second)
    may = facts(warehouse, percent)["2023-05"]
    assert may["value"] == pytest.approx(wait_s)
    assert (may["numerator"], may["denominator"], may["gap"]) == (None, None, None)
    assert (float(may["observed"]), float(may["expected"])) == (101, 101)


def test_a_quarter_is_made_from_its_runs_not_from_its_months(warehouse) -> None:
    for wait_s in (0, 100):
        stage_run(warehouse, MAY, wait_s)
    stage_run(warehouse, JUNE, 10)
    rows = facts(warehouse, 50)
    # Months: 50 and 10; the quarter's median of 0, 10, 100 is 10, not their mean.
    assert {name: rows[name]["value"] for name in ("2023-05", "2023-06", "2023Q2", "2023")} == {
        "2023-05": 50,
        "2023-06": 10,
        "2023Q2": 10,
        "2023": 10,
    }


def test_every_period_that_overlaps_the_scope_is_made_whole(warehouse) -> None:
    stage_run(warehouse, MAY, 0)
    stage_run(warehouse, JULY, 100)
    rows = facts(warehouse, 50, start=date(2023, 7, 1), end=date(2023, 10, 1))
    assert set(rows) == {"2023-07", "2023Q3", "2023"}
    assert rows["2023"]["value"] == 50
    assert rows["2023Q3"]["value"] == 100


def test_what_never_started_lowers_the_coverage(warehouse) -> None:
    stage_run(warehouse, MAY, 60)
    stage_run(warehouse, MAY, None)
    stage_run(warehouse, JUNE, None)
    rows = facts(warehouse, 90)
    assert (rows["2023-05"]["value"], float(rows["2023-05"]["observed"]), float(rows["2023-05"]["expected"])) == (
        60,
        1,
        2,
    )
    assert (rows["2023-06"]["value"], rows["2023-06"]["gap"]) == (None, "no workload records")


def test_a_run_whose_submission_is_not_known_has_no_wait_and_lowers_the_coverage(warehouse) -> None:
    stage_run(warehouse, MAY, 40)
    stage_run(warehouse, MAY, 0, is_submission_known=False)
    may = facts(warehouse, 50)["2023-05"]
    assert (may["value"], float(may["observed"]), float(may["expected"])) == (40, 1, 2)
