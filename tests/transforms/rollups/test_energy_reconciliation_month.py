"""Bill, meters and devices side by side."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
NEW_YEAR_UTC = datetime(2022, 12, 31, 16)


@pytest.fixture
def reconciled(warehouse, build_energy):
    """Reconcile January for a bill of 1 000 kWh, meters given as (boundary, kWh, days), and one accelerator."""

    def answer(*meters, bill_kwh=1000.0, device_kwh=None):
        if bill_kwh is not None:
            warehouse.stage(
                "utility_bills",
                {
                    "meter_id": "account-1",
                    "commodity": "electricity",
                    "service_start": JANUARY,
                    "service_end": FEBRUARY,
                    "energy_kwh": bill_kwh,
                },
            )
        for boundary, kwh, days in meters:
            warehouse.stage(
                "facility_readings",
                {
                    "meter_id": boundary,
                    "boundary": boundary,
                    "started_at_utc": NEW_YEAR_UTC,
                    "ended_at_utc": NEW_YEAR_UTC + timedelta(days=days),
                    "energy_kwh": kwh,
                },
            )
        if device_kwh is not None:
            warehouse.stage(
                "accelerator_samples",
                {
                    "device_id": "gpu-1",
                    "sampled_at_utc": NEW_YEAR_UTC,
                    "interval_s": 3600.0,
                    "power_w": device_kwh * 1000,
                },
            )
        build_energy()
        return warehouse.run("rollups/energy_reconciliation_month.sql").row(0, named=True)

    return answer


def test_three_sides_and_what_lies_between(reconciled):
    # 1 000 billed, 980 metered, 800 IT, 150 cooling, 15 in devices: 20 unexplained, 200 overhead, 785 beside devices.
    row = reconciled(("utility", 980.0, 31), ("ups_output", 800.0, 31), ("cooling", 150.0, 31), device_kwh=15)
    assert row["unexplained_kwh"] == Decimal(20)
    assert row["unmetered_kwh"] == 0
    assert row["overhead_kwh"] == Decimal(200)
    assert row["cooling_kwh"] == Decimal(150)
    assert row["beside_devices_kwh"] == Decimal(785)
    assert row["gap"] is None


def test_hours_without_readings_explain_part_of_the_difference(reconciled):
    # The meter knows 15.5 of 31 days: half of the bill, 500 kWh, is unmetered; it read 490.
    row = reconciled(("utility", 490.0, 15.5))
    assert row["unexplained_kwh"] == Decimal(510)
    assert row["unmetered_kwh"] == Decimal(500)


def test_without_a_bill_the_difference_is_unknown(reconciled):
    row = reconciled(("utility", 980.0, 31), bill_kwh=None)
    assert row["gap"] == "no bill"
    assert row["unexplained_kwh"] is None


def test_without_a_meter_the_difference_is_unknown(reconciled):
    row = reconciled()
    assert row["gap"] == "no meter readings"
    assert row["unexplained_kwh"] is None
    assert row["unmetered_kwh"] is None


def test_devices_that_exceed_it_contradict_it(reconciled):
    assert reconciled(("it_input", 10.0, 31), device_kwh=12)["beside_devices_kwh"] == Decimal(-2)
