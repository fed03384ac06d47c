"""Two sides of a month's electricity and the likely cause of their difference. Every series is made by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from suanheng.schemas.tables.scorecards import ENERGY_DIFFERENCES

SCOPE = {"start": date(2023, 4, 1), "end": date(2023, 7, 1)}
KWH = ("bill_kwh", "estimated_bill_kwh", "meter_kwh", "it_kwh", "device_kwh")
SHARES = ("bill_days", "meter_hours", "it_hours", "device_hours_known", "installed_device_hours")
DAYS = {3: 31, 4: 30, 5: 31, 6: 30, 7: 31}


@pytest.fixture
def differences(warehouse):
    """Differences of April to June 2023 by month and pair, over months given as ``april={column: value}``.

    A month is whole unless it says otherwise: 1 000 kWh billed and metered, 800 kWh of IT, 500 kWh of ten accelerators.
    """
    columns = dict.fromkeys((*KWH, *SHARES), "DECIMAL(38, 9)")
    warehouse.make("rollups.energy_reconciliation_month", {"site_id": "VARCHAR", "month_start": "DATE", **columns})

    def answer(scope=SCOPE, **months: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
        for name, stated in months.items():
            month = {"march": 3, "april": 4, "may": 5, "june": 6, "july": 7}[name]
            hours = 24 * DAYS[month]
            whole = {
                "bill_kwh": 1000, "meter_kwh": 1000, "it_kwh": 800, "device_kwh": 500, "bill_days": DAYS[month],
                "meter_hours": hours, "it_hours": hours, "device_hours_known": 10 * hours,
                "installed_device_hours": 10 * hours,
            }  # fmt: skip
            row = {"site_id": "site-a", "month_start": date(2023, month, 1), **whole, **stated}
            warehouse.insert("rollups.energy_reconciliation_month", row)
        rows = warehouse.run("scorecards/energy_differences.sql", **scope)
        ENERGY_DIFFERENCES.schema.validate(rows, lazy=True)
        return {(row["period"], row["pair"]): row for row in rows.iter_rows(named=True)}

    return answer


@pytest.fixture
def causes(differences):
    """Causes of May alone, by pair."""

    def answer(**may: Any) -> dict[str, str | None]:
        found = differences(may=may)
        assert {period for period, _ in found} == {"2023-05"}
        return {pair: row["cause"] for (_, pair), row in found.items()}

    return answer


NONE = {"bill_and_meter": "none", "meter_and_devices": "none", "bill_and_devices": "none"}


def test_every_pair_of_a_clean_month_is_a_row_without_a_cause(differences):
    found = differences(may={"bill_kwh": 1010})
    assert {pair: row["cause"] for (_, pair), row in found.items()} == NONE
    assert found["2023-05", "bill_and_meter"] == {
        "site_id": "site-a",
        "period": "2023-05",
        "month_start": date(2023, 5, 1),
        "pair": "bill_and_meter",
        "left_kwh": Decimal(1010),
        "right_kwh": Decimal(1000),
        "difference_kwh": Decimal(10),
        "unexplained_kwh": Decimal(10),
        "unexplained_ratio": pytest.approx(10 / 1010),
        "cause": "none",
    }
    # 800 kWh of IT of which 500 are accelerators': the rest is hosts and networks, and not unexplained.
    devices = found["2023-05", "meter_and_devices"]
    assert (devices["difference_kwh"], devices["unexplained_kwh"]) == (300, 0)


@pytest.mark.parametrize("load", [[900, 1000, 1100], [1100, 700, 1000]])
def test_a_clean_series_names_no_cause(differences, load):
    months = {
        name: {"bill_kwh": kwh * 1.01, "meter_kwh": kwh, "it_kwh": kwh * 0.8, "device_kwh": kwh * 0.5}
        for name, kwh in zip(("april", "may", "june"), load, strict=True)
    }
    assert {row["cause"] for row in differences(**months).values()} == {"none"}


def test_a_side_that_is_unknown_has_no_cause(causes):
    assert causes(bill_kwh=None, bill_days=0) == {**NONE, "bill_and_meter": None, "bill_and_devices": None}
    assert set(causes(meter_kwh=None, it_kwh=None, device_kwh=None).values()) == {None}


def test_without_an_it_meter_accelerators_are_held_against_the_utility_meter(differences):
    found = differences(may={"it_kwh": None, "it_hours": 0, "device_kwh": 900})
    devices = found["2023-05", "meter_and_devices"]
    assert (devices["left_kwh"], devices["cause"]) == (1000, "none")


# --- one cause each


def test_missing_meter_hours(causes):
    # The meter knows 3/4 of the month and three quarters of the bill.
    assert causes(meter_kwh=750, meter_hours=558)["bill_and_meter"] == "missing_meter_hours"


def test_missing_hours_of_the_it_meter(causes):
    # Half of the month is metered: 400 kWh, less than the 500 of the accelerators; 800 in the whole month.
    assert causes(it_kwh=400, it_hours=372)["meter_and_devices"] == "missing_meter_hours"


def test_missing_bill_days(causes):
    # 10 of 31 days billed, 10/31 of what the meter saw.
    assert causes(bill_kwh=Decimal("322.6"), bill_days=10)["bill_and_meter"] == "missing_bill_days"


def test_missing_device_hours(causes):
    # Six of ten accelerators report: 300 kWh, 500 if all did.
    found = causes(device_kwh=300, device_hours_known=6 * 744)
    assert found == {
        "bill_and_meter": "none",
        "meter_and_devices": "missing_device_hours",
        "bill_and_devices": "missing_device_hours",
    }


def test_doubled_counter_by_the_hours(causes):
    # Seven instances on each of ten devices, each repeating its device's counter: seven times the hours and the energy.
    found = causes(device_kwh=3500, device_hours_known=70 * 744)
    assert found["meter_and_devices"] == found["bill_and_devices"] == "doubled_counter"


@pytest.mark.parametrize("times", [2, 3, 7])
def test_doubled_counter_by_the_energy(causes, times):
    assert causes(device_kwh=times * 800)["meter_and_devices"] == "doubled_counter"


@pytest.mark.parametrize("factor", [3.6, 1000, 10_000, 3_600_000])
def test_wrong_unit_of_the_bill_or_the_meter(causes, factor):
    assert causes(bill_kwh=1000 * factor)["bill_and_meter"] == "wrong_unit"
    assert causes(meter_kwh=1000 * factor)["bill_and_meter"] == "wrong_unit"


@pytest.mark.parametrize("factor", [1000, 1 / 1000, 3_600_000])
def test_wrong_unit_of_the_accelerators(causes, factor):
    assert causes(device_kwh=500 * factor)["meter_and_devices"] == "wrong_unit"


def test_shifted_billing_period(differences):
    # 100 of May's 1 100 kWh are on June's bill; April and July are as they are.
    found = differences(
        april={},
        may={"bill_kwh": 1000, "meter_kwh": 1100, "it_kwh": 900},
        june={"bill_kwh": 1100},
        july={},
    )
    by_month = {period: row["cause"] for (period, pair), row in found.items() if pair == "bill_and_meter"}
    assert by_month == {
        "2023-04": "none", "2023-05": "shifted_billing_period", "2023-06": "shifted_billing_period",
    }  # fmt: skip


def test_a_shift_across_a_quarter_is_seen_from_both_sides(differences):
    march = {"bill_kwh": 1100}
    found = differences(march=march, april={"bill_kwh": 900})
    assert found["2023-04", "bill_and_meter"]["cause"] == "shifted_billing_period"
    # Building the second quarter builds the last month of the first again, which had no month after it before.
    assert found["2023-03", "bill_and_meter"]["cause"] == "shifted_billing_period"


def test_the_month_before_the_scope_alone_is_an_unknown_difference(differences):
    first_quarter = {"start": date(2023, 1, 1), "end": date(2023, 4, 1)}
    assert differences(first_quarter, march={"bill_kwh": 1100})["2023-03", "bill_and_meter"]["cause"] == "unknown"


def test_estimated_bill(causes):
    assert causes(bill_kwh=1120, estimated_bill_kwh=1120)["bill_and_meter"] == "estimated_bill"


# --- no cause, or more than one


def test_a_difference_without_a_likely_cause_is_unknown(causes):
    assert causes(bill_kwh=1300)["bill_and_meter"] == "unknown"
    assert causes(device_kwh=1100) == {**NONE, "meter_and_devices": "unknown", "bill_and_devices": "unknown"}


@pytest.mark.parametrize(
    "both",
    [
        {"meter_kwh": 600, "meter_hours": 558},
        {"meter_kwh": 600, "meter_hours": 558, "estimated_bill_kwh": 1000},
        {"bill_kwh": 1300, "meter_kwh": 750, "meter_hours": 558, "bill_days": 20},
        {"bill_kwh": 1300, "estimated_bill_kwh": 100},
    ],
    ids=["hours and more", "hours and an estimate", "hours and days", "a small estimate and more"],
)
def test_two_causes_at_once_name_neither(causes, both):
    assert causes(**both)["bill_and_meter"] == "unknown"


@pytest.mark.parametrize(
    ("both", "cause"),
    [
        ({"it_kwh": 400, "it_hours": 372, "device_kwh": 300, "device_hours_known": 6 * 744}, "unknown"),
        ({"device_kwh": 1000, "device_hours_known": 5 * 744}, "unknown"),
        ({"device_kwh": 3500 * 1000, "device_hours_known": 70 * 744}, "wrong_unit"),
    ],
    ids=["hours of both", "doubled and half missing", "doubled, which the wrong unit outweighs"],
)
def test_two_causes_at_once_name_none_wrongly_of_accelerators(causes, both, cause):
    assert causes(**both)["meter_and_devices"] == cause


def test_an_estimate_beside_its_opposite_is_no_shift(differences):
    found = differences(may={"bill_kwh": 1100, "estimated_bill_kwh": 1100}, june={"bill_kwh": 900})
    assert found["2023-05", "bill_and_meter"]["cause"] == "estimated_bill"
    assert found["2023-06", "bill_and_meter"]["cause"] == "unknown"


def test_differences_of_one_sign_are_no_shift(differences):
    found = differences(april={"bill_kwh": 1100}, may={"bill_kwh": 1100}, june={})
    assert [found[month, "bill_and_meter"]["cause"] for month in ("2023-04", "2023-05")] == ["unknown", "unknown"]


def test_an_accelerators_share_of_a_unit_factor_is_a_share(causes):
    # 222 of 800 kWh: one in 3.6, and nothing is wrong with it.
    assert causes(device_kwh=Decimal("222.2"))["meter_and_devices"] == "none"


def test_the_tolerance_is_the_parameter(warehouse, causes):
    warehouse.execute("UPDATE reference.parameters SET value = 0.4 WHERE name = 'reconciliation_tolerance'")
    assert causes(bill_kwh=1300)["bill_and_meter"] == "none"
