"""Factors that are missing are named: place, year, kind, the nearest there is, and what to add."""

from datetime import date, datetime, timedelta

from suanheng.flows.status.missing_factors import missing_factors
from suanheng.warehouse.lake import Lake

BILL = {
    "meter_id": "account",
    "commodity": "electricity",
    "service_start": date(2024, 1, 1),
    "service_end": date(2024, 3, 1),
    "energy_kwh": 6000.0,
}


def test_a_year_beyond_reach_is_named_with_the_nearest_and_the_columns_to_add(warehouse, build_energy):
    warehouse.stage("utility_bills", BILL)
    build_energy(grid_factor_at_most_years_old=0)
    (row,) = missing_factors(Lake(warehouse.connection, data_path=""), "site-a")
    assert (row["region"], row["year"], row["kind"], row["months"]) == ("CN-HE", 2024, "grid, average", 2)
    assert row["nearest"] == "grid_emission_factors/CN-HE/2023/average"
    assert row["add to"] == "reference/grid_emission_factors.csv"
    known = {row[0] for row in warehouse.connection.execute("DESCRIBE reference.grid_emission_factors").fetchall()}
    assert set(row["columns"].split(",")) <= known


def test_what_is_within_reach_is_not_missing(warehouse, build_energy):
    warehouse.stage("utility_bills", BILL)
    build_energy()
    assert missing_factors(Lake(warehouse.connection, data_path="")) == []


def test_a_place_nothing_is_known_of_has_no_nearest(warehouse, build_energy):
    warehouse.add_site("site-br", region_code=None, country="BR")
    warehouse.stage("utility_bills", {**BILL, "site_id": "site-br"})
    build_energy(site_id="site-br")
    (row,) = missing_factors(Lake(warehouse.connection, data_path=""))
    assert (row["site_id"], row["region"], row["nearest"]) == ("site-br", "BR", "none")


def test_an_own_generator_of_unknown_carbon_is_named(warehouse, build_energy):
    start = datetime(2023, 12, 31, 16)
    made = {"meter_id": "g", "boundary": "generator", "energy_kwh": 900.0}
    warehouse.stage("utility_bills", BILL)
    warehouse.stage("facility_readings", {**made, "started_at_utc": start, "ended_at_utc": start + timedelta(days=31)})
    build_energy()
    (row,) = missing_factors(Lake(warehouse.connection, data_path=""))
    assert (row["year"], row["add to"]) == (2024, "reference/parameters.csv")
    assert "generator_kgco2e_per_kwh" in row["kind"]
