"""Scope 1: fuel that was burnt on site, and electricity of own generators, which is never carbon-free."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
NEW_YEAR_UTC = datetime(2022, 12, 31, 16)


def bill(kwh, commodity="electricity", **columns):
    return {
        "meter_id": f"account of {commodity}",
        "commodity": commodity,
        "service_start": JANUARY,
        "service_end": FEBRUARY,
        "energy_kwh": kwh,
        **columns,
    }


def generator(kwh, **columns):
    return {
        "meter_id": "generator",
        "boundary": "generator",
        "started_at_utc": NEW_YEAR_UTC,
        "ended_at_utc": NEW_YEAR_UTC + timedelta(days=31),
        "energy_kwh": kwh,
        **columns,
    }


@pytest.fixture
def january(warehouse, build_energy):
    """Build and answer January of a rollup."""

    def answer(rollup="carbon_month"):
        build_energy()
        rows = warehouse.execute(f"FROM rollups.{rollup} WHERE month_start = ?", [JANUARY])
        return rows.row(0, named=True)

    return answer


def test_fuel_counts_beside_the_grids_electricity(warehouse, january):
    # 1 000 kWh in Hebei: 651.6 kg. Gas: 500 kWh x 0.202671419 = 101.335710 kg.
    # Diesel: 200 x 0.268022761 = 53.604552 kg.
    warehouse.stage("utility_bills", bill(1000.0), bill(500.0, "natural_gas"), bill(200.0, "diesel"))
    row = january()
    assert float(row["scope_1_kgco2e"]) == pytest.approx(154.940262, abs=1e-6)
    assert float(row["location_kgco2e"]) == pytest.approx(651.6 + 154.940262, abs=1e-6)
    # By market: 0.6096 x 1 000, and the same fuel: no certificate takes it away.
    assert float(row["market_kgco2e"]) == pytest.approx(609.6 + 154.940262, abs=1e-6)
    assert {"fuel_factors/natural_gas/DESNZ-2023", "fuel_factors/diesel/DESNZ-2023"} < set(row["reference_rows"])
    assert row["gap"] is None


def test_bought_heat_is_no_fuel(warehouse, january):
    warehouse.stage("utility_bills", bill(1000.0), bill(800.0, "heat"))
    assert january()["location_kgco2e"] == Decimal("651.6")


def test_a_generator_counts_by_the_fuel_that_made_its_electricity(warehouse, january):
    # 300 kWh out of 900 kWh of diesel: 900 x 0.268022761 = 241.220485 kg, and no factor for the 300 besides.
    warehouse.stage("utility_bills", bill(1000.0), bill(900.0, "diesel"))
    warehouse.stage("facility_readings", generator(300.0))
    row = january()
    assert january("fuel_carbon_month")["generator_known_by"] == "fuel"
    assert float(row["location_kgco2e"]) == pytest.approx(651.6 + 241.220485, abs=1e-6)
    assert row["energy_with_factor_kwh"] == row["energy_kwh"] == 1300


def test_fuel_that_holds_too_little_made_something_else(warehouse, january):
    # 300 kWh of electricity out of 400 kWh of gas would be 75 %: the gas heats, and the generator's fuel is unknown.
    warehouse.stage("utility_bills", bill(1000.0), bill(400.0, "natural_gas"))
    warehouse.stage("facility_readings", generator(300.0))
    row = january()
    assert january("fuel_carbon_month")["generator_known_by"] == "nothing"
    assert (row["energy_with_factor_kwh"], row["energy_kwh"], row["gap"]) == (1000, 1300, "no factor")


def test_a_declared_factor_stands_in_as_an_estimate(warehouse, january):
    # 0.8 kg/kWh for this site, and 9 for all others: 240 kg for 300 kWh.
    for reference_id, site_id, value in (("own", "site-a", 0.8), ("all", None, 9.0)):
        warehouse.insert(
            "reference.parameters",
            {
                "reference_id": f"parameters/generator_kgco2e_per_kwh/{reference_id}",
                "name": "generator_kgco2e_per_kwh",
                "text_value": site_id,
                "value": value,
                "valid_from": date(2020, 1, 1),
                "valid_to": date(9999, 12, 31),
                "is_usable": True,
            },
        )
    warehouse.stage("utility_bills", bill(1000.0, evidence_class="metered"))
    warehouse.stage("facility_readings", generator(300.0, evidence_class="metered"))
    row = january()
    assert float(row["location_kgco2e"]) == pytest.approx(651.6 + 240)
    assert row["evidence_rank"] == 4
    assert "parameters/generator_kgco2e_per_kwh/own" in row["reference_rows"]
    assert (row["energy_with_factor_kwh"], row["gap"]) == (1300, None)


@pytest.mark.parametrize("generated_kwh", [9000.0, 250.0])
def test_an_unknown_generator_lowers_the_coverage_by_its_share(warehouse, january, generated_kwh):
    # 1 000 kWh of the grid with carbon, the generator's without: CUE is taken over the grid's share of the IT energy.
    warehouse.stage("utility_bills", bill(1000.0))
    it = {"meter_id": "it", "boundary": "it_input"}
    warehouse.stage("facility_readings", generator(generated_kwh), generator(800.0, **it))
    january()
    share = 1000 / (1000 + generated_kwh)
    row = warehouse.run("indicators/supplementary/cue.sql", start=JANUARY, end=FEBRUARY).row(0, named=True)
    assert float(row["observed"] / row["expected"]) == pytest.approx(share)
    assert float(row["numerator"]) == pytest.approx(651.6)
    assert float(row["denominator"]) == pytest.approx(800 * share)


def test_own_renewables_carry_no_carbon(warehouse, january):
    warehouse.stage("utility_bills", bill(1000.0))
    solar = {"meter_id": "roof", "boundary": "on_site_renewable"}
    warehouse.stage("facility_readings", generator(300.0, **solar))
    row = january()
    assert (row["location_kgco2e"], row["gap"]) == (Decimal("651.6"), None)
