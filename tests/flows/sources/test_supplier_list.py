"""Supplier and stock lists: units in headers and cells, countries and currencies in words, one row a part."""

from datetime import date

import pytest
import xlsxwriter

from suanheng.schemas.checking.records import UnreadableFile
from suanheng.schemas.raw.supplier_list import CURRENCIES, ORIGINS

MAY = {"observed_on": "2024-05-31"}


def test_prices_lead_times_and_origins_in_the_units_of_the_dataset(gated, feed, staged, samples):
    accepted, rejected = gated("supplier_list", samples / "supplier_list_chinese.csv", MAY)
    assert accepted.height + rejected.height == 6
    checked = staged("part_supplies", feed("supplier_list", "part_supplies", accepted))
    rows = {row["row_number"]: row for row in checked.accepted.iter_rows(named=True)}
    assert checked.rejected.is_empty()
    # 12 weeks are 84 days; 20 days stand in the cell itself.
    assert [rows[number]["lead_time_days"] for number in (3, 4, 5)] == [84, 20, None]
    assert (rows[3]["unit_value"], rows[3]["currency"]) == (80_000, "CNY")
    assert [rows[number]["origin_country"] for number in (3, 4, 5)] == ["CN", "KR", "CN"]
    assert rows[5]["stock_units"] is None
    assert {row["observed_on"] for row in rows.values()} == {date(2024, 5, 31)}


def test_what_cannot_be_told_is_quarantined(gated, samples):
    _, rejected = gated("supplier_list", samples / "supplier_list_chinese.csv", MAY)
    faults = dict(rejected.select("row_number", "message").rows())
    assert sorted(faults) == [6, 7]
    assert "Atlantis" in faults[6]
    assert "qualified_suppliers" in faults[7]


@pytest.mark.parametrize(("column", "words"), [("产地", ORIGINS), ("币种", CURRENCIES)])
def test_every_word_has_its_code(gated, feed, tmp_path, column, words):
    path = tmp_path / "list.csv"
    lines = [f"P-{number},1,{word}" for number, word in enumerate(words)]
    path.write_text("\n".join([f"料号,库存,{column}", *lines]), encoding="utf-8")
    accepted, rejected = gated("supplier_list", path, MAY)
    assert rejected.is_empty()
    fed = feed("supplier_list", "part_supplies", accepted).sort("row_number")
    assert fed["origin_country" if column == "产地" else "currency"].to_list() == list(words.values())


def test_a_price_or_a_lead_time_without_a_unit_is_not_guessed(gated, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("part number,price,lead time\nX100,100,\nM3,,12\n", encoding="utf-8")
    _, rejected = gated("supplier_list", path, MAY)
    assert rejected["rule"].to_list() == ["price_has_a_currency", "lead_time_has_a_unit"]
    accepted, _ = gated("supplier_list", path, {**MAY, "currency": "CNY", "lead_time_unit": "weeks"})
    assert accepted.height == 2


def test_a_list_needs_a_day(gated, samples, tmp_path):
    with pytest.raises(UnreadableFile, match="observed_on"):
        gated("supplier_list", samples / "supplier_list_chinese.csv")
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Part No", "On hand", "As of"])
        sheet.write_row(1, 0, ["X100", 4])
        sheet.write_datetime(1, 2, date(2024, 5, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
    accepted, rejected = gated("supplier_list", path)
    assert rejected.is_empty()
    assert accepted.select("part_number", "observed_on", "stock").rows() == [("X100", date(2024, 5, 1), 4.0)]


def test_a_table_of_another_kind_is_refused(gated, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("料号,名称\nX100,加速卡\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="stock"):
        gated("supplier_list", path, MAY)
