"""Public supply-chain data through reader, raw gate, feed and staged gate."""

import csv
from datetime import date

import polars as pl
import pytest

pytestmark = pytest.mark.real_data

PHASES = ("gwp_use_ratio", "gwp_manufacturing_ratio", "gwp_transport_ratio", "gwp_eol_ratio")


@pytest.fixture(scope="module")
def table(public_data):
    """Path of the vendors' footprints."""
    return public_data / "boavizta_footprint" / "boavizta-data-us.csv"


@pytest.fixture(scope="module")
def by_hand(table):
    """The same table by the standard library, row by row."""
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_declaration_is_accepted_or_named(table, gated):
    accepted, rejected = gated("vendor_footprint", table)
    assert accepted.height + rejected.height == 1226
    # A manufacturing share of 7.76, and three names with the remains of another encoding.
    assert sorted(rejected.select("column_name", "rule").rows()) == [
        ("gwp_manufacturing_ratio", "less_than_or_equal_to"),
        *[("name", "str_matches")] * 3,
    ]


def test_fifty_five_servers_forty_eight_with_a_share_of_making(table, gated, feed, staged):
    accepted, _ = gated("vendor_footprint", table)
    servers = accepted.filter(pl.col("subcategory") == "Server")
    assert servers.height == 55
    checked = staged("product_footprints", feed("vendor_footprint", "product_footprints", servers))
    assert checked.rejected.is_empty()
    making = checked.accepted.drop_nulls("embodied_kgco2e")["embodied_kgco2e"]
    assert making.len() == 48
    # The statistics that reference.embodied_carbon gives of the same rows: median 1215, mean 1231 kg.
    assert (round(making.median()), round(making.mean())) == (1215, 1231)


def test_shares_that_do_not_add_up_are_flagged(table, by_hand, gated, feed, staged):
    accepted, _ = gated("vendor_footprint", table)
    checked = staged("product_footprints", feed("vendor_footprint", "product_footprints", accepted))
    assert checked.rejected.is_empty()
    assert checked.accepted.height == accepted.height
    wrong = set()
    for number, row in enumerate(by_hand, start=2):
        shares = [float(row[phase]) for phase in PHASES if row[phase]]
        if sum(shares) > 1.02 or (len(shares) == 4 and sum(shares) < 0.98):
            wrong.add(number)
    flagged = set(checked.accepted.filter(~pl.col("shares_add_up"))["row_number"])
    assert flagged == wrong & set(accepted["row_number"])
    assert len(flagged) > 100


def test_dates_in_seven_spellings_are_days(table, gated):
    accepted, _ = gated("vendor_footprint", table)
    # 15 rows state no date; every stated one is read.
    assert accepted["report_date"].null_count() == 15
    assert accepted["report_date"].drop_nulls().is_between(date(2013, 1, 1), date(2023, 2, 23)).all()
    assert accepted["added_date"].null_count() == 0


def test_a_software_bill_of_materials_stays_software_and_a_board_stays_parts(public_data, gated, feed, staged):
    board, _ = gated("cyclonedx", public_data / "cyclonedx" / "HBOM" / "PCIe-SATA-adapter-board" / "bom.json")
    editor, _ = gated("cyclonedx", public_data / "cyclonedx" / "SBOM" / "cern-lhc-vdm-editor-e564943" / "bom.json")
    assert feed("cyclonedx", "software_components", board).is_empty()
    assert feed("cyclonedx", "bom_parts", editor).is_empty()
    assert staged("software_components", feed("cyclonedx", "software_components", editor)).accepted.height > 0


def test_a_purchasing_list_prices_the_parts_of_a_public_board(public_data, gated, feed, staged, tmp_path):
    """The list names parts by their numbers, which the board's bill of materials carries as names."""
    board, _ = gated("cyclonedx", public_data / "cyclonedx" / "HBOM" / "PCIe-SATA-adapter-board" / "bom.json")
    parts = staged("bom_parts", feed("cyclonedx", "bom_parts", board)).accepted
    path = tmp_path / "list.csv"
    path.write_text("料号,单价(元),库存\n47155-4001,3.5,100\n", encoding="utf-8")
    listed, _ = gated("supplier_list", path, {"observed_on": "2022-02-01"})
    priced = staged("part_supplies", feed("supplier_list", "part_supplies", listed)).accepted
    assert parts.filter(pl.col("part_name").is_in(priced["part_id"].implode())).select(
        "part_id", "quantity"
    ).rows() == [("molex-47155-4001", 8.0)]
