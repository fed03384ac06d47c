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


def test_a_factor_holds_for_its_year_only(warehouse, carbon):
    # Hebei 2022: 0.7252; 2024 has no factor at all, and the last known one is not carried on.
    warehouse.stage(
        "utility_bills",
        bill(1000.0, date(2022, 12, 1), JANUARY),
        bill(1000.0, date(2024, 1, 1), date(2024, 2, 1)),
    )
    assert carbon(date(2022, 12, 1))["location_kgco2e"] == Decimal("725.2")
    row = carbon(date(2024, 1, 1))
    assert row["location_kgco2e"] is None
    assert row["gap"] == "no factor"
    assert row["energy_with_factor_kwh"] is None


def test_a_disputed_factor_is_neither_used_nor_replaced(warehouse, carbon):
    # A province row that exists but may not be used leaves no factor: the nation does not stand in for it.
    warehouse.execute(
        "UPDATE reference.grid_emission_factors SET is_usable = false WHERE region_code = 'CN-HE' AND \"year\" = 2023"
    )
    warehouse.stage("utility_bills", bill(1000.0))
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


def test_claims_beyond_what_was_used_do_not_count(warehouse, carbon):
    warehouse.stage("utility_bills", bill(1000.0))
    warehouse.stage("energy_certificates", certificate(5000.0))
    assert carbon()["market_kgco2e"] == 0


def test_without_a_residual_factor_the_market_figure_rests_on_the_place(warehouse, carbon):
    # 2022: the national factor without traded non-fossil power is disputed. Hebei 0.7252 x 1 000.
    warehouse.stage("utility_bills", bill(1000.0, date(2022, 12, 1), JANUARY))
    row = carbon(date(2022, 12, 1))
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
