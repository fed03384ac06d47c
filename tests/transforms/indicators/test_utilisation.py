"""Resource utilisation and its three factors: availability, allocation, activity."""

from datetime import date
from decimal import Decimal

import pytest

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
HOURS = "DECIMAL(38, 9)"
TABLES = {
    "capacity_month": ("installed_device_hours",),
    "incident_month": ("unplanned_device_hours", "planned_device_hours"),
    "workload_month": ("allocated_device_hours",),
    "activity_month": ("busy_device_hours", "utilisation_device_hours"),
}
FACTORS = ("availability", "allocation_ratio", "activity_ratio")


@pytest.fixture
def month(warehouse):
    """State a month: ``month(start, capacity_month=(192,), …)``; a table that is left out has no row.

    The inventory names no servers, so what matches it is what telemetry saw, up to what is installed.
    """
    for table, columns in {**TABLES, "inventory_month": ("matched_device_hours",)}.items():
        described = {"site_id": "VARCHAR", "month_start": "DATE", "evidence_rank": "INTEGER"}
        warehouse.make(f"rollups.{table}", described | dict.fromkeys(columns, HOURS))

    def state(start, rank=2, **tables):
        for table, values in tables.items():
            columns = dict(zip(TABLES[table], values, strict=True))
            warehouse.insert(
                f"rollups.{table}", {"site_id": "site-a", "month_start": start, "evidence_rank": rank, **columns}
            )
        if {"capacity_month", "activity_month"} <= set(tables):
            matched = min(tables["capacity_month"][0], tables["activity_month"][1])
            row = {"site_id": "site-a", "month_start": start, "matched_device_hours": matched}
            warehouse.insert("rollups.inventory_month", row)

    return state


def facts(warehouse):
    """Monthly facts of utilisation and its factors, by indicator."""
    warehouse.build("rollups/utilisation_month.sql")
    paths = {name: f"indicators/supplementary/{name}.sql" for name in FACTORS}
    paths["resource_utilisation"] = "indicators/compute_efficiency/resource_utilisation.sql"
    return {name: warehouse.run(path).sort("month_start") for name, path in paths.items()}


def value(rows):
    return float(rows["numerator"].sum()) / float(rows["denominator"].sum())


def test_w8_the_factors_multiply_to_utilisation(warehouse, month):
    # W8: N 8, H 24, A 0.95, E 0.8, P 0.9: 192 installed, 9.6 lost, 182.4 available, 145.92 allocated, 131.328 busy.
    month(
        JANUARY,
        capacity_month=(192,),
        incident_month=(7.6, 2),
        workload_month=(145.92,),
        activity_month=(131.328, 192),
    )
    found = facts(warehouse)
    assert [value(found[name]) for name in FACTORS] == pytest.approx([0.95, 0.8, 0.9], rel=1e-12)
    assert value(found["resource_utilisation"]) == pytest.approx(131.328 / 192, rel=1e-12)
    lost = [
        found["availability"]["denominator"][0] - found["availability"]["numerator"][0],
        found["allocation_ratio"]["denominator"][0] - found["allocation_ratio"]["numerator"][0],
        found["activity_ratio"]["denominator"][0] - found["activity_ratio"]["numerator"][0],
    ]
    assert lost == [Decimal("9.6"), Decimal("36.48"), Decimal("14.592")]
    assert sum(lost) + found["activity_ratio"]["numerator"][0] == 192


def test_the_factors_multiply_over_months_observed_in_part(warehouse, month):
    # Months of unlike coverage (50 % and 100 %) and unlike use: every factor starts where the one before it ends.
    month(JANUARY, capacity_month=(1000,), incident_month=(100, 0), workload_month=(700,), activity_month=(200, 500))
    month(FEBRUARY, capacity_month=(2000,), incident_month=(0, 37), workload_month=(1900,), activity_month=(1111, 2000))
    found = facts(warehouse)
    assert found["resource_utilisation"]["denominator"].equals(found["availability"]["denominator"])
    assert found["availability"]["numerator"].equals(found["allocation_ratio"]["denominator"])
    assert found["allocation_ratio"]["numerator"].equals(found["activity_ratio"]["denominator"])
    assert found["activity_ratio"]["numerator"].equals(found["resource_utilisation"]["numerator"])
    product = value(found["availability"]) * value(found["allocation_ratio"]) * value(found["activity_ratio"])
    assert product == pytest.approx(value(found["resource_utilisation"]), rel=1e-12)
    assert value(found["resource_utilisation"]) == 1311 / 2500  # (200 + 1 111) / (500 + 2 000)
    # Coverage of January: half of the device-hours; its availability is 900 / 1 000 of them.
    assert found["resource_utilisation"]["observed"][0] / found["resource_utilisation"]["expected"][0] == Decimal("0.5")
    assert found["availability"].row(0)[2:4] == (Decimal(450), Decimal(500))


@pytest.mark.parametrize(
    ("missing", "gaps"),
    [
        ("incident_month", {"availability": "no incidents log", "allocation_ratio": "no incidents log"}),
        ("workload_month", {"allocation_ratio": "no workload records", "activity_ratio": "no workload records"}),
        ("activity_month", {"activity_ratio": "no telemetry"}),
    ],
)
def test_what_is_unknown_is_named(warehouse, month, missing, gaps):
    tables = {
        "capacity_month": (192,),
        "incident_month": (9.6, 0),
        "workload_month": (145.92,),
        "activity_month": (131.328, 192),
    }
    month(JANUARY, **{name: row for name, row in tables.items() if name != missing})
    found = facts(warehouse)
    for name in FACTORS:
        row = found[name].row(0, named=True)
        assert row["gap"] == gaps.get(name)
        assert (row["denominator"] is None) == (name in gaps)
        assert (row["observed"] == 0) == (name in gaps)


def test_telemetry_beyond_the_inventory_does_not_cover_other_months(warehouse, month):
    # January: three devices report, two are in the inventory. February: half of the device-hours are seen.
    month(JANUARY, capacity_month=(200,), workload_month=(150,), activity_month=(100, 300))
    month(FEBRUARY, capacity_month=(200,), workload_month=(150,), activity_month=(100, 100))
    found = facts(warehouse)
    for name in ("resource_utilisation", "activity_ratio"):
        assert (found[name]["observed"].sum(), found[name]["expected"].sum()) == (Decimal(300), Decimal(400))
    assert value(found["resource_utilisation"]) == 200 / 400


def test_telemetry_without_an_inventory_covers_nothing(warehouse, month):
    month(JANUARY, activity_month=(100, 300))
    row = facts(warehouse)["resource_utilisation"].row(0, named=True)
    assert (row["observed"], row["expected"]) == (Decimal(0), Decimal(300))


def test_no_telemetry_no_row(warehouse, month):
    month(JANUARY, capacity_month=(192,))
    assert facts(warehouse)["resource_utilisation"].is_empty()


def test_more_lost_than_installed_leaves_nothing_available(warehouse, month):
    month(JANUARY, capacity_month=(100,), incident_month=(150, 0))
    row = facts(warehouse)["availability"].row(0, named=True)
    assert (row["numerator"], row["denominator"]) == (Decimal(0), Decimal(100))


def test_the_weakest_evidence_of_the_chain_decides(warehouse, month):
    month(JANUARY, rank=1, capacity_month=(192,), incident_month=(0, 0), activity_month=(100, 192))
    month(JANUARY, rank=3, workload_month=(150,))
    found = facts(warehouse)
    assert [found[name]["evidence_rank"].item() for name in FACTORS] == [1, 3, 3]
    assert found["resource_utilisation"]["evidence_rank"].item() == 1
