"""Inequality of device-hours between tenants."""

from datetime import date, datetime, timedelta

import pytest

RECIPE = "indicators/supplementary/use_concentration_gini.sql"


def facts(warehouse, *runs, **scope):
    """Facts by period, over runs of one device in May, or as given: tenant, hours, start."""
    for number, (tenant_id, hours, *start) in enumerate(runs):
        started = start[0] if start else datetime(2023, 5, 1)
        warehouse.stage(
            "workload_runs",
            {
                "cluster_id": "c1",
                "job_id": str(number),
                "submitted_at_utc": started,
                "started_at_utc": started,
                "ended_at_utc": started + timedelta(hours=hours),
                "state": "completed",
                "tenant_id": tenant_id,
                "device_count": 1,
            },
        )
    return {row["period"]: row for row in warehouse.run(RECIPE, **scope).rows(named=True)}


@pytest.mark.parametrize(
    ("hours", "gini"),
    [
        ((10, 10, 10), 0),
        ((1, 2, 3), 2 / 9),  # ((2−4)·1 + (4−4)·2 + (6−4)·3) ÷ (3 × 6) = 4 ÷ 18
        ((1, 99), 0.49),  # (−1 + 99) ÷ (2 × 100)
    ],
)
def test_known_distributions(warehouse, hours, gini) -> None:
    may = facts(warehouse, *((f"tenant-{number}", share) for number, share in enumerate(hours)))["2023-05"]
    assert may["value"] == pytest.approx(gini)


@pytest.mark.parametrize("others", [(), ((None, 5),)])
def test_of_one_tenant_it_is_undefined(warehouse, others) -> None:
    # One tenant has nobody to be unequal to: 0 would say that use is evenly spread. A run of nobody is no tenant.
    may = facts(warehouse, ("a", 30), *others)["2023-05"]
    assert (may["value"], may["gap"]) == (None, "not applicable")


def test_a_quarter_adds_tenants_up_before_it_compares_them(warehouse) -> None:
    rows = facts(warehouse, ("a", 9), ("b", 1), ("a", 1, datetime(2023, 6, 5)), ("b", 9, datetime(2023, 6, 5)))
    assert rows["2023-05"]["value"] == pytest.approx(0.4)  # (−1 + 9) ÷ (2 × 10)
    assert rows["2023Q2"]["value"] == pytest.approx(0)  # 10 each


def test_a_year_has_the_runs_of_all_its_quarters_whichever_is_built(warehouse) -> None:
    # 9 + 1 hours of a in May and October, 1 + 1 of b: (−2 + 10) ÷ (2 × 12); in the last quarter alone 1 and 1.
    october = datetime(2023, 10, 5)
    runs = ("a", 9), ("b", 1), ("a", 1, october), ("b", 1, october)
    rows = facts(warehouse, *runs, start=date(2023, 10, 1), end=date(2024, 1, 1))
    assert rows["2023"]["value"] == pytest.approx(8 / 24)
    assert rows["2023Q4"]["value"] == pytest.approx(0)


def test_a_run_across_the_end_of_a_period_counts_in_it_with_its_part(warehouse) -> None:
    # Local midnight of 1 June is 16:00 UTC of 31 May: of b's 6 hours from 14:00, 2 are in May, and a has 6.
    rows = facts(warehouse, ("a", 6), ("b", 6, datetime(2023, 5, 31, 14)))
    assert rows["2023-05"]["value"] == pytest.approx(0.25)  # (−2 + 6) ÷ (2 × 8)


def test_device_hours_without_a_tenant_lower_the_coverage(warehouse) -> None:
    may = facts(warehouse, ("a", 1), ("b", 3), (None, 4))["2023-05"]
    assert may["value"] == pytest.approx(0.25)  # (−1 + 3) ÷ (2 × 4)
    assert (float(may["observed"]), float(may["expected"])) == (4, 8)


def test_without_any_tenant_there_is_no_value(warehouse) -> None:
    may = facts(warehouse, (None, 4))["2023-05"]
    assert (may["value"], may["gap"], float(may["observed"])) == (None, "no workload records", 0)
