"""Energy of a month: bills, meters, claims, water, and which of them counts."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
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


def metered_days(boundary, daily_kwh, first=0, meter_id=None):
    """One reading per local day, counted from 1 January 2023."""
    return [
        {
            "meter_id": meter_id or boundary,
            "boundary": boundary,
            "started_at_utc": NEW_YEAR_UTC + timedelta(days=first + day),
            "ended_at_utc": NEW_YEAR_UTC + timedelta(days=first + day + 1),
            "energy_kwh": float(kwh),
        }
        for day, kwh in enumerate(daily_kwh)
    ]


def claim(certificate_id, kwh, **columns):
    return {
        "certificate_id": certificate_id,
        "instrument": "gec",
        "energy_kwh": kwh,
        "vintage_start": JANUARY,
        "vintage_end": FEBRUARY,
        "retired_on": date(2023, 3, 1),
        **columns,
    }


@pytest.fixture
def months(warehouse, build_energy):
    """Build and answer energy_month as a dictionary from month to row."""

    def answer(**scope):
        build_energy(**scope)
        rows = warehouse.execute("FROM rollups.energy_month ORDER BY month_start")
        return {row["month_start"]: row for row in rows.iter_rows(named=True)}

    return answer


def test_a_bill_of_one_month_is_that_month(warehouse, months):
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 1000.0))
    january = months()[JANUARY]
    assert january["facility_kwh"] == january["grid_kwh"] == january["bill_kwh"] == Decimal(1000)
    assert (january["facility_source"], january["facility_days"], january["bill_proration"]) == ("bill", 31, "even")
    assert january["it_kwh"] is None


def test_a_bill_straddling_months_falls_evenly_on_days(warehouse, months):
    # 16 January to 14 February inclusive: 30 days at 100 kWh, 16 of them in January.
    warehouse.stage("utility_bills", bill(date(2023, 1, 16), date(2023, 2, 15), 3000.0))
    answer = months()
    assert [answer[month]["bill_kwh"] for month in (JANUARY, FEBRUARY)] == [Decimal(1600), Decimal(1400)]
    assert [answer[month]["bill_days"] for month in (JANUARY, FEBRUARY)] == [Decimal(16), Decimal(14)]


def test_a_metered_bill_follows_the_load(warehouse, months):
    # The same bill, but the meter saw 300 kWh a day in January and 100 in February: 16 x 300 = 4 800 of 6 200 kWh.
    warehouse.stage("utility_bills", bill(date(2023, 1, 16), date(2023, 2, 15), 3100.0))
    warehouse.stage("facility_readings", *metered_days("utility", [300] * 31 + [100] * 28))
    answer = months()
    assert [answer[month]["bill_kwh"] for month in (JANUARY, FEBRUARY)] == [Decimal(2400), Decimal(700)]
    assert answer[JANUARY]["bill_proration"] == "load shape"


def test_the_parts_of_a_bill_do_not_depend_on_the_scope(warehouse, months):
    # A bill across two quarters: each quarter built alone gives what both give together.
    start = date(2023, 3, 20) - JANUARY
    warehouse.stage("utility_bills", bill(date(2023, 3, 20), date(2023, 4, 19), 900.0))
    warehouse.stage("facility_readings", *metered_days("utility", [20] * 12 + [50] * 18, first=start.days))
    together = months()
    first = months(start=JANUARY, end=date(2023, 4, 1))
    second = months(start=date(2023, 4, 1), end=date(2023, 7, 1))
    assert first[date(2023, 3, 1)] == together[date(2023, 3, 1)]
    assert second[date(2023, 4, 1)] == together[date(2023, 4, 1)]
    # 12 x 20 = 240 of 1 140 kWh of load: 900 x 240 / 1140
    assert together[date(2023, 3, 1)]["bill_kwh"] == Decimal("189.473684211")


def test_a_load_metered_in_part_does_not_shape_a_bill(warehouse, months):
    warehouse.stage("utility_bills", bill(date(2023, 1, 16), date(2023, 2, 15), 3000.0))
    warehouse.stage("facility_readings", *metered_days("utility", [300] * 30))
    answer = months()
    assert answer[JANUARY]["bill_kwh"] == Decimal(1600)
    assert answer[JANUARY]["bill_proration"] == "even"


def test_a_late_corrected_bill_changes_the_month_by_the_difference(warehouse, months):
    # staged keeps the highest revision: 3 000 kWh become 3 300. January holds 16 of 30 days: 160 kWh more.
    warehouse.stage("utility_bills", bill(date(2023, 1, 16), date(2023, 2, 15), 3000.0))
    before = months()
    warehouse.execute("UPDATE staged.utility_bills SET energy_kwh = 3300, revision = 1")
    after = months()
    assert after[JANUARY]["bill_kwh"] - before[JANUARY]["bill_kwh"] == Decimal(160)
    assert after[FEBRUARY]["bill_kwh"] - before[FEBRUARY]["bill_kwh"] == Decimal(140)


def test_an_adjustment_adds_and_a_demand_charge_does_not(warehouse, months):
    warehouse.stage(
        "utility_bills",
        bill(JANUARY, FEBRUARY, 1000.0),
        bill(JANUARY, FEBRUARY, -100.0, line_type="adjustment"),
        bill(JANUARY, FEBRUARY, 555.0, line_type="demand"),
    )
    january = months()[JANUARY]
    assert (january["bill_kwh"], january["bill_days"]) == (Decimal(900), Decimal(31))


def test_an_adjustment_alone_is_no_bill_of_the_month(warehouse, months):
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, -100.0, line_type="adjustment"))
    january = months()[JANUARY]
    assert (january["bill_kwh"], january["bill_days"]) == (Decimal(-100), 0)
    assert (january["facility_source"], january["facility_kwh"]) == (None, None)


@pytest.mark.parametrize("minutes", [15, 60])
def test_a_bill_follows_the_load_over_the_end_of_daylight_saving(warehouse, months, minutes):
    # New York, 1 kW throughout. 15 October to 14 November 2023 has 745 hours, 408 of them (17 days) in October.
    warehouse.add_site("site-ny", time_zone="America/New_York")
    warehouse.stage("utility_bills", bill(date(2023, 10, 15), date(2023, 11, 15), 7450.0, site_id="site-ny"))
    first, step = datetime(2023, 10, 1, 4), timedelta(minutes=minutes)  # local midnight of 1 October
    starts = [first + number * step for number in range(50 * 24 * 60 // minutes)]
    readings = (
        {
            "site_id": "site-ny",
            "meter_id": "utility",
            "boundary": "utility",
            "started_at_utc": start,
            "ended_at_utc": start + step,
            "energy_kwh": minutes / 60,
        }
        for start in starts
    )
    warehouse.stage("facility_readings", *readings)
    october = months(site_id="site-ny", start=date(2023, 10, 1), end=date(2024, 1, 1))[date(2023, 10, 1)]
    assert (october["bill_kwh"], october["bill_proration"]) == (Decimal(4080), "load shape")


def test_the_lines_of_a_bill_add_up_and_its_days_count_once(warehouse, months):
    # One bill in four tariff periods, each a line of its own for the same 31 days: 100 + 400 + 300 + 200 kWh.
    parts = {"sharp": 100.0, "peak": 400.0, "flat": 300.0, "valley": 200.0}
    warehouse.stage("utility_bills", *(bill(JANUARY, FEBRUARY, kwh, tariff_period=part) for part, kwh in parts.items()))
    january = months()[JANUARY]
    assert (january["bill_kwh"], january["bill_days"]) == (Decimal(1000), Decimal(31))


def test_days_between_two_bills_are_a_gap(warehouse, months):
    # 1 to 20 and 26 to 31 January: 26 of 31 days, and nothing is made up for the other five.
    first, second = bill(JANUARY, date(2023, 1, 21), 2000.0), bill(date(2023, 1, 26), FEBRUARY, 600.0)
    warehouse.stage("utility_bills", first, second)
    january = months()[JANUARY]
    assert (january["bill_kwh"], january["bill_days"], january["facility_days"]) == (2600, 26, 26)


def test_a_second_account_without_its_bill_lowers_the_days(warehouse, months):
    # Account 2 is billed in December and February but not in January. At its 700 kWh of December, 1 000 of 1 700 kWh of
    # January are known: 31 x 1 000 / 1 700 days.
    warehouse.stage(
        "utility_bills",
        bill(JANUARY, FEBRUARY, 1000.0),
        bill(date(2022, 12, 1), JANUARY, 700.0, meter_id="account-2"),
        bill(FEBRUARY, date(2023, 3, 1), 700.0, meter_id="account-2"),
    )
    assert months()[JANUARY]["bill_days"] == Decimal("18.235294118")


def test_an_estimated_bill_is_estimated_evidence(warehouse, months):
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 1000.0, is_estimated=True, evidence_class="metered"))
    january = months()[JANUARY]
    assert january["estimated_bill_kwh"] == Decimal(1000)
    assert january["facility_evidence_rank"] == 4


def test_meters_stand_in_where_they_cover_more(warehouse, months):
    # Half a month is billed, the meter knows all of it.
    warehouse.stage("utility_bills", bill(JANUARY, date(2023, 1, 16), 1500.0))
    warehouse.stage("facility_readings", *metered_days("utility", [90] * 31))
    january = months()[JANUARY]
    assert (january["facility_source"], january["facility_kwh"], january["facility_days"]) == ("meter", 2790, 31)
    assert january["bill_kwh"] == Decimal(1500)


def test_what_the_site_makes_itself_is_part_of_what_it_uses(warehouse, months):
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 1000.0))
    warehouse.stage(
        "facility_readings", *metered_days("on_site_renewable", [10] * 31), *metered_days("generator", [1] * 31)
    )
    january = months()[JANUARY]
    assert january["grid_kwh"] == Decimal(1000)
    assert january["facility_kwh"] == Decimal(1341)  # 1 000 + 310 + 31
    assert january["on_site_renewable_kwh"] == Decimal(310)


@pytest.mark.parametrize(
    ("boundaries", "source", "category"),
    [
        (("ups_output", "pdu_output", "it_input"), "ups_output", 1),
        (("pdu_output", "it_input"), "pdu_output", 2),
        (("it_input",), "it_input", 3),
    ],
)
def test_it_energy_is_taken_as_near_to_the_grid_as_measured(warehouse, months, boundaries, source, category):
    for boundary in boundaries:
        warehouse.stage("facility_readings", *metered_days(boundary, [80] * 31))
    january = months()[JANUARY]
    assert (january["it_source"], january["pue_category"], january["it_kwh"]) == (source, category, 2480)
    assert january["it_hours"] == Decimal(744)
    assert january["facility_kwh"] is None


def test_a_category_known_for_less_time_gives_way(warehouse, months):
    warehouse.stage("facility_readings", *metered_days("ups_output", [80] * 20), *metered_days("it_input", [70] * 31))
    assert months()[JANUARY]["it_source"] == "it_input"


def test_a_silent_meter_lowers_the_hours(warehouse, months):
    # Two UPS; the second is silent from 11 to 31 January and back in February: (744 + 240) / 2 h.
    warehouse.stage(
        "facility_readings",
        *metered_days("ups_output", [80] * 59, meter_id="ups-1"),
        *metered_days("ups_output", [80] * 10, meter_id="ups-2"),
        *metered_days("ups_output", [80] * 28, first=31, meter_id="ups-2"),
    )
    assert months()[JANUARY]["it_hours"] == Decimal(492)


def test_claims_count_within_their_vintage_and_once_cancelled(warehouse, months):
    # A year of 3 650 kWh: 31 days in January, 310 kWh. Not cancelled: nothing. A contract is kept apart.
    year = {"vintage_start": JANUARY, "vintage_end": date(2024, 1, 1)}
    warehouse.stage(
        "energy_certificates",
        claim("a", 3650.0, **year),
        claim("b", 100.0, instrument="irec"),
        claim("c", 999.0, retired_on=None),
        claim("d", 50.0, instrument="ppa"),
    )
    january = months()[JANUARY]
    assert january["retired_certificate_kwh"] == Decimal(410)
    assert january["ppa_kwh"] == Decimal(50)


def test_on_site_claims_count_only_without_a_meter(warehouse, months):
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 1000.0))
    warehouse.stage("energy_certificates", claim("a", 70.0, instrument="on_site"))
    assert months()[JANUARY]["on_site_renewable_kwh"] == Decimal(70)
    warehouse.stage("facility_readings", *metered_days("on_site_renewable", [2] * 31))
    assert months()[JANUARY]["on_site_renewable_kwh"] == Decimal(62)


def test_water_is_billed_before_it_is_metered(warehouse, months):
    water = {"commodity": "water", "meter_id": "water", "water_m3": 310.0}
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, None, **water))
    meter = metered_days("water", [0] * 28, first=31)
    warehouse.stage("facility_readings", *({**row, "energy_kwh": None, "water_m3": 9.0} for row in meter))
    answer = months()
    assert (answer[JANUARY]["water_m3"], answer[JANUARY]["water_days"]) == (Decimal(310), Decimal(31))
    assert (answer[FEBRUARY]["water_m3"], answer[FEBRUARY]["water_days"]) == (Decimal(252), Decimal(28))


@pytest.mark.parametrize(("main", "expected"), [("water", 310), ("other", 310 + 93)])
def test_water_behind_the_water_meter_is_not_counted_again(warehouse, months, main, expected):
    # 10 m3 a day at the connection, 3 of them on to the cooling towers.
    meters = [
        {**row, "energy_kwh": None, "water_m3": water}
        for boundary, water in ((main, 10.0), ("cooling", 3.0))
        for row in metered_days(boundary, [0] * 31)
    ]
    warehouse.stage("facility_readings", *meters)
    assert months()[JANUARY]["water_m3"] == Decimal(expected)


def test_other_energy_is_kept_apart_from_electricity(warehouse, months):
    warehouse.stage(
        "utility_bills",
        bill(JANUARY, FEBRUARY, 1000.0),
        bill(JANUARY, FEBRUARY, 40.0, commodity="diesel", meter_id="tank"),
        bill(JANUARY, FEBRUARY, 60.0, commodity="natural_gas", meter_id="gas"),
    )
    january = months()[JANUARY]
    assert (january["facility_kwh"], january["other_fuel_kwh"]) == (Decimal(1000), Decimal(100))


def test_other_sites_do_not_count(warehouse, months):
    warehouse.add_site("site-b")
    warehouse.stage("utility_bills", bill(JANUARY, FEBRUARY, 1000.0, site_id="site-b"))
    assert months() == {}
