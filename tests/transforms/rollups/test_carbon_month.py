"""Carbon of a month: dated factors of the place, claims, and embodied carbon written off."""

from datetime import date
from decimal import Decimal

import pytest

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)


def bill(kwh, start=JANUARY, end=FEBRUARY, **columns):
    return {
        "meter_id": "account-1",
        "commodity": "electricity",
        "service_start": start,
        "service_end": end,
        "energy_kwh": kwh,
        **columns,
    }


def asset(asset_id, asset_class="server", **columns):
    return {
        "asset_id": asset_id,
        "asset_class": asset_class,
        "sku": "1U",
        "quantity": 1,
        "in_service_from": date(2022, 6, 1),
        **columns,
    }


def certificate(kwh, **columns):
    return {
        "certificate_id": "c-1",
        "instrument": "gec",
        "energy_kwh": kwh,
        "vintage_start": JANUARY,
        "vintage_end": FEBRUARY,
        "retired_on": date(2023, 3, 1),
        **columns,
    }


@pytest.fixture
def carbon(warehouse, build_energy):
    """Build and answer one month of carbon_month."""

    def answer(month=JANUARY, site_id="site-a"):
        build_energy(site_id=site_id)
        rows = warehouse.execute("FROM rollups.carbon_month WHERE month_start = ?", [month])
        return rows.row(0, named=True)

    return answer


@pytest.mark.parametrize(
    ("region", "kgco2e", "reference"),
    [
        # W11: 1 GWh in 2023 in Hebei 651.6 t, Sichuan 156.4 t; a region without any row: the nation, 530.6 t.
        ("CN-HE", 651_600, "grid_emission_factors/CN-HE/2023/average"),
        ("CN-SC", 156_400, "grid_emission_factors/CN-SC/2023/average"),
        ("CN-XZ", 530_600, "grid_emission_factors/CN/2023/average"),
        (None, 530_600, "grid_emission_factors/CN/2023/average"),
    ],
)
def test_w11_the_factor_of_the_place(warehouse, carbon, region, kgco2e, reference):
    warehouse.add_site("site-w11", region_code=region)
    warehouse.stage("utility_bills", bill(1e6, site_id="site-w11"))
    row = carbon(site_id="site-w11")
    assert row["location_kgco2e"] == kgco2e
    assert row["reference_rows"] == [reference]
    assert row["energy_with_factor_kwh"] == row["energy_kwh"] == 10**6
    assert row["gap"] is None


def test_a_year_without_a_factor_takes_the_latest_before_it_and_says_so(warehouse, carbon):
    # Hebei 2022: 0.7252; 2023: 0.6516, which also stands in for 2024, one year old.
    warehouse.stage(
        "utility_bills",
        bill(1000.0, date(2022, 12, 1), JANUARY),
        bill(1000.0, date(2024, 1, 1), date(2024, 2, 1)),
    )
    own = carbon(date(2022, 12, 1))
    assert own["location_kgco2e"] == Decimal("725.2")
    assert (own["factor_year"], own["factor_age_years"], own["evidence_rank"]) == (2022, 0, 2)
    row = carbon(date(2024, 1, 1))
    assert row["location_kgco2e"] == Decimal("651.6")
    assert row["reference_rows"] == ["grid_emission_factors/CN-HE/2023/average"]
    assert (row["factor_year"], row["factor_age_years"], row["evidence_rank"]) == (2023, 1, 4)
    assert row["gap"] is None


def test_beyond_what_the_methodology_allows_there_is_no_factor_and_the_nearest_is_named(warehouse, build_energy):
    warehouse.stage("utility_bills", bill(1000.0, date(2024, 1, 1), date(2024, 2, 1)))
    build_energy(grid_factor_at_most_years_old=0)
    row = warehouse.execute("FROM rollups.carbon_month WHERE month_start = DATE '2024-01-01'").row(0, named=True)
    assert (row["location_kgco2e"], row["energy_with_factor_kwh"], row["gap"]) == (None, None, "no factor")
    factor = warehouse.execute(
        "FROM rollups.grid_factor_month WHERE month_start = DATE '2024-01-01' AND basis = 'location'"
    ).row(0, named=True)
    assert (factor["region_code"], factor["reference_id"]) == ("CN-HE", None)
    assert factor["nearest_reference_id"] == "grid_emission_factors/CN-HE/2023/average"


def test_the_factor_of_the_year_takes_the_place_of_the_older_one_when_it_appears(warehouse, carbon):
    # A factor of 2024 that is published later: 600 kg instead of 651.6, and no estimate any more.
    warehouse.stage("utility_bills", bill(1000.0, date(2024, 1, 1), date(2024, 2, 1)))
    warehouse.execute(
        "INSERT INTO reference.grid_emission_factors BY NAME SELECT * REPLACE "
        "('grid_emission_factors/CN-HE/2024/average' AS reference_id, 2024 AS \"year\", 0.6 AS value, "
        "DATE '2024-01-01' AS valid_from, DATE '2024-12-31' AS valid_to) "
        "FROM reference.grid_emission_factors WHERE reference_id = 'grid_emission_factors/CN-HE/2023/average'"
    )
    row = carbon(date(2024, 1, 1))
    assert row["location_kgco2e"] == 600
    assert (row["factor_year"], row["factor_age_years"], row["evidence_rank"]) == (2024, 0, 2)


def test_a_factor_of_a_fiscal_year_holds_until_its_last_day(warehouse, carbon):
    # Valid from April 2022 to March 2023 as India's: of its own year in January 2023, a year old in June.
    warehouse.add_site("site-in", region_code=None, country="IN")
    warehouse.execute("DELETE FROM reference.grid_emission_factors WHERE region_code = 'IN'")
    warehouse.insert(
        "reference.grid_emission_factors",
        {
            "reference_id": "grid_emission_factors/IN/2022/average",
            "region_code": "IN",
            "factor_kind": "average",
            "year": 2022,
            "value": 0.7,
            "unit": "kgCO2/kWh",
            "valid_from": date(2022, 4, 1),
            "valid_to": date(2023, 3, 31),
            "is_usable": True,
        },
    )
    june = (date(2023, 6, 1), date(2023, 7, 1))
    warehouse.stage("utility_bills", bill(1000.0, site_id="site-in"), bill(1000.0, *june, site_id="site-in"))
    rows = [carbon(month, site_id="site-in") for month in (JANUARY, june[0])]
    assert [row["location_kgco2e"] for row in rows] == [700, 700]
    assert [row["factor_age_years"] for row in rows] == [0, 1]


def test_a_disputed_factor_is_neither_used_nor_replaced_by_the_nations(warehouse, carbon):
    # The province's factor of 2023 may not be used: the one of 2022 stands in, 0.7252, and never the nation's of 2023.
    disputed = "UPDATE reference.grid_emission_factors SET is_usable = false WHERE region_code = 'CN-HE'"
    warehouse.execute(f'{disputed} AND "year" = 2023')
    warehouse.stage("utility_bills", bill(1000.0))
    row = carbon()
    assert (row["location_kgco2e"], row["factor_year"]) == (Decimal("725.2"), 2022)
    warehouse.execute(disputed)
    assert carbon()["gap"] == "no factor"


def test_a_certificate_changes_the_market_figure_only(warehouse, carbon):
    # 1 000 kWh in Hebei: 651.6 kg by place. Market: 0.6096 (2023, without traded non-fossil power) x (1 000 - 400).
    warehouse.stage("utility_bills", bill(1000.0, evidence_class="metered"))
    warehouse.stage("hardware_assets", asset("s", embodied_kgco2e=1000.0, service_life_years=4.0))
    before = carbon()
    assert before["market_kgco2e"] == Decimal("609.6")
    warehouse.stage("energy_certificates", certificate(400.0, evidence_class="declared"))
    after = carbon()
    market = {"market_kgco2e", "market_evidence_rank"}
    assert after["market_kgco2e"] == Decimal("365.76")
    assert (before["market_evidence_rank"], after["market_evidence_rank"]) == (1, 3)
    assert {name: after[name] for name in after.keys() - market} == {
        name: before[name] for name in before.keys() - market
    }


@pytest.mark.parametrize(
    "columns",
    [
        {"retired_on": None},
        {"vintage_start": date(2022, 1, 1), "vintage_end": JANUARY},
    ],
    ids=["not cancelled", "vintage of another year"],
)
def test_a_claim_that_does_not_hold_changes_nothing(warehouse, carbon, columns):
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("energy_certificates", certificate(400.0, **columns))
    assert carbon()["market_kgco2e"] == Decimal("609.6")


def test_claims_beyond_what_was_used(warehouse, build_energy):
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("energy_certificates", certificate(5000.0))
    by_matching = {}
    for matching in ("monthly", "annual", "hourly"):
        build_energy(certificate_matching=matching)
        by_matching[matching] = warehouse.execute(
            "SELECT market_kgco2e FROM rollups.carbon_month WHERE month_start = ?", [JANUARY]
        ).item()
    # By year the sum over the period is capped, not the month: 0.6096 x (1 000 - 5 000). By hour nothing is matched.
    assert by_matching == {"monthly": 0, "annual": Decimal("-2438.4"), "hourly": Decimal("609.6")}


def test_without_a_residual_factor_the_market_figure_rests_on_the_place_and_says_so(warehouse, carbon):
    # Without any national factor that leaves traded non-fossil power out: Hebei 0.7252 x 1 000, an estimate.
    warehouse.execute(
        "UPDATE reference.grid_emission_factors SET is_usable = false "
        "WHERE factor_kind = 'average_excl_traded_nonfossil'"
    )
    warehouse.stage("utility_bills", bill(1000.0, date(2022, 12, 1), JANUARY))
    row = carbon(date(2022, 12, 1))
    assert (row["market_basis"], row["market_evidence_rank"], row["evidence_rank"]) == ("location average", 4, 2)
    assert row["market_kgco2e"] == row["location_kgco2e"] == Decimal("725.2")
    assert row["market_reference_rows"] == ["grid_emission_factors/CN-HE/2022/average"]


def test_w9_embodied_carbon_of_one_hour(warehouse, carbon):
    # W9: 1 000 kg over 4 a = 35 040 h is 28.5 g per hour; one day in service is 24 of them: 0.684931507 kg.
    warehouse.stage(
        "hardware_assets",
        asset(
            "s",
            embodied_kgco2e=1000.0,
            service_life_years=4.0,
            in_service_from=date(2023, 1, 5),
            in_service_to=date(2023, 1, 6),
        ),
    )
    row = carbon()
    assert row["embodied_kgco2e"] == Decimal("0.684931507")
    assert float(row["embodied_kgco2e"]) / 24 == pytest.approx(0.0285, abs=5e-5)
    assert row["gap"] == "no bill"


def test_carbon_is_written_off_once(warehouse, carbon):
    # A life of half a year (182.5 days) from 1 July 2022 ends at noon of 30 December: over the months, 500 kg in all.
    warehouse.stage(
        "hardware_assets",
        asset("s", embodied_kgco2e=500.0, service_life_years=0.5, in_service_from=date(2022, 7, 1)),
    )
    january = carbon()
    assert january["embodied_kgco2e"] == 0
    assert january["embodied_known_quantity_h"] == 744
    total = warehouse.execute("SELECT sum(embodied_kgco2e) AS kg FROM rollups.carbon_month").item()
    assert float(total) == pytest.approx(500, abs=1e-7)


def test_a_default_is_estimated_and_cited(warehouse, carbon):
    # 8 H100 without figures: 164 kg each (reference), 26 280 h of life: 8 x 164 / 26 280 x 744 = 37.143378995 kg.
    # A server of unknown carbon beside them stays unknown: 744 of 9 x 744 quantity-hours.
    warehouse.stage(
        "hardware_assets",
        asset("gpus", "accelerator", sku="H100 SXM 80GB", quantity=8, evidence_class="measured"),
        asset("server"),
    )
    row = carbon()
    assert row["embodied_kgco2e"] == Decimal("37.143378995")
    assert row["embodied_known_quantity_h"] == 8 * 744
    assert row["embodied_quantity_h"] == 9 * 744
    assert row["embodied_evidence_rank"] == 4
    assert row["embodied_reference_rows"] == [
        "embodied_carbon/nvidia-h100-sxm-80gb-per-gpu",
        "parameters/service_life_h/accelerator",
    ]


def test_an_asset_without_a_service_life_is_unknown(warehouse, carbon):
    warehouse.stage("hardware_assets", asset("ups", "ups", embodied_kgco2e=900.0))
    row = carbon()
    assert row["embodied_kgco2e"] is None
    assert (row["embodied_known_quantity_h"], row["embodied_quantity_h"]) == (0, 744)
