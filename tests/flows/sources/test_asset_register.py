"""Asset registers: titles above the header, units in it, days in many spellings, accelerators named and counted."""

from datetime import date

import polars as pl
import pytest
import xlsxwriter

from suanheng.schemas.checking.records import UnreadableFile

CHINESE = "asset_register_chinese.csv"


@pytest.fixture
def assets(gated, feed, staged, samples):
    """Staged assets of the Chinese sample, by identifier."""
    accepted, _ = gated("asset_register", samples / CHINESE)
    checked = staged("hardware_assets", feed("asset_register", "hardware_assets", accepted))
    assert checked.rejected.is_empty()
    return {row["asset_id"]: row for row in checked.accepted.iter_rows(named=True)}


def test_a_server_and_the_accelerators_in_it_are_two_assets(assets):
    server, cards = assets["ZC-001"], assets["ZC-001 accelerators"]
    assert (server["asset_class"], server["sku"], server["vendor"]) == ("accelerator_server", "AS-8000", "自研")
    assert server["in_service_from"] == date(2023, 1, 15)
    assert (cards["parent_asset_id"], cards["asset_class"], cards["sku"]) == ("ZC-001", "accelerator", "Own 80GB SXM")
    # By hand: 1 server with 8; 2 servers with 8 each. A server with accelerators is an accelerator server.
    assert (cards["quantity"], assets["ZC-002 accelerators"]["quantity"]) == (8, 16)
    assert assets["ZC-002"]["asset_class"] == "accelerator_server"


def test_power_is_in_watts_whether_header_or_cell_says_the_unit(assets):
    assert {name: row["rated_power_w"] for name, row in assets.items() if row["parent_asset_id"] is None} == {
        "ZC-001": 10_200,
        "ZC-002": 10_200,
        "SN-B1": 1_200,
        "ZC-004": None,
    }


def test_the_earlier_of_withdrawal_and_scrapping_ends_service(assets):
    ends = {name: row["in_service_to"] for name, row in assets.items()}
    assert ends == {
        "ZC-001": None,
        "ZC-001 accelerators": None,
        "ZC-002": date(2024, 6, 30),
        "ZC-002 accelerators": date(2024, 6, 30),
        "SN-B1": None,
        "ZC-004": date(2023, 12, 1),
    }


def test_p02_accelerators_that_are_named_but_not_counted_are_an_error_and_not_zero(gated, samples):
    # Boavizta's `units` 0 drops a named accelerator silently; so would a server of which there are none.
    _, rejected = gated("asset_register", samples / CHINESE)
    rules = dict(rejected.select("row_number", "rule").rows())
    assert rules[10] == "named_accelerators_are_counted"
    assert rules[11] == "greater_than_or_equal_to"


def test_every_fault_is_named_at_its_line(gated, samples):
    accepted, rejected = gated("asset_register", samples / CHINESE)
    assert accepted.height + rejected.height == 10
    faults = {
        number: (rule, message) for number, rule, message in rejected.select("row_number", "rule", "message").rows()
    }
    assert {number: rule for number, (rule, _) in faults.items()} == {
        9: "asset_class_is_known",
        10: "named_accelerators_are_counted",
        11: "greater_than_or_equal_to",
        12: "has_a_number",
        13: "not_withdrawn_before_service",
        14: "isin",
    }
    assert "asset_classes" in faults[9][1]
    assert "kVA" in faults[14][1]


def test_the_source_names_words_of_the_register(gated, samples):
    accepted, _ = gated("asset_register", samples / CHINESE, {"asset_classes": {"算力节点": "server"}})
    assert accepted.filter(pl.col("asset_number") == "ZC-005")["asset_class"].to_list() == ["server"]


def test_the_source_says_which_model_the_reference_knows(gated, feed, samples):
    accepted, _ = gated("asset_register", samples / CHINESE, {"skus": {"Own 80GB SXM": "H100 SXM 80GB"}})
    fed = feed("asset_register", "hardware_assets", accepted)
    assert set(fed.filter(pl.col("asset_class") == "accelerator")["sku"]) == {"H100 SXM 80GB"}
    assert "AS-8000" in fed["sku"].to_list()


def test_a_register_without_quantities_lists_one_item_a_row(gated, feed, samples):
    options = {"rated_power_unit": "W"}
    accepted, rejected = gated("asset_register", samples / "asset_register_english.csv", options)
    assert rejected.is_empty()
    (row,) = feed("asset_register", "hardware_assets", accepted).rows(named=True)
    # The spreadsheet had turned serial number 100 into 1.0E2.
    assert (row["asset_id"], row["quantity"], row["rated_power_w"], row["node_id"]) == ("100", 1, 800, "node-1")


def test_power_without_a_unit_is_not_guessed(gated, samples):
    _, rejected = gated("asset_register", samples / "asset_register_english.csv")
    assert rejected["rule"].to_list() == ["rated_power_has_a_unit"]


def test_the_unit_of_power_may_stand_in_a_column_of_its_own(gated, tmp_path):
    path = tmp_path / "register.csv"
    path.write_text(
        "SN,型号,类别,启用日期,额定功率,rated_power_unit\nS1,AS-1,服务器,2023-01-01,1.2,kW\n", encoding="utf-8"
    )
    accepted, _ = gated("asset_register", path)
    assert accepted.select("rated_power", "rated_power_unit").rows() == [(1.2, "kW")]


def test_gbk_is_read_as_declared_and_refused_as_utf_8(gated, samples, tmp_path):
    path = tmp_path / "register.csv"
    path.write_bytes((samples / CHINESE).read_text(encoding="utf-8").encode("gb18030"))
    accepted, _ = gated("asset_register", path, {"encoding": "gb18030"})
    assert accepted.height == 4
    with pytest.raises(UnreadableFile, match="encoding"):
        gated("asset_register", path)


def test_a_workbook_with_titles_a_decoy_sheet_and_true_dates(gated, tmp_path):
    path = tmp_path / "register.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("目录").write_row(0, 0, ["说明", "台账见下页"])
        sheet = book.add_worksheet("台账")
        sheet.write(0, 0, "固定资产台账")
        sheet.write_row(2, 0, ["SN", "类别", "型号", "启用日期", "功率(W)"])
        sheet.write_row(3, 0, ["SN-1", "空调", "AC-30"])
        sheet.write_datetime(3, 3, date(2023, 3, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write(3, 4, 30_000)
    accepted, rejected = gated("asset_register", path)
    assert rejected.is_empty()
    assert accepted.select("row_number", "asset_class", "in_service_from", "rated_power").rows() == [
        (4, "cooling", date(2023, 3, 1), 30_000)
    ]


def test_two_headers_for_one_column_are_refused_unless_the_source_says_which(gated, tmp_path):
    path = tmp_path / "register.csv"
    path.write_text("SN,型号,类别,厂商,品牌,启用日期\nS1,AS-1,服务器,甲,乙,2023-01-01\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="厂商, 品牌"):
        gated("asset_register", path)
    accepted, _ = gated("asset_register", path, {"columns": {"vendor": "品牌"}})
    assert accepted["vendor"].to_list() == ["乙"]


def test_a_dash_is_an_empty_cell(gated, tmp_path):
    path = tmp_path / "register.csv"
    path.write_text("SN,型号,类别,启用日期,U数,加速卡型号\nS1,AS-1,服务器,2023-01-01,-,无\n", encoding="utf-8")
    accepted, rejected = gated("asset_register", path)
    assert rejected.is_empty()
    assert accepted.select("rack_units", "accelerator_model").rows() == [(None, None)]


def test_a_label_is_matched_whole(gated, tmp_path):
    # 型号说明 begins like 型号 and is another column.
    path = tmp_path / "register.csv"
    path.write_text("SN,型号说明,类别,启用日期\nS1,AS-1,服务器,2023-01-01\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="model"):
        gated("asset_register", path)
