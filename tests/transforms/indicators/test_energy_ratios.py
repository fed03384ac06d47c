"""PUE, WUE, REF, ERF, CUE, the facility's compute efficiency, rack occupancy, unexplained energy."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
NEW_YEAR_UTC = datetime(2022, 12, 31, 16)
GWH = 1e6


def bill(kwh, **columns):
    return {
        "meter_id": "account-1",
        "commodity": "electricity",
        "service_start": JANUARY,
        "service_end": FEBRUARY,
        "energy_kwh": kwh,
        **columns,
    }


def meter(boundary, kwh, days=31, **columns):
    return {
        "meter_id": boundary,
        "boundary": boundary,
        "started_at_utc": NEW_YEAR_UTC,
        "ended_at_utc": NEW_YEAR_UTC + timedelta(days=days),
        "energy_kwh": kwh,
        **columns,
    }


def claim(instrument, kwh, **columns):
    return {
        "certificate_id": instrument,
        "instrument": instrument,
        "energy_kwh": kwh,
        "vintage_start": JANUARY,
        "vintage_end": FEBRUARY,
        "retired_on": date(2023, 3, 1),
        **columns,
    }


@pytest.fixture
def fact(warehouse, build_energy):
    """The fact of one indicator in one month."""

    def answer(indicator, month=JANUARY):
        build_energy()
        warehouse.build("rollups/energy_reconciliation_month.sql")
        rows = warehouse.run(f"indicators/supplementary/{indicator}.sql")
        return next(row for row in rows.iter_rows(named=True) if row["month_start"] == month)

    return answer


def value(row):
    return float(row["numerator"]) / float(row["denominator"])


@pytest.fixture
def w10(warehouse):
    """W10: EDC 10 GWh (9 from the grid, 1 made on site), EIT 8 GWh, 12 000 m3, 1.5 GWh reused, ERES 2 + 3 + 1 GWh."""
    warehouse.stage("utility_bills", bill(9 * GWH), bill(None, meter_id="water", commodity="water", water_m3=12_000.0))
    warehouse.stage(
        "facility_readings",
        meter("ups_output", 8 * GWH),
        meter("heat_reuse", 1.5 * GWH),
        meter("on_site_renewable", 1 * GWH),
    )
    warehouse.stage("energy_certificates", claim("gec", 2 * GWH), claim("ppa", 3 * GWH))


@pytest.mark.usefixtures("w10")
@pytest.mark.parametrize(("indicator", "expected"), [("pue", 1.25), ("wue", 1.5), ("erf", 0.15), ("ref", 0.60)])
def test_w10(fact, indicator, expected):
    row = fact(indicator)
    assert value(row) == expected
    assert row["observed"] == row["expected"] == 744
    assert row["gap"] is None


@pytest.mark.usefixtures("w10")
def test_cue_is_carbon_over_it(fact):
    # 9 GWh from the grid x 0.6516 (Hebei 2023) / 8 GWh
    row = fact("cue")
    assert value(row) == pytest.approx(9 * 0.6516 / 8, rel=1e-12)
    assert row["reference_rows"] == ["grid_emission_factors/CN-HE/2023/average"]


def test_it_known_for_part_of_the_month_is_held_against_the_same_part(warehouse, fact):
    # 3 100 kWh in 31 days; IT 800 kWh in the first 10: 1 000 / 800, coverage 10 / 31.
    warehouse.stage("utility_bills", bill(3100.0))
    warehouse.stage("facility_readings", meter("ups_output", 800.0, days=10))
    row = fact("pue")
    assert value(row) == pytest.approx(1.25, rel=1e-8)
    assert (row["observed"], row["expected"]) == (240, 744)


@pytest.mark.parametrize(
    ("indicator", "gap"),
    [("pue", "no meter readings"), ("wue", "no bill"), ("erf", "no meter readings"), ("ref", "no certificates")],
)
def test_an_unknown_side_is_named(warehouse, fact, indicator, gap):
    warehouse.stage("utility_bills", bill(1000.0))
    row = fact(indicator)
    assert (row["numerator"], row["denominator"], row["gap"]) == (None, None, gap)
    assert (row["observed"], row["expected"]) == (0, 744)


def test_a_facility_without_bill_or_utility_meter_has_no_pue(warehouse, fact):
    warehouse.stage("facility_readings", meter("ups_output", 800.0))
    assert fact("pue")["gap"] == "no bill"


def test_a_month_after_the_first_claim_without_one_is_none(warehouse, fact):
    # Claims in January only: February is 0 of 1 000 kWh, and not unknown.
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("utility_bills", bill(1000.0, service_start=FEBRUARY, service_end=date(2023, 3, 1)))
    warehouse.stage("energy_certificates", claim("gec", 400.0))
    assert value(fact("ref")) == 0.4
    assert value(fact("ref", FEBRUARY)) == 0


def test_claims_by_year_may_exceed_a_month_and_by_month_may_not(warehouse, fact):
    # 4 000 claimed of the 1 000 kWh that January used: the year's sum decides, so the month keeps its bound beside it.
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("energy_certificates", claim("gec", 4000.0))
    row = fact("ref")
    assert (row["numerator"], row["numerator_at_most"], row["denominator"]) == (4000, 1000, 1000)
    assert value(fact("ref_monthly")) == 1


def test_claims_are_of_grid_electricity_and_not_of_a_generators(warehouse, fact):
    # 900 kWh from the grid, 100 from a generator, 5 000 claimed: 900 of 1 000.
    warehouse.stage("utility_bills", bill(900.0))
    warehouse.stage("facility_readings", meter("generator", 100.0))
    warehouse.stage("energy_certificates", claim("gec", 5000.0))
    assert fact("ref")["numerator_at_most"] == 900
    assert value(fact("ref_monthly")) == 0.9


def test_certificates_by_the_hour_are_withheld(warehouse, build_energy):
    # Certificates state days: nothing is known of hours.
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("energy_certificates", claim("gec", 400.0))
    build_energy(certificate_matching="hourly")
    row = warehouse.run("indicators/supplementary/ref.sql", certificate_matching="hourly").row(0, named=True)
    assert (row["numerator"], row["gap"]) == (None, "no certificates")


def test_p08_days_between_two_bills_lower_the_coverage_and_count_on_neither_side(warehouse, fact):
    # Billed 1 to 20 and 26 to 31 January, 100 kWh a day: 2 600. IT is read throughout, 80 kWh a day: 2 080 in 26 days.
    warehouse.stage(
        "utility_bills",
        bill(2000.0, service_end=date(2023, 1, 21)),
        bill(600.0, service_start=date(2023, 1, 26)),
    )
    warehouse.stage("facility_readings", meter("ups_output", 2480.0))
    row = fact("pue")
    assert value(row) == pytest.approx(1.25, rel=1e-8)
    assert float(row["observed"] / row["expected"]) == pytest.approx(26 / 31, rel=1e-8)


def test_p13_an_estimated_bill_is_estimated_evidence_of_what_rests_on_it(warehouse, fact):
    warehouse.stage("facility_readings", meter("ups_output", 800.0))
    warehouse.stage("utility_bills", bill(1000.0))
    measured = fact("pue")
    warehouse.execute("UPDATE staged.utility_bills SET is_estimated = true")
    estimated = fact("pue")
    assert (measured["evidence_rank"], estimated["evidence_rank"]) == (2, 4)
    assert value(measured) == value(estimated) == 1.25


def test_p10_ratios_of_a_quarter_are_ratios_of_sums(warehouse, fact):
    # PUE of 1.5 over 100 kWh and of 1.1 over 900 kWh: 1.14 together, not the mean 1.3 of the months.
    march = date(2023, 3, 1)
    warehouse.stage("utility_bills", bill(150.0), bill(990.0, service_start=FEBRUARY, service_end=march))
    later = {"started_at_utc": NEW_YEAR_UTC + timedelta(days=31), "ended_at_utc": NEW_YEAR_UTC + timedelta(days=59)}
    warehouse.stage("facility_readings", meter("ups_output", 100.0), meter("ups_output", 900.0, **later))
    january, february = fact("pue"), fact("pue", FEBRUARY)
    assert (value(january), value(february)) == (1.5, 1.1)
    assert (january["numerator"] + february["numerator"]) / (
        january["denominator"] + february["denominator"]
    ) == Decimal("1.14")


def test_a_claim_is_no_evidence_of_unexplained_energy(warehouse, fact):
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("facility_readings", meter("utility", 990.0))
    before = fact("unexplained_energy_ratio")
    warehouse.stage("energy_certificates", claim("gec", 100.0, evidence_class="estimated"))
    assert fact("unexplained_energy_ratio") == before


def test_compute_efficiency_at_the_facility_boundary(warehouse, fact):
    # 100 H100 at 989 TFLOPS over 744 h and 100 MWh: 989 x 1e3 x 100 x 744 GFLOPS·h / 1e8 W·h = 735.8 GFLOPS/W.
    # With as many devices of unknown peak, half of the electricity belongs to the known ones.
    gpus = {
        "asset_id": "known",
        "asset_class": "accelerator",
        "sku": "H100 SXM 80GB",
        "quantity": 100,
        "in_service_from": date(2022, 1, 1),
    }
    warehouse.stage("utility_bills", bill(100_000.0))
    warehouse.stage("hardware_assets", gpus)
    assert value(fact("facility_compute_efficiency")) == pytest.approx(735.816, rel=1e-9)
    warehouse.stage("hardware_assets", {**gpus, "asset_id": "unknown", "sku": "unheard of"})
    row = fact("facility_compute_efficiency")
    assert value(row) == pytest.approx(2 * 735.816, rel=1e-9)
    assert (row["observed"], row["expected"]) == (372, 744)


def test_racks_hold_what_is_not_built_into_something_else(warehouse, fact):
    # The site has 1 000 U. 40 servers of 8 U for all of January, 10 switches of 2 U for its last 15 days:
    # (320 x 31 + 20 x 15) / (1 000 x 31). Accelerators are inside; storage of unknown height is unknown.
    asset = {"sku": "x", "in_service_from": date(2022, 1, 1)}
    warehouse.stage(
        "hardware_assets",
        {**asset, "asset_id": "servers", "asset_class": "accelerator_server", "quantity": 40, "rack_units": 8.0},
        {
            **asset,
            "asset_id": "switches",
            "asset_class": "network",
            "quantity": 10,
            "rack_units": 2.0,
            "in_service_from": date(2023, 1, 17),
        },
        {
            **asset,
            "asset_id": "gpus",
            "asset_class": "accelerator",
            "quantity": 320,
            "rack_units": 1.0,
            "parent_asset_id": "servers",
        },
        {**asset, "asset_id": "storage", "asset_class": "storage", "quantity": 10},
    )
    row = fact("rack_occupancy")
    assert value(row) == pytest.approx((320 * 31 + 20 * 15) / 31_000, rel=1e-9)
    assert float(row["observed"] / row["expected"]) == pytest.approx(
        (40 * 31 + 10 * 15) / (50 * 31 + 10 * 15), rel=1e-9
    )


def test_a_site_that_does_not_state_its_racks_has_no_occupancy(warehouse, fact):
    warehouse.execute("UPDATE reference.sites SET rack_units = NULL")
    warehouse.stage(
        "hardware_assets",
        {
            "asset_id": "s",
            "asset_class": "server",
            "sku": "x",
            "quantity": 1,
            "rack_units": 1.0,
            "in_service_from": date(2022, 1, 1),
        },
    )
    assert fact("rack_occupancy")["gap"] == "no inventory"


def test_unexplained_energy_does_not_cancel_over_months(warehouse, fact):
    # 50 too little in January, 50 too much in February: 100 of 2 000, not 0.
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("utility_bills", bill(1000.0, service_start=FEBRUARY, service_end=date(2023, 3, 1)))
    start = NEW_YEAR_UTC + timedelta(days=31)
    warehouse.stage(
        "facility_readings",
        meter("utility", 950.0),
        meter("utility", 1050.0, started_at_utc=start, ended_at_utc=start + timedelta(days=28)),
    )
    january, february = fact("unexplained_energy_ratio"), fact("unexplained_energy_ratio", FEBRUARY)
    assert (january["numerator"], february["numerator"]) == (50, 50)
    assert (january["observed"], january["expected"]) == (744, 744)
