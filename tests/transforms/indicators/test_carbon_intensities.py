"""Carbon per effective compute: operational, life-cycle, market-based, SCI."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JANUARY, FEBRUARY = date(2023, 1, 1), date(2023, 2, 1)
RECIPES = {
    "operational": "indicators/carbon_efficiency/operational_carbon_intensity.sql",
    "lifecycle": "indicators/carbon_efficiency/lifecycle_carbon_intensity.sql",
    "market": "indicators/supplementary/market_carbon_intensity.sql",
    "sci": "indicators/supplementary/sci.sql",
}

DAY = st.integers(-40, 80).map(lambda days: JANUARY + timedelta(days=days))
CLAIM = st.fixed_dictionaries(
    {
        "instrument": st.sampled_from(["gec", "irec", "goo", "ppa", "on_site"]),
        "energy_kwh": st.floats(0, 50_000),
        "vintage_start": DAY,
        "retired_on": st.none() | DAY,
        "evidence_class": st.sampled_from(["metered", "declared", "estimated"]),
    }
)


@pytest.fixture
def compute(warehouse):
    """State the effective compute of January, and the share of allocated device-hours it rests on."""
    known = ("allocated_device_hours", "covered_device_hours", "peak_known_device_hours", "effective_pflop_h")
    hours = dict.fromkeys(known, "DECIMAL(38, 9)")
    more = {"evidence_rank": "INTEGER", "reference_rows": "VARCHAR[]"}
    warehouse.make("rollups.compute_month", {"site_id": "VARCHAR", "month_start": "DATE", **hours, **more})

    def state(effective_pflop_h, covered=1.0):
        warehouse.insert(
            "rollups.compute_month",
            {
                "site_id": "site-a",
                "month_start": JANUARY,
                "allocated_device_hours": 1000,
                "covered_device_hours": 1000 * covered,
                "peak_known_device_hours": 1000,
                "effective_pflop_h": effective_pflop_h,
                "evidence_rank": 2,
                "reference_rows": ["accelerators/H100 SXM 80GB/BF16"],
            },
        )

    return state


@pytest.fixture
def facts(warehouse, build_energy):
    """Facts of January, by indicator."""

    def answer():
        build_energy()
        return {
            name: warehouse.run(recipe, start=JANUARY, end=FEBRUARY).row(0, named=True)
            for name, recipe in RECIPES.items()
        }

    return answer


def value(row):
    return float(row["numerator"]) / float(row["denominator"])


def bill(kwh=10_000.0, end=FEBRUARY, **columns):
    return {
        "meter_id": "account-1",
        "commodity": "electricity",
        "service_start": JANUARY,
        "service_end": end,
        "energy_kwh": kwh,
        "evidence_class": "metered",
        **columns,
    }


def server(**columns):
    return {
        "asset_id": "server",
        "asset_class": "server",
        "sku": "1U",
        "quantity": 1,
        "in_service_from": date(2022, 1, 1),
        "embodied_kgco2e": 35_040.0,
        "service_life_years": 4.0,
        **columns,
    }


def test_the_four_intensities(warehouse, compute, facts):
    # 10 000 kWh in Hebei: 6 516 kg by place, 6 096 kg by market. Embodied 35 040 kg over 35 040 h:
    # 744 kg in January. 100 PFLOP-h.
    warehouse.stage("utility_bills", bill())
    warehouse.stage("hardware_assets", server())
    compute(100)
    found = facts()
    assert value(found["operational"]) == pytest.approx(65.16, rel=1e-12)
    assert value(found["market"]) == pytest.approx(60.96, rel=1e-12)
    assert value(found["lifecycle"]) == pytest.approx(72.60, rel=1e-12)
    assert value(found["sci"]) == pytest.approx(72_600, rel=1e-12)  # g
    assert all(row["observed"] == row["expected"] == 31 for row in found.values())
    assert all(row["evidence_rank"] == 2 for row in found.values())
    assert found["operational"]["reference_rows"] == [
        "accelerators/H100 SXM 80GB/BF16",
        "grid_emission_factors/CN-HE/2023/average",
    ]


def test_p15_whatever_is_claimed_location_and_sci_stay_equal_to_the_bit(warehouse, compute, facts):
    warehouse.stage("utility_bills", bill())
    warehouse.stage("hardware_assets", server())
    compute(100)
    before = facts()

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(claims=st.lists(CLAIM, min_size=1, max_size=4))
    def holds(claims):
        warehouse.execute("DELETE FROM staged.energy_certificates")
        for number, claim in enumerate(claims):
            end = claim["vintage_start"] + timedelta(days=30)
            row = {"certificate_id": f"c-{number}", **claim, "vintage_end": end}
            warehouse.stage("energy_certificates", row)
        after = facts()
        for name in ("operational", "lifecycle", "sci"):
            assert after[name] == before[name]
        assert after["market"]["numerator"] <= before["market"]["numerator"]
        assert after["market"]["numerator_at_least"] == 0  # nothing burnt: so much of it is left at least

    holds()


def test_p15_market_and_ref_count_the_same_claims(warehouse, compute, facts):
    # 4 000 kWh of certificates, 3 000 by contract with 1 000 of it certified, 2 000 not cancelled: 7 000 of 10 000 kWh.
    warehouse.stage("utility_bills", bill())
    warehouse.stage("hardware_assets", server())
    compute(100)
    claims = {
        "c-1": {"instrument": "gec", "energy_kwh": 4000.0},
        "p-1": {"instrument": "ppa", "energy_kwh": 3000.0},
        "c-2": {"instrument": "gec", "energy_kwh": 1000.0, "contract_id": "p-1"},
        "c-3": {"instrument": "irec", "energy_kwh": 2000.0, "retired_on": None},
    }
    vintage = {"vintage_start": JANUARY, "vintage_end": FEBRUARY, "retired_on": FEBRUARY}
    rows = ({"certificate_id": name, **vintage, **columns} for name, columns in claims.items())
    warehouse.stage("energy_certificates", *rows)
    found = facts()
    ref = warehouse.run("indicators/supplementary/ref.sql", start=JANUARY, end=FEBRUARY).row(0, named=True)
    assert value(ref) == 0.7
    assert value(found["market"]) == pytest.approx((1 - 0.7) * 10_000 * 0.6096 / 100, rel=1e-12)


def test_a_certificate_changes_the_market_figure_only(warehouse, compute, facts):
    # P15: 4 000 of 10 000 kWh claimed: market 0.6096 x 6 000 / 100. All else stays equal to the bit.
    warehouse.stage("utility_bills", bill())
    warehouse.stage("hardware_assets", server())
    compute(100)
    before = facts()
    warehouse.stage(
        "energy_certificates",
        {
            "certificate_id": "c-1",
            "instrument": "gec",
            "energy_kwh": 4000.0,
            "vintage_start": JANUARY,
            "vintage_end": FEBRUARY,
            "retired_on": date(2023, 2, 10),
            "evidence_class": "declared",
        },
    )
    after = facts()
    assert value(after["market"]) == pytest.approx(36.576, rel=1e-12)
    assert after["market"]["evidence_rank"] == 3
    assert {name: after[name] for name in ("operational", "lifecycle", "sci")} == {
        name: before[name] for name in ("operational", "lifecycle", "sci")
    }


def test_days_without_a_bill_are_held_against_the_same_days(warehouse, compute, facts):
    # 10 of 31 days billed, 1 000 kWh: 651.6 kg over 100 x 10 / 31 PFLOP-h. Coverage 10 / 31.
    warehouse.stage("utility_bills", bill(1000.0, end=date(2023, 1, 11)))
    warehouse.stage("hardware_assets", server())
    compute(100)
    found = facts()
    assert value(found["operational"]) == pytest.approx(651.6 / (1000 / 31), rel=1e-9)
    assert value(found["lifecycle"]) == pytest.approx((651.6 + 744 * 10 / 31) / (1000 / 31), rel=1e-9)
    assert (found["operational"]["observed"], found["operational"]["expected"]) == (10, 31)


def test_the_weakest_side_is_the_coverage(warehouse, compute, facts):
    # Runs state their operations for 80 % of the device-hours; embodied carbon is known for 1 of 2 assets.
    warehouse.stage("utility_bills", bill())
    warehouse.stage("hardware_assets", server(), server(asset_id="other", embodied_kgco2e=None))
    compute(100, covered=0.8)
    found = facts()
    assert float(found["operational"]["observed"]) == pytest.approx(31 * 0.8)
    assert float(found["lifecycle"]["observed"]) == pytest.approx(31 * 0.5)


@pytest.mark.parametrize(
    ("without", "gaps"),
    [
        ("bill", dict.fromkeys(RECIPES, "no bill")),
        ("server", {"operational": None, "market": None, "lifecycle": "no inventory", "sci": "no inventory"}),
        ("compute", dict.fromkeys(RECIPES, "no workload records")),
        ("factor", {**dict.fromkeys(RECIPES, "no factor"), "market": None}),
    ],
)
def test_what_is_unknown_is_named(warehouse, compute, facts, without, gaps):
    if without != "bill":
        warehouse.stage("utility_bills", bill())
    if without != "server":
        warehouse.stage("hardware_assets", server())
    if without != "compute":
        compute(100)
    if without == "factor":
        warehouse.execute("UPDATE reference.grid_emission_factors SET is_usable = false WHERE region_code = 'CN-HE'")
    found = facts()
    assert {name: row["gap"] for name, row in found.items()} == gaps
    assert all((row["numerator"] is None) == (row["gap"] is not None) for row in found.values())
    assert all((row["observed"] == 0) == (row["gap"] is not None) for row in found.values())
