"""Who says what making an asset took: the asset, a valid footprint of its model, the reference default."""

from datetime import date

import pytest

JANUARY = date(2023, 1, 1)
H100 = "H100 SXM 80GB"
"""Its reference default is 164 kg."""


@pytest.fixture
def figures(warehouse):
    """Figures of one month, by asset: who states it, kilograms of one item, evidence rank."""

    def answer(month=JANUARY):
        rows = warehouse.run("rollups/embodied_carbon_month.sql").rows(named=True)
        return {
            row["asset_id"]: (row["stated_by"], row["item_kgco2e"], row["evidence_rank"])
            for row in rows
            if row["month_start"] == month
        }

    return answer


def stage_asset(warehouse, asset_id, sku="AS-1", **columns) -> None:
    warehouse.stage(
        "hardware_assets",
        {
            "asset_id": asset_id,
            "asset_class": "server",
            "sku": sku,
            "quantity": 1,
            "in_service_from": date(2022, 6, 1),
            **columns,
        },
    )


def stage_footprint(warehouse, footprint_id="f-1", **columns) -> None:
    warehouse.stage(
        "product_footprints",
        {
            "footprint_id": footprint_id,
            "sku": "AS-1",
            "embodied_kgco2e": 600.0,
            "valid_from": date(2022, 1, 1),
            "evidence_class": "declared",
            **columns,
        },
    )


def test_own_figure_then_footprint_then_default_then_unknown(warehouse, figures) -> None:
    stage_asset(warehouse, "own", embodied_kgco2e=900.0)
    stage_asset(warehouse, "footprint")
    stage_asset(warehouse, "default", H100)
    stage_asset(warehouse, "unknown", "AS-2")
    stage_footprint(warehouse)
    assert figures() == {
        "own": ("asset", 900, 2),
        "footprint": ("product footprint", 600, 3),
        "default": ("reference default", 164, 4),
        "unknown": (None, None, None),
    }


def test_a_footprint_counts_before_the_default_of_the_same_model(warehouse, figures) -> None:
    stage_asset(warehouse, "gpu", H100)
    stage_footprint(warehouse, sku=H100, embodied_kgco2e=200.0)
    assert figures()["gpu"] == ("product footprint", 200, 3)


def test_a_footprint_is_evidence_no_better_than_declared_or_than_its_own(warehouse, figures) -> None:
    stage_asset(warehouse, "a")
    stage_footprint(warehouse, evidence_class="metered")
    assert figures()["a"][2] == 3
    stage_asset(warehouse, "b", "AS-3")
    stage_footprint(warehouse, "f-2", sku="AS-3", evidence_class="estimated")
    assert figures()["b"][2] == 4


def test_a_footprint_counts_only_while_it_is_valid(warehouse, figures) -> None:
    stage_asset(warehouse, "a")
    stage_footprint(warehouse, valid_from=date(2023, 2, 1), valid_to=date(2023, 4, 1))
    months = [date(2023, month, 1) for month in (1, 2, 3, 4)]
    assert [figures(month)["a"][1] for month in months] == [None, 600, 600, None]


def test_the_footprint_that_became_valid_last_counts(warehouse, figures) -> None:
    stage_asset(warehouse, "a")
    stage_footprint(warehouse)
    stage_footprint(warehouse, "f-2", embodied_kgco2e=500.0, valid_from=date(2022, 12, 1))
    assert figures()["a"][1] == 500


def test_two_footprints_of_one_day_that_differ_say_nothing(warehouse, figures) -> None:
    stage_asset(warehouse, "a")
    stage_footprint(warehouse)
    stage_footprint(warehouse, "f-2", embodied_kgco2e=500.0)
    assert figures()["a"] == (None, None, None)


@pytest.mark.parametrize("flaw", [{"declared_unit": "kilogram"}, {"shares_add_up": False}, {"embodied_kgco2e": None}])
def test_a_footprint_that_says_nothing_of_one_item_is_not_used(warehouse, figures, flaw) -> None:
    stage_asset(warehouse, "a")
    stage_footprint(warehouse, **flaw)
    assert figures()["a"] == (None, None, None)


def test_a_footprint_of_the_whole_is_not_taken_for_the_case_around_listed_parts(warehouse, figures) -> None:
    # Otherwise the accelerators would count twice, or not at all.
    stage_asset(warehouse, "server")
    stage_asset(warehouse, "gpus", H100, parent_asset_id="server", asset_class="accelerator", quantity=8)
    stage_footprint(warehouse)
    assert figures() == {"server": (None, None, None), "gpus": ("reference default", 164, 4)}


def test_assets_out_of_service_have_no_row(warehouse, figures) -> None:
    stage_asset(warehouse, "gone", in_service_to=date(2023, 1, 1))
    stage_asset(warehouse, "coming", in_service_from=date(2023, 2, 1))
    assert figures() == {}


def test_carbon_of_a_month_is_written_off_from_it(warehouse, build_energy) -> None:
    # 600 kg over 4 years of 8760 h, 744 hours of January: 600 × 744 ÷ 35 040 = 12.739726 kg.
    stage_asset(warehouse, "a", service_life_years=4.0)
    stage_footprint(warehouse)
    build_energy()
    row = warehouse.execute("FROM rollups.carbon_month WHERE month_start = ?", [JANUARY]).row(0, named=True)
    assert float(row["embodied_kgco2e"]) == pytest.approx(600 * 744 / 35_040)
    assert row["embodied_evidence_rank"] == 3
    assert row["embodied_reference_rows"] == []
