"""Energy of runs per token."""

from datetime import datetime, timedelta

RECIPE = "indicators/supplementary/energy_per_token_j.sql"
START = datetime(2023, 5, 10, 4)


def facts(warehouse, *runs):
    """Rows over one-hour runs."""
    for number, run in enumerate(runs):
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
                "submitted_at_utc": START,
                "started_at_utc": START,
                "ended_at_utc": START + timedelta(hours=1),
                "state": "completed",
                "device_count": 8,
                **run,
            },
        )
    warehouse.build("rollups/run_month.sql", "rollups/workload_month.sql")
    return warehouse.run(RECIPE).rows(named=True)


def test_energy_over_the_tokens_of_the_same_runs(warehouse) -> None:
    (row,) = facts(
        warehouse,
        {"tokens": 1e6, "energy_j": 5e6},
        {"tokens": 3e6, "energy_j": 3e6},
        {"tokens": 1e6},
        {"energy_j": 9e9},
    )
    # 8 MJ ÷ 4 M tokens = 2 J; a fifth of the tokens has no energy.
    assert float(row["numerator"] / row["denominator"]) == 2
    assert (float(row["observed"]), float(row["expected"]), row["gap"]) == (4e6, 5e6, None)


def test_tokens_without_energy_give_no_value(warehouse) -> None:
    (row,) = facts(warehouse, {"tokens": 1e6})
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, "no workload records")


def test_a_month_without_tokens_has_no_fact(warehouse) -> None:
    assert facts(warehouse, {"energy_j": 1.0}) == []
