"""Claims of green power: within their vintage, once cancelled, for one site, and each kilowatt-hour once."""

from datetime import date
from decimal import Decimal

import pytest

JANUARY, FEBRUARY, APRIL = date(2023, 1, 1), date(2023, 2, 1), date(2023, 4, 1)


def claim(certificate_id, kwh=400.0, **columns):
    return {
        "certificate_id": certificate_id,
        "instrument": "gec",
        "energy_kwh": kwh,
        "vintage_start": JANUARY,
        "vintage_end": FEBRUARY,
        "retired_on": date(2023, 3, 1),
        **columns,
    }


def bill(kwh, start=JANUARY, end=FEBRUARY, **columns):
    return {
        "meter_id": "account-1",
        "commodity": "electricity",
        "service_start": start,
        "service_end": end,
        "energy_kwh": kwh,
        **columns,
    }


@pytest.fixture
def claims(warehouse, build_energy):
    """Build and answer the claims of a month, by certificate."""

    def answer(month=JANUARY, site_id="site-a"):
        build_energy(site_id=site_id)
        rows = warehouse.execute("FROM rollups.claim_month WHERE month_start = ?", [month])
        return {row["certificate_id"]: row for row in rows.iter_rows(named=True)}

    return answer


@pytest.fixture
def claimed(warehouse, build_energy):
    """Build and answer what the site claims of January's grid electricity."""

    def answer(site_id="site-a"):
        build_energy(site_id=site_id)
        query = "SELECT claimed_kwh FROM rollups.energy_month WHERE month_start = ?"
        return warehouse.execute(query, [JANUARY]).item()

    return answer


def test_a_claim_falls_evenly_on_its_vintage_and_nowhere_else(warehouse, claims):
    warehouse.stage("energy_certificates", claim("c-1", 900.0, vintage_end=APRIL))  # 90 days of 10 kWh
    assert claims()["c-1"]["counted_kwh"] == Decimal(310)
    assert claims(date(2023, 3, 1))["c-1"]["counted_kwh"] == Decimal(310)
    assert claims(date(2022, 12, 1)) == claims(APRIL) == {}


def test_a_claim_that_is_not_cancelled_is_listed_and_does_not_count(warehouse, claims):
    warehouse.stage("energy_certificates", claim("c-1", retired_on=None))
    row = claims()["c-1"]
    assert (row["energy_kwh"], row["counted_kwh"], row["status"]) == (400, 0, "not cancelled")


def test_a_certificate_that_two_sites_cancel_counts_at_neither(warehouse, claims, claimed):
    warehouse.add_site("site-b")
    for site_id, file_id in (("site-a", "a" * 64), ("site-b", "b" * 64)):
        warehouse.stage("utility_bills", bill(1000.0, site_id=site_id))
        own = claim(f"own-of-{site_id}", 100.0, site_id=site_id, file_id=file_id)
        warehouse.stage("energy_certificates", claim("c-1", site_id=site_id, file_id=file_id), own)
    row = claims()["c-1"]
    assert (row["counted_kwh"], row["status"]) == (0, "claimed by several sites")
    assert row["also_claimed_by"] == ["site-b: row 5 of file bbbbbbbbbbbb"]
    assert claims(site_id="site-b")["c-1"]["also_claimed_by"] == ["site-a: row 2 of file aaaaaaaaaaaa"]
    assert (claimed(), claimed("site-b")) == (100, 100)


def test_what_another_site_only_holds_or_shares_by_contract_is_no_second_claim(warehouse, claims):
    warehouse.add_site("site-b")
    warehouse.stage("energy_certificates", claim("c-1"), claim("c-1", site_id="site-b", retired_on=None))
    contract = {"instrument": "ppa", "energy_kwh": 50.0}
    warehouse.stage("energy_certificates", claim("p-1", **contract), claim("p-1", site_id="site-b", **contract))
    assert {name: row["status"] for name, row in claims().items()} == {"c-1": "counted", "p-1": "counted"}


def test_a_certificate_under_a_contract_is_part_of_it(warehouse, claimed, claims):
    # 600 kWh by contract, 500 of them certified so far: 600, not 1 100.
    warehouse.stage("utility_bills", bill(2000.0))
    warehouse.stage("energy_certificates", claim("p-1", 600.0, instrument="ppa"))
    warehouse.stage("energy_certificates", claim("c-1", 500.0, contract_id="p-1"))
    assert claims()["c-1"]["status"] == "part of its contract"
    assert claimed() == 600


@pytest.mark.parametrize(
    "contract",
    [{"retired_on": None}, {"vintage_start": FEBRUARY, "vintage_end": APRIL}, {"certificate_id": "p-2"}],
    ids=["not cancelled", "not in force in the month", "another contract"],
)
def test_a_certificate_counts_where_its_contract_does_not(warehouse, claims, contract):
    warehouse.stage("energy_certificates", {**claim("p-1", 600.0, instrument="ppa"), **contract})
    warehouse.stage("energy_certificates", claim("c-1", 500.0, contract_id="p-1"))
    assert claims()["c-1"]["counted_kwh"] == 500


def test_certificates_and_contracts_claim_no_more_than_came_from_the_grid(warehouse, claimed):
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("energy_certificates", claim("c-1", 700.0), claim("p-1", 700.0, instrument="ppa"))
    assert claimed() == 1000


def test_of_a_month_known_in_part_only_that_part_is_claimed(warehouse, claimed):
    # 10 of 31 days billed: 10 / 31 of 310 kWh.
    warehouse.stage("utility_bills", bill(1000.0, end=date(2023, 1, 11)))
    warehouse.stage("energy_certificates", claim("c-1", 310.0))
    assert claimed() == 100


def test_without_grid_electricity_nothing_is_claimed_of_it(warehouse, claimed):
    warehouse.stage("energy_certificates", claim("c-1"))
    assert claimed() is None


def irec(first, last, certificates, **columns):
    name = f"{first} to {last}" if last else first
    return claim(name, 1000.0 * certificates, instrument="irec", **columns)


@pytest.mark.parametrize(
    ("claimed_ranges", "megawatt_hours"),
    [
        # One statement holds 300, another the same 300 in two ranges.
        ([("A-1000.000001", "A-1300.000000", 300), ("A-1000.000001", "A-1200.000000", 200),
          ("A-1200.000001", "A-1300.000000", 100)], 300),
        # 1 to 100 and 51 to 150: 150 numbers, and the 60th by itself is among them.
        ([("A-0.000001", "A-100.000000", 100), ("A-50.000001", "A-150.000000", 100), ("A-60.000001", None, 1)], 150),
        # Another series, and numbers that only touch.
        ([("A-0.000001", "A-100.000000", 100), ("B-0.000001", "B-100.000000", 100),
          ("A-100.000001", "A-110.000000", 10)], 210),
    ],
    ids=["cut otherwise", "overlap in part", "no overlap"],
)  # fmt: skip
def test_numbers_that_ranges_share_count_once(warehouse, claims, claimed_ranges, megawatt_hours):
    warehouse.stage("energy_certificates", *(irec(*each) for each in claimed_ranges))
    found = claims().values()
    assert float(sum(row["counted_kwh"] for row in found)) == pytest.approx(1000 * megawatt_hours, rel=1e-9)


def test_a_range_inside_another_names_it(warehouse, claims):
    whole, part = "G2400000001-G2400001200", "G2400000101～G2400000200"
    warehouse.stage("energy_certificates", claim(whole, 1_200_000.0), claim(part, 100_000.0))
    found = claims()
    assert (found[whole]["counted_kwh"], found[part]["counted_kwh"]) == (1_200_000, 0)
    assert (found[part]["status"], found[part]["overlaps_with"]) == ("held by another claim", [whole])


def test_numbers_that_another_site_holds_in_another_range_count_at_neither(warehouse, claims):
    # Site a cancelled 1 to 100, site b 91 to 190: the ten of both count nowhere.
    warehouse.add_site("site-b")
    warehouse.stage(
        "energy_certificates",
        irec("A-0.000001", "A-100.000000", 100),
        irec("A-90.000001", "A-190.000000", 100, site_id="site-b"),
    )
    for site_id in ("site-a", "site-b"):
        (row,) = claims(site_id=site_id).values()
        assert float(row["counted_kwh"]) == pytest.approx(90_000)
        assert len(row["also_claimed_by"]) == 1


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"retired_on": date(2025, 12, 31)}, "counted"),
        ({"retired_on": date(2026, 1, 1)}, "cancelled after its validity"),
        ({"retired_on": date(2026, 1, 1), "instrument": "irec"}, "counted"),
    ],
)
def test_a_chinese_certificate_counts_while_it_is_valid(warehouse, claims, columns, status):
    # Generated before 2024: valid until the end of 2025. Of I-RECs no such rule is known.
    warehouse.stage("energy_certificates", claim("c-1", **columns))
    assert claims()["c-1"]["status"] == status


def test_a_chinese_certificate_of_2024_is_valid_for_two_years(warehouse, claims):
    made = {"vintage_start": date(2024, 3, 1), "vintage_end": date(2024, 4, 1)}
    in_time = claim("in time", **made, retired_on=date(2026, 2, 28))
    warehouse.stage("energy_certificates", in_time, claim("too late", **made, retired_on=date(2026, 3, 1)))
    found = claims(date(2024, 3, 1))
    assert found["in time"]["status"] == "counted"
    assert found["too late"]["status"] == "cancelled after its validity"
