"""Bills, meters and devices over a period."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from suanheng.schemas.tables.scorecards import ENERGY_RECONCILIATION

QUARTER = {"start": date(2023, 4, 1), "end": date(2023, 7, 1)}
KWH = "DECIMAL(38, 9)"


@pytest.fixture
def reconciled(warehouse):
    """The reconciliation of 2023Q2 over months given as (bill, meter, devices) and further columns."""
    measured = ("bill_kwh", "meter_kwh", "device_kwh", "unexplained_kwh", "unmetered_kwh", "estimated_bill_kwh")
    columns = {"site_id": "VARCHAR", "month_start": "DATE", **dict.fromkeys(measured, KWH)}
    warehouse.make("rollups.energy_reconciliation_month", columns)

    def reconcile(period: str = "2023Q2", **months: dict[str, Any]) -> dict[str, Any]:
        for name, energy in months.items():
            month = {"april": 4, "may": 5, "june": 6}[name]
            both = energy.get("bill_kwh") is not None and energy.get("meter_kwh") is not None
            difference = energy["bill_kwh"] - energy["meter_kwh"] if both else None
            row = {"site_id": "site-a", "month_start": date(2023, month, 1), "unexplained_kwh": difference, **energy}
            warehouse.insert("rollups.energy_reconciliation_month", row)
        rows = warehouse.run("scorecards/energy_reconciliation.sql", **QUARTER)
        ENERGY_RECONCILIATION.schema.validate(rows, lazy=True)
        return rows.row(by_predicate=pl.col("period") == period, named=True)

    return reconcile


def month(bill: float | None, meter: float | None, devices: float | None = None, **more: float) -> dict[str, Any]:
    return {"bill_kwh": bill, "meter_kwh": meter, "device_kwh": devices, "unmetered_kwh": 0, **more}


def test_three_months_are_the_quarter(reconciled):
    row = reconciled(april=month(1000, 990, 400), may=month(1100, 1080, 450), june=month(900, 900, 300))

    assert row == {
        "site_id": "site-a",
        "period": "2023Q2",
        "bill_kwh": Decimal(3000),
        "meter_kwh": Decimal(2970),
        "device_kwh": Decimal(1150),
        "unexplained_kwh": Decimal(30),
        "unexplained_ratio": 0.01,  # within the tolerance of 2 %
        "status": "ok",
    }


@pytest.mark.parametrize(
    ("energy", "status"),
    [
        (month(1000, 980), "ok"),
        (month(1000, 1020), "ok"),
        (month(1000, 979), "unexplained"),
        (month(1000, 1021), "unexplained"),
        (month(1000, 800, unmetered_kwh=190), "partly metered"),
        (month(1000, 800, unmetered_kwh=100), "unexplained"),
        (month(1000, 800, estimated_bill_kwh=1000), "bill estimated"),
        (month(1000, 1000, estimated_bill_kwh=1000), "ok"),
        (month(None, 800), "no bill"),
        (month(1000, None), "no meter readings"),
    ],
)
def test_status(reconciled, energy: dict, status: str):
    assert reconciled(may=energy)["status"] == status


def test_only_months_with_both_are_compared(reconciled):
    row = reconciled(april=month(1000, 900), may=month(1000, None), june=month(None, 5000))

    assert (row["bill_kwh"], row["meter_kwh"], row["unexplained_kwh"]) == (2000, 5900, 100)
    assert row["unexplained_ratio"] == pytest.approx(0.1)
    assert row["status"] == "months missing"


def test_a_period_without_energy_is_a_row(reconciled):
    row = reconciled()

    assert row["status"] == "no bill"
    assert row["bill_kwh"] is None
    assert row["unexplained_ratio"] is None


def test_the_year_is_rebuilt_with_its_quarter(reconciled, warehouse):
    reconciled(april=month(1000, 1000))
    rows = warehouse.run("scorecards/energy_reconciliation.sql", **QUARTER)

    assert set(rows["period"]) == {"2023-04", "2023-05", "2023-06", "2023Q2", "2023"}
