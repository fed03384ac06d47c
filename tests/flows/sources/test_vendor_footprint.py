"""Vendors' footprints: shares of phases that do not add up, and dates in seven spellings."""

from datetime import date

import pytest

from suanheng.schemas.checking.records import UnreadableFile

SAMPLE = "vendor_footprint_dates_and_shares.csv"


@pytest.fixture
def footprints(gated, feed, staged, samples):
    """Staged footprints of the sample, by model."""
    accepted, _ = gated("vendor_footprint", samples / SAMPLE)
    checked = staged("product_footprints", feed("vendor_footprint", "product_footprints", accepted))
    assert checked.rejected.is_empty()
    return {row["sku"]: row for row in checked.accepted.iter_rows(named=True)}


def test_the_carbon_of_making_is_its_share_of_the_whole(footprints):
    # 2000 kg × 0.3 = 600 kg; × 0.5 = 1000 kg; no share, no figure.
    assert [footprints[f"AS-{number}"]["embodied_kgco2e"] for number in range(1, 6)] == [600, 600, 1000, 600, None]
    assert footprints["AS-1"]["lifetime_kgco2e"] == 2000
    assert footprints["AS-1"]["relative_error_ratio"] == 3.2
    assert footprints["AS-1"]["service_life_years"] == 4


def test_shares_that_do_not_add_up_are_flagged(footprints):
    # 0.6 + 0.3 + 0.08 + 0.02 = 1; 0.92; two phases of 1.1; two phases of 0.9 may yet add up; nothing stated.
    assert [footprints[f"AS-{number}"]["shares_add_up"] for number in range(1, 6)] == [True, False, False, None, None]


def test_dates_are_days_whoever_wrote_them(footprints):
    assert [footprints[f"AS-{number}"]["valid_from"] for number in range(1, 6)] == [
        date(2020, 11, 1),
        date(2019, 7, 26),
        date(2020, 10, 13),
        date(2013, 1, 1),
        date(2022, 5, 27),
    ]


def test_a_share_above_one_and_a_date_nobody_can_read_are_quarantined(gated, samples):
    _, rejected = gated("vendor_footprint", samples / SAMPLE)
    assert rejected.select("row_number", "column_name").rows() == [(8, "report_date"), (7, "gwp_manufacturing_ratio")]


def test_the_source_names_the_model_of_the_assets(gated, feed, samples):
    accepted, _ = gated("vendor_footprint", samples / SAMPLE, {"skus": {"AS-1": "Own AS-1 (2020)"}})
    fed = feed("vendor_footprint", "product_footprints", accepted).sort("row_number")
    assert fed["sku"].to_list()[:2] == ["Own AS-1 (2020)", "AS-2"]


def test_another_table_is_refused(gated, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("manufacturer,name\nOwn Works,AS-1\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="gwp_total"):
        gated("vendor_footprint", path)
