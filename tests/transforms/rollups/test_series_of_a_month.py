"""Every account and meter for itself: what is missing weighs as what its own series would have stated."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

JANUARY, FEBRUARY, MARCH, APRIL = (date(2023, month, 1) for month in range(1, 5))
NEW_YEAR_UTC = datetime(2022, 12, 31, 16)  # local midnight of 1 January 2023


def bill(meter_id, start, end, daily_kwh, **columns):
    return {
        "meter_id": meter_id,
        "commodity": "electricity",
        "service_start": start,
        "service_end": end,
        "energy_kwh": float(daily_kwh * (end - start).days),
        **columns,
    }


def metered(meter_id, boundary, first, days, daily_kwh, **columns):
    """One reading per local day, counted from 1 January 2023."""
    return [
        {
            "meter_id": meter_id,
            "boundary": boundary,
            "started_at_utc": NEW_YEAR_UTC + timedelta(days=first + day),
            "ended_at_utc": NEW_YEAR_UTC + timedelta(days=first + day + 1),
            "energy_kwh": float(daily_kwh),
            **columns,
        }
        for day in range(days)
    ]


@pytest.fixture
def months(warehouse, build_energy):
    """Build and answer energy_month as a dictionary from month to row, in months that are local to site-a."""

    def answer(**scope):
        build_energy(**scope)
        rows = warehouse.execute("FROM rollups.energy_month ORDER BY month_start")
        return {row["month_start"]: row for row in rows.iter_rows(named=True)}

    return answer


def test_an_account_whose_meter_is_exchanged_in_mid_month_is_known_throughout(warehouse, months):
    exchange = date(2023, 2, 15)
    warehouse.stage(
        "utility_bills",
        bill("5501/OLD", JANUARY, FEBRUARY, 1000),
        bill("5501/OLD", FEBRUARY, exchange, 1000),
        bill("5501/NEW", exchange, MARCH, 1000),
        bill("5501/NEW", MARCH, APRIL, 1000),
    )
    answer = months(start=JANUARY, end=APRIL)
    assert [answer[month]["facility_days"] for month in (JANUARY, FEBRUARY, MARCH)] == [31, 28, 31]
    assert answer[FEBRUARY]["facility_kwh"] == 28_000


def test_days_between_two_meters_of_one_delivery_point_are_missing(warehouse, months):
    # Ten days of February, from the 11th to the 20th, are in no bill: 18 of 28 days are known.
    warehouse.stage(
        "utility_bills",
        bill("5501/OLD", JANUARY, date(2023, 2, 11), 1000),
        bill("5501/NEW", date(2023, 2, 21), APRIL, 1000),
    )
    assert months(start=JANUARY, end=APRIL)[FEBRUARY]["facility_days"] == 18


def test_an_account_opened_in_mid_month_is_no_silence(warehouse, months):
    warehouse.stage("utility_bills", bill("1/A", JANUARY, APRIL, 1000), bill("2/B", date(2023, 2, 15), APRIL, 500))
    february = months(start=JANUARY, end=APRIL)[FEBRUARY]
    assert (february["facility_days"], february["facility_kwh"]) == (28, 28_000 + 14 * 500)


@pytest.mark.parametrize("missing", ["last", "inner"])
def test_a_missing_bill_of_the_largest_account_takes_its_share_of_the_days(warehouse, months, missing):
    # Of 9 000 + 1 000 kWh a day only the small account is billed: a tenth of the month is known, 31 x 0.1 = 3.1 days
    # of March (last) and 2.8 of February (inner). 1 000 / 0.1 kWh a day is what the site uses, as in every month.
    bills = [bill("1/SMALL", JANUARY, APRIL, 1000), bill("2/LARGE", JANUARY, FEBRUARY, 9000)]
    end = (FEBRUARY, MARCH) if missing == "last" else (MARCH, APRIL)
    warehouse.stage("utility_bills", *bills, bill("2/LARGE", *end, 9000))
    month, days = (MARCH, 31) if missing == "last" else (FEBRUARY, 28)
    row = months(start=JANUARY, end=APRIL)[month]
    assert row["facility_days"] == Decimal(days) / 10
    assert row["facility_kwh"] / row["facility_days"] == 10_000


def test_an_account_of_another_delivery_point_is_no_successor(warehouse, months):
    # The account of 9 000 kWh a day ends, and one of another delivery point begins on that day.
    warehouse.stage(
        "utility_bills",
        bill("1/LARGE", JANUARY, MARCH, 9000),
        bill("2/NEW", MARCH, APRIL, 1000),
    )
    assert months(start=JANUARY, end=APRIL)[MARCH]["facility_days"] == Decimal("3.1")


def test_an_account_that_was_closed_says_so_by_a_last_bill_of_nothing(warehouse, months):
    warehouse.stage(
        "utility_bills",
        bill("1", JANUARY, APRIL, 1000),
        bill("2", JANUARY, FEBRUARY, 500),
        bill("2", FEBRUARY, MARCH, 0),
    )
    assert months(start=JANUARY, end=APRIL)[MARCH]["facility_days"] == 31


def test_a_large_meter_that_is_silent_weighs_as_what_it_would_have_passed(warehouse, months):
    # IT 900 + 100 kWh a day; the large meter misses 15 of 30 days of April: (450 + 100) of (900 + 100) kWh are known.
    first = (APRIL - JANUARY).days
    warehouse.stage("facility_readings", *metered("large", "it_input", 0, first + 15, 900))
    warehouse.stage("facility_readings", *metered("large", "it_input", first + 30, 31, 900))
    warehouse.stage("facility_readings", *metered("small", "it_input", 0, first + 61, 100))
    april = months(start=APRIL, end=date(2023, 7, 1))[APRIL]
    assert april["it_kwh"] == 15 * 900 + 30 * 100
    assert april["it_hours"] == Decimal(720) * 55 / 100


def test_a_server_that_says_0_w_is_expected_and_unknown(warehouse, months):
    # Two servers, one of which says 0 W: half of the 24 hours' energy is known, at the rate of the one that is known.
    hours = [NEW_YEAR_UTC + timedelta(hours=hour) for hour in range(25)]
    for node, power in (("a", 500.0), ("b", 0.0)):
        readings = [
            {"meter_id": node, "node_id": node, "boundary": "it_input", "started_at_utc": at, "ended_at_utc": at,
             "power_w": power}
            for at in hours
        ]  # fmt: skip
        warehouse.stage("facility_readings", *readings)
    january = months(start=JANUARY, end=APRIL)[JANUARY]
    # 24 hours and the hour that the last reading holds.
    assert (january["it_kwh"], january["it_hours"]) == (Decimal("12.5"), Decimal("12.5"))


def test_a_rack_meter_may_read_0_w(warehouse, months):
    warehouse.stage(
        "facility_readings", *metered("rack-1", "it_input", 0, 31, 0), *metered("rack-2", "it_input", 0, 31, 9)
    )
    january = months(start=JANUARY, end=FEBRUARY)[JANUARY]
    assert (january["it_kwh"], january["it_hours"]) == (31 * 9, 744)


def test_a_feeder_is_not_added_to_its_main(warehouse, months):
    warehouse.stage("facility_readings", *metered("main", "utility", 0, 31, 1000))
    for number, feeder_kwh in enumerate((600, 390)):
        feeder = metered(f"feeder-{number}", "utility", 0, 31, feeder_kwh, parent_meter_id="main")
        warehouse.stage("facility_readings", *feeder)
    warehouse.stage("facility_readings", *metered("sub", "utility", 0, 31, 100, parent_meter_id="feeder-0"))
    january = months(start=JANUARY, end=FEBRUARY)[JANUARY]
    assert (january["meter_kwh"], january["meter_hours"]) == (31_000, 744)


@pytest.mark.parametrize("daily_kwh", [None, 100])
def test_feeders_stand_in_for_a_main_that_is_silent_or_reads_less_than_they_do(warehouse, months, daily_kwh):
    main = metered("main", "utility", 0, 31, daily_kwh or 0)
    if daily_kwh is None:
        main = [{**reading, "energy_kwh": None, "temperature_c": 20.0} for reading in main]
    warehouse.stage("facility_readings", *main)
    for number, feeder_kwh in enumerate((600, 400)):
        feeder = metered(f"feeder-{number}", "utility", 0, 31, feeder_kwh, parent_meter_id="main")
        warehouse.stage("facility_readings", *feeder)
    january = months(start=JANUARY, end=FEBRUARY)[JANUARY]
    assert (january["meter_kwh"], january["meter_hours"]) == (31_000, 744)


def test_a_ups_meter_that_sees_less_than_the_it_behind_it_gives_way(warehouse, months):
    warehouse.stage("facility_readings", *metered("utility", "utility", 0, 31, 1500))
    warehouse.stage("facility_readings", *metered("ups", "ups_output", 0, 31, 100))
    warehouse.stage("facility_readings", *metered("it", "it_input", 0, 31, 1000))
    january = months(start=JANUARY, end=FEBRUARY)[JANUARY]
    assert (january["it_kwh"], january["it_source"], january["pue_category"]) == (31_000, "it_input", 3)


def test_a_bill_below_the_it_behind_it_gives_way_to_the_meter_or_is_withheld(warehouse, months, run):
    # One of two accounts was never registered: 400 kWh a day are billed where IT uses 1 000.
    warehouse.stage("utility_bills", bill("1", JANUARY, APRIL, 400))
    warehouse.stage("facility_readings", *metered("it", "it_input", 0, 90, 1000))
    warehouse.stage("facility_readings", *metered("utility", "utility", 0, 31, 1300))
    answer = months(start=JANUARY, end=APRIL)
    assert (answer[JANUARY]["facility_source"], answer[JANUARY]["facility_kwh"]) == ("meter", 31 * 1300)
    assert (answer[MARCH]["facility_source"], answer[MARCH]["facility_kwh"]) == (None, None)
    assert answer[MARCH]["bill_kwh"] == 31 * 400
    facts = run("indicators/supplementary/pue.sql", start=JANUARY, end=APRIL)
    assert dict(facts.select("month_start", "gap").iter_rows())[MARCH] == "contradictory meters"


@pytest.mark.parametrize(("made", "exported", "facility", "used"), [(400, 150, 1250, 250), (100, 150, 950, 0)])
def test_what_is_given_back_to_the_grid_is_no_consumption(warehouse, months, made, exported, facility, used):
    # 1 000 + 400 - 150 = 1 250 kWh a day, 250 of them from the own roof; of 1 000 + 100 - 150 = 950 none.
    warehouse.stage("utility_bills", bill("1", JANUARY, FEBRUARY, 1000))
    warehouse.stage("facility_readings", *metered("roof", "on_site_renewable", 0, 31, made))
    warehouse.stage("facility_readings", *metered("out", "export", 0, 31, exported))
    january = months(start=JANUARY, end=FEBRUARY)[JANUARY]
    assert (january["facility_kwh"], january["on_site_used_kwh"]) == (31 * facility, 31 * used)
    assert january["grid_kwh"] == 31_000


def test_findings_name_the_account_the_meter_the_boundary_and_the_site(warehouse, months):
    warehouse.stage("utility_bills", bill("1/SMALL", JANUARY, APRIL, 100), bill("2/LARGE", JANUARY, MARCH, 900))
    warehouse.stage("facility_readings", *metered("ups", "ups_output", 0, 90, 10))
    warehouse.stage("facility_readings", *metered("it", "it_input", 0, 90, 2000, parent_meter_id="pdu"))
    warehouse.stage("facility_readings", *metered("pdu", "pdu_output", 0, 90, 1000))
    zero = metered("bmc", "it_input", 0, 2, 0, node_id="bmc")
    warehouse.stage("facility_readings", *zero)
    scope = {"start": JANUARY, "end": APRIL}
    months(**scope)
    warehouse.build("rollups/run_energy.sql", **scope)
    found = warehouse.run("rollups/telemetry_findings_month.sql", **scope)
    named = set(found.select("month_start", "subject_kind", "subject_id", "rule").iter_rows())
    assert {
        (MARCH, "account", "2/LARGE", "last_bill_missing"),
        (JANUARY, "meter", "pdu", "less_than_behind"),
        (JANUARY, "boundary", "ups_output", "less_than_behind"),
        (JANUARY, "meter", "bmc", "zero_power_while_on"),
        (JANUARY, "site", "site-a", "less_than_behind"),
    } <= named
    assert not any(kind == "account" and month != MARCH for month, kind, *_ in named)
