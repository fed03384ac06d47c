"""Bills spread over the days they are for, and how."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from suanheng.flows.sources import portfolio_manager
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.raw.portfolio_manager import CONTRACT
from suanheng.schemas.staged import DATASETS

JANUARY, FEBRUARY, MARCH = date(2023, 1, 1), date(2023, 2, 1), date(2023, 3, 1)
NEW_YEAR_UTC = datetime(2022, 12, 31, 16)  # local midnight of 1 January 2023


def bill(start, end, kwh, **columns):
    return {
        "meter_id": "account-1",
        "commodity": "electricity",
        "service_start": start,
        "service_end": end,
        "energy_kwh": kwh,
        **columns,
    }


@pytest.fixture
def days(warehouse):
    """Build and answer bill_day, by day."""

    def answer(**scope):
        warehouse.build("rollups/bill_day.sql", **scope)
        return warehouse.execute("FROM rollups.bill_day ORDER BY day, row_number")

    return answer


def meter(warehouse, *daily_kwh):
    """Read the utility meter once a day from 1 January 2023 on."""
    readings = (
        {
            "meter_id": "utility",
            "boundary": "utility",
            "started_at_utc": NEW_YEAR_UTC + timedelta(days=day),
            "ended_at_utc": NEW_YEAR_UTC + timedelta(days=day + 1),
            "energy_kwh": float(kwh),
        }
        for day, kwh in enumerate(daily_kwh)
    )
    warehouse.stage("facility_readings", *readings)


def test_a_line_falls_evenly_on_its_days_and_sums_to_itself(warehouse, days):
    # 1 000 kWh in 31 days: 32.258… a day, which nine decimals cannot hold; the days still are 1 000 kWh.
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 1000.0))
    found = days()
    assert found["day"].to_list() == [JANUARY + timedelta(days=day) for day in range(31)]
    assert found["energy_kwh"].sum() == Decimal(1000)
    assert found["energy_kwh"].min() == Decimal("32.258064516")
    assert found["proration"].unique().to_list() == ["even"]


def test_each_line_says_how_it_was_spread_and_where_it_stands(warehouse, days):
    # January is metered, 60 kWh on its first 10 days and 20 on the others: 600 + 420 = 1 020. February is not.
    meter(warehouse, *[60] * 10, *[20] * 21)
    warehouse.stage(
        "utility_bills",
        bill(JANUARY, FEBRUARY, 2040.0, invoice_id="I-1", file_id="a" * 64),
        bill(FEBRUARY, MARCH, 280.0, invoice_id="I-2", file_id="b" * 64, is_estimated=True),
    )
    found = (
        days()
        .group_by("month_start", "invoice_id", "file_id", "row_number", "proration", "is_estimated")
        .agg(
            pl.col("energy_kwh").sum(),
            days=pl.len(),
            first_kwh=pl.col("energy_kwh").first(),
            rank=pl.col("evidence_rank").max(),
        )
    )
    assert sorted(found.rows()) == [
        (JANUARY, "I-1", "a" * 64, 1 + 31, "load shape", False, Decimal(2040), 31, Decimal(120), 2),
        (FEBRUARY, "I-2", "b" * 64, 2 + 31, "even", True, Decimal(280), 28, Decimal(10), 4),
    ]


def test_lines_that_are_alike_are_two_lines(warehouse, days):
    # A row of a Chinese bill gives a line per tariff period: the same row number, days, and here the same quantity.
    warehouse.insert(
        "staged.utility_bills",
        *(
            bill(JANUARY, FEBRUARY, 310.0, site_id="site-a", file_id="0", row_number=2, evidence_class="metered",
                 line_type="consumption", is_estimated=False, revision=0, tariff_period=tariff_period)
            for tariff_period in ("peak", "valley")
        ),
    )  # fmt: skip
    found = days()
    assert (found.height, found["energy_kwh"].sum(), found["energy_kwh"].max()) == (62, Decimal(620), Decimal(10))


def test_water_and_fuel_have_their_own_quantities(warehouse, days):
    water = {"commodity": "water", "meter_id": "water", "water_m3": 62.0}
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, None, **water))
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 31.0, commodity="diesel", meter_id="tank"))
    found = days().group_by("commodity").agg(pl.col("energy_kwh", "water_m3").sum()).sort("commodity")
    assert found.rows() == [("diesel", Decimal(31), Decimal(0)), ("water", Decimal(0), Decimal(62))]


def test_only_days_of_the_scope_are_rows_and_the_whole_line_decides(warehouse, days):
    # 20 kWh on each of the last 5 days of March, 50 on the first 5 of April: 700 kWh are 200 and 500.
    line = bill(date(2023, 3, 27), date(2023, 4, 6), 700.0)
    warehouse.stage("utility_bills", line)
    meter(warehouse, *[20] * 90, *[50] * 30)
    found = days(start=date(2023, 4, 1), end=date(2023, 7, 1))
    assert found["day"].to_list() == [date(2023, 4, day) for day in range(1, 6)]
    assert found["energy_kwh"].sum() == Decimal(500)


# --- T3: End Date is the day after the last in one family of files and the last day in the other.

PORTFOLIO = "Portfolio Manager ID,Portfolio Manager Meter ID,Meter Type,Start Date,End Date,Usage/Quantity,Usage Units"
FAMILIES = {
    "exclusive": ("2023-01-15,2023-02-15", "2023-02-15,2023-03-15"),
    "inclusive": ("2023-01-15,2023-02-14", "2023-02-15,2023-03-14"),
}


@pytest.fixture
def from_portfolio_manager(warehouse, tmp_path):
    """Stage a Portfolio Manager file of two bills, 310 and 280 kWh, the way a landed file goes."""

    def stage(family):
        rows = [
            f"1,account-1,Electric - Grid,{period},{kwh},kWh (thousand Watt-hours)"
            for period, kwh in zip(FAMILIES[family], (310, 280), strict=True)
        ]
        path = tmp_path / f"{family}.csv"
        path.write_text("\n".join([PORTFOLIO, *rows]) + "\n")
        (chunk,) = portfolio_manager.read(path, {})
        raw = check(chunk, CONTRACT).accepted.with_columns(
            site_id=pl.lit("site-a"), file_id=pl.lit(family), evidence_class=pl.lit("metered")
        )
        warehouse.execute("CREATE SCHEMA IF NOT EXISTS raw")
        warehouse.connection.register("landed", raw)
        warehouse.execute("CREATE OR REPLACE TABLE raw.portfolio_manager AS FROM landed")
        fed = warehouse.run("staged/utility_bills/portfolio_manager.sql")
        checked = check(Chunk(fed), DATASETS["utility_bills"], time_zone="UTC")
        assert checked.rejected.is_empty()
        warehouse.execute("DELETE FROM staged.utility_bills")
        warehouse.connection.register("accepted", checked.accepted)
        warehouse.execute("INSERT INTO staged.utility_bills BY NAME FROM accepted")

    return stage


def test_t03_both_families_of_end_dates_give_the_same_daily_energy(from_portfolio_manager, days):
    found = {}
    for family in FAMILIES:
        from_portfolio_manager(family)
        found[family] = days().select("day", "energy_kwh")
    assert found["inclusive"].equals(found["exclusive"])
    # 31 days of 10 kWh and 28 of 10 kWh from 15 January to 14 March: no gap, no overlap.
    assert found["inclusive"]["day"].to_list() == [date(2023, 1, 15) + timedelta(days=day) for day in range(59)]
    assert found["inclusive"]["energy_kwh"].to_list() == [Decimal(10)] * 59
