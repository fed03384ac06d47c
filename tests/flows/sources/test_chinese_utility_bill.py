from datetime import date

import polars as pl
import pytest
import xlsxwriter

from suanheng.flows.sources.chinese_utility_bill import read
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.schemas.datasets.energy import UTILITY_BILLS
from suanheng.schemas.raw.chinese_utility_bill import CONTRACT, PARTS, TIME_PERIODS

FORMAT = "chinese_utility_bill"
WIDE = "chinese_utility_bill_peak_flat_valley.csv"
LONG = "chinese_utility_bill_one_row_per_part_of_the_day.csv"
JANUARY = (date(2024, 1, 1), date(2024, 2, 1))


@pytest.fixture
def lines(gated, feed, staged):
    """Staged lines of a file none of whose records is rejected at either gate, by row and then as the feed has them."""

    def run(path, options=None):
        accepted, rejected = gated(FORMAT, path, options)
        assert rejected.is_empty(), rejected["message"].to_list()
        checked = staged("utility_bills", feed(FORMAT, "utility_bills", accepted))
        assert checked.rejected.is_empty(), checked.rejected["message"].to_list()
        return checked.accepted

    return run


@pytest.fixture
def csv(tmp_path):
    def write(header, *rows):
        path = tmp_path / "bills.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return path

    return write


def test_every_part_of_the_day_and_every_charge_is_a_line(lines, samples):
    january = lines(samples / WIDE).filter(meter_id="0431000001", service_start=JANUARY[0])
    shown = january.select("line_type", "tariff_period", "energy_kwh", "amount").sort("line_type", "tariff_period")
    assert sorted(shown.rows()) == sorted(
        [
            ("consumption", "sharp", 100_000, None),
            ("consumption", "peak", 300_000, None),
            ("consumption", "flat", 250_000, None),
            ("consumption", "valley", 350_000, None),
            ("energy_charge", "total", None, 650_000),
            ("demand", "total", None, 192_000),
            ("power_factor", "total", None, -3_250.5),
            ("surcharge", "total", None, 27_000),
        ]
    )
    assert january["service_end"].unique().to_list() == [JANUARY[1]]


def test_the_lines_of_a_bill_add_up_to_it_once(lines, samples):
    bills = lines(samples / WIDE).sort("meter_id", "service_start")
    sums = bills.group_by("meter_id", "service_start", maintain_order=True).agg(pl.col("energy_kwh", "amount").sum())
    # The columns 总电量 and 电费合计 of the three rows.
    assert sums.select("energy_kwh", "amount").rows() == [(1_000_000, 865_749.5), (900_000, 798_375), (5_000, 3_250)]


def test_lines_of_one_meter_and_month_do_not_collide(lines, samples):
    bills = lines(samples / WIDE)
    assert bills.n_unique(UTILITY_BILLS.key) == bills.height == 8 + 8 + 1


def test_an_estimated_reading_is_marked_on_all_its_lines(lines, samples):
    bills = lines(samples / WIDE)
    assert bills.filter(is_estimated=True)["service_start"].unique().to_list() == [date(2024, 2, 1)]


def test_rows_of_parts_of_the_day_count_once_beside_a_row_of_their_total(gated, feed, staged, samples):
    accepted, rejected = gated(FORMAT, samples / LONG)
    checked = staged("utility_bills", feed(FORMAT, "utility_bills", accepted))
    january = checked.accepted.filter(service_start=JANUARY[0])
    assert rejected.is_empty()
    # 1.5 + 30 + 25 + 35 = 91.5 万千瓦时 of 10,000 kWh; their charges; and the basic charge of the row of the total.
    assert january.filter(line_type="consumption")["energy_kwh"].sum() == pytest.approx(915_000)
    assert january["amount"].sum() == 18_000 + 300_000 + 175_000 + 140_000 + 96_000
    assert january["meter_id"].unique().to_list() == ["88/1"]
    # In February 28 + 32 is 60, and the total says 65: the three lines of consumption are refused.
    assert checked.rejected["rule"].to_list() == ["total_contradicts_its_parts"] * 3
    assert checked.accepted.filter(service_start=date(2024, 2, 1))["line_type"].to_list() == ["basic_charge"]


def test_a_bill_taken_back_and_issued_anew_has_rising_revisions(lines, samples):
    bills = lines(samples / "chinese_utility_bill_gb18030_taken_back.csv", {"encoding": "gb18030"})
    january = bills.filter(service_start=JANUARY[0], tariff_period="peak").sort("revision")
    assert january.select("line_type", "energy_kwh", "revision", "invoice_id").rows() == [
        ("consumption", 600, 0, "A1"),
        ("reversal", -600, 1, "A1"),
        ("consumption", 550, 2, "A2"),
    ]


def test_an_adjustment_is_one_line_of_energy_and_money(lines, samples):
    bills = lines(samples / "chinese_utility_bill_gb18030_taken_back.csv", {"encoding": "gb18030"})
    december = bills.filter(service_start=date(2023, 12, 1))
    assert december.select("line_type", "tariff_period", "energy_kwh", "amount").rows() == [
        ("adjustment", "total", -50, -35)
    ]


def test_text_in_another_encoding_than_declared_is_refused(samples):
    with pytest.raises(UnreadableFile, match='encoding = "gb18030"'):
        list(read(samples / "chinese_utility_bill_gb18030_taken_back.csv", {}))


def test_faulty_rows_are_quarantined_one_by_one(gated, samples):
    accepted, rejected = gated(FORMAT, samples / "chinese_utility_bill_faulty_rows.csv")
    assert accepted["row_number"].to_list() == [2]
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        3: "total_is_the_sum_of_its_parts",
        4: "type",
        5: "type",
        6: "something_was_billed",
        7: "less_than_or_equal_to",
        8: "isin",
        9: "not_nullable",
    }


def test_a_total_that_contradicts_its_parts_is_quarantined_with_both(gated, samples):
    _, rejected = gated(FORMAT, samples / "chinese_utility_bill_faulty_rows.csv")
    record = rejected.filter(rule="total_is_the_sum_of_its_parts")["record"][0]
    for stated in ('"总电量": "1000"', '"峰电量": "600"', '"平电量": "300"', '"谷电量": "150"'):
        assert stated in record


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2024-01-01至2024-01-31", JANUARY),
        ("2024/01/01-2024/01/31", JANUARY),
        ("2024.1.1~2024.1.31", JANUARY),
        ("20240101—20240131", JANUARY),
        ("2024年1月1日 到 2024年1月31日", JANUARY),
        ("2024-01-01 - 2024-02-01", JANUARY),
        ("2024年1月", JANUARY),
        ("2024年01月份", JANUARY),
        ("2024-01", JANUARY),
        ("202401", JANUARY),
        ("2024年1月至2024年2月", (JANUARY[0], date(2024, 3, 1))),
        ("2023年12月-2024年1月", (date(2023, 12, 1), date(2024, 2, 1))),
        ("2024年1-2月", (JANUARY[0], date(2024, 3, 1))),
    ],
)
def test_periods_are_half_open_however_they_are_written(lines, csv, period, expected):
    bills = lines(csv("户号,计费周期,用电量(kWh)", f"88,{period},1"))
    assert bills.select("service_start", "service_end").row(0) == expected


@pytest.mark.parametrize(
    "period", ["2024-01-02", "2024年13月", "2024-02-01至2024-01-01", "2023-02-30至2023-03-30", "一月"]
)
def test_what_is_no_period_is_quarantined(gated, csv, period):
    accepted, rejected = gated(FORMAT, csv("户号,计费周期,用电量(kWh)", f"88,{period},1"))
    assert accepted.is_empty()
    assert period in rejected["record"][0]


def test_a_reversed_period_is_quarantined_and_takes_no_other_bill_with_it(gated, csv):
    path = csv("户号,起始日期,截止日期,用电量(kWh)", "88,2024-01-01,2024-01-31,1", "88,2024-03-31,2024-02-29,1")
    accepted, rejected = gated(FORMAT, path)
    assert accepted.height == 1
    assert rejected.select("row_number", "rule").rows() == [(3, "period_not_reversed")]


def test_t03_both_end_date_conventions_give_the_same_daily_energy(lines, csv):
    header = "户号,起始日期,截止日期,用电量(kWh)"
    inclusive = lines(csv(header, "88,2024-01-15,2024-02-14,3100", "88,2024-02-15,2024-03-14,2900"))
    exclusive = lines(csv(header, "88,2024-01-15,2024-02-15,3100", "88,2024-02-15,2024-03-15,2900"))
    period = ["service_start", "service_end", "energy_kwh"]
    assert inclusive.select(period).equals(exclusive.select(period))
    # 3100 kWh over 31 days, 2900 over 29: a hundred a day, without a gap.
    days = (inclusive["service_end"] - inclusive["service_start"]).dt.total_days()
    assert (inclusive["energy_kwh"] / days).to_list() == [100, 100]
    assert inclusive["service_end"][0] == inclusive["service_start"][1]


@pytest.mark.parametrize(
    ("before", "after", "options", "expected"),
    [
        ("2024-01-01", "2024-02-01", {}, JANUARY),
        ("2023-12-31", "2024-01-31", {}, JANUARY),
        ("2024-01-15", "2024-02-15", {"read_at": "start_of_day"}, (date(2024, 1, 15), date(2024, 2, 15))),
        ("2024-01-15", "2024-02-15", {"read_at": "end_of_day"}, (date(2024, 1, 16), date(2024, 2, 16))),
    ],
)
def test_days_of_readings_bound_a_period_of_as_many_days(lines, csv, before, after, options, expected):
    bills = lines(csv("户号,上次抄表日期,本次抄表日期,用电量(kWh)", f"88,{before},{after},1"), options)
    assert bills.select("service_start", "service_end").row(0) == expected


@pytest.mark.parametrize(
    ("header", "row", "options", "column", "expected"),
    [
        ("户号,计费周期,用水量(吨),水费,污水处理费", "88,2024年1月,120,360,120", {}, "water_m3", 120),
        ("户号,计费周期,用水量(立方米)", "88,2024年1月,120", {}, "water_m3", 120),
        ("户号,计费周期,用热量,单位", "88,2024年1月,3.6,吉焦", {}, "energy_kwh", 1000),
        # 100 m3 of 36 MJ are 3,600 MJ.
        ("户号,计费周期,用气量(立方米)", "88,2024年1月,100", {"gas_mj_per_m3": 36}, "energy_kwh", 1000),
        ("户号,计费周期,用量(吨)", "88,2024年1月,7", {"commodity": "water"}, "water_m3", 7),
        ("户号,计费周期,总电量", "88,2024年1月,1.25", {"unit": "万千瓦时"}, "energy_kwh", 12_500),
    ],
)
def test_water_gas_and_heat_are_read_alike(lines, csv, header, row, options, column, expected):
    bills = lines(csv(header, row), options).filter(line_type="consumption")
    assert bills[column].to_list() == [pytest.approx(expected)]


def test_gas_without_a_heating_value_is_quarantined(gated, csv):
    accepted, rejected = gated(FORMAT, csv("户号,计费周期,用气量(立方米)", "88,2024年1月,100"))
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["gas_needs_a_heating_value"]


def test_a_workbook_with_a_title_and_ids_as_numbers(lines, tmp_path):
    path = tmp_path / "bills.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("说明").write(0, 0, "示例")
        sheet = book.add_worksheet("账单")
        sheet.write(0, 0, "电费账单")
        sheet.write_row(2, 0, ("用户编号", "开始日期", "结束日期", "总电量（kWh）"))
        sheet.write_row(3, 0, (3301234567890, 45292, 45322, 1000))
    bills = lines(path)
    # Excel counts days from 1900: 45292 is 1 January 2024, 45322 the 31st.
    assert bills.select("row_number", "meter_id", "service_start", "service_end").row(0) == (
        *(4, "3301234567890"),
        *JANUARY,
    )


def test_p08_a_label_that_only_begins_like_another_is_not_read_as_it(csv):
    path = csv("户号,计费周期,总电量(kWh),峰电量#2", "88,2024年1月,1000,600")
    with pytest.raises(UnreadableFile, match="峰电量#2"):
        list(read(path, {}))


def test_p08_a_quantity_that_is_no_part_of_the_bill_can_be_left_out(lines, csv):
    path = csv("户号,计费周期,总电量(kWh),上年同期电量", "88,2024年1月,1000,900")
    assert lines(path, {"ignore": ["上年同期电量"]})["energy_kwh"].to_list() == [1000]


@pytest.mark.parametrize(
    ("header", "row", "options", "said"),
    [
        pytest.param("户名,计费周期,总电量(kWh)", "某某,2024年1月,1", {}, "户号", id="no account"),
        pytest.param("户号,总电量(kWh)", "88,1", {}, "户号", id="no period"),
        pytest.param("户号,计费周期,总电量", "88,2024年1月,1", {}, "unit = 'kWh'", id="no unit"),
        pytest.param("户号,计费周期,总电量(kWh)", "88,2024年1月,1", {"unit": "MWh"}, "contradicts", id="two units"),
        pytest.param("户号,计费周期,总电量(kWh),单位", "88,2024年1月,1,kWh", {}, "more than one way", id="unit twice"),
        pytest.param(
            "户号,计费周期,总电量(kWh),用水量", "88,2024年1月,1,2", {}, "several things", id="two commodities"
        ),
        pytest.param("户号,计费周期,总电量(kWh),用电量", "88,2024年1月,1,1", {}, "Two columns mean 总电量", id="twice"),
        pytest.param("户号,计费周期,总电量(kWh)", "88,2024-01-15至2024-02-20,1", {}, "end_date", id="end date"),
        pytest.param(
            "户号,上次抄表日期,本次抄表日期,总电量(kWh)", "88,2024-01-15,2024-02-15,1", {}, "read_at", id="reading"
        ),
    ],
)
def test_what_cannot_be_told_is_refused(csv, header, row, options, said):
    with pytest.raises(UnreadableFile, match=said):
        list(read(csv(header, row), options))


def test_every_part_of_the_day_of_the_contract_has_a_tariff_period(gated, feed, csv):
    path = csv(
        "户号,计费周期,单位,时段,电量", *(f"{at},2024年1月,kWh,{word},1" for at, word in enumerate(TIME_PERIODS))
    )
    fed = feed(FORMAT, "utility_bills", gated(FORMAT, path)[0]).sort("row_number")
    assert fed["tariff_period"].to_list() == list(TIME_PERIODS.values())
    wide = csv("户号,计费周期,单位," + ",".join(PARTS), "88,2024年1月,kWh" + ",1" * len(PARTS))
    fed = feed(FORMAT, "utility_bills", gated(FORMAT, wide)[0])
    assert fed["tariff_period"].to_list() == [period for period, *_ in PARTS.values()]


def test_no_spelling_of_a_label_is_that_of_another():
    spellings = [spelling for name, column in CONTRACT.columns.items() for spelling in (name, *column.spellings)]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize(
    ("registers", "stated", "is_kept"),
    [
        ("1050.00,1095.00,800", "36000", True),  # 45 x 800
        ("1050.00,1095.00,800", "45", False),  # the multiplier was not used
        ("1000,1001,40", "1", False),  # 40 kWh; small, and as wrong
        ("1050,1095,800", "36720", True),  # 2 % of losses of the transformer on top
        ("9990,0035,800", "36000", True),  # the register has turned over: nothing to compare
        ("1050,1095,", "45", True),  # no multiplier is stated
        ("1050,1095,1", "45", True),
        ("1050,1095,800", "360000", False),  # used twice, or another unit
    ],
)
def test_a_quantity_is_the_rise_of_the_register_times_its_multiplier(gated, csv, registers, stated, is_kept):
    path = csv(
        "户号,起始日期,截止日期,上期示数,本期示数,倍率,电量(kWh)", f"77,2023-02-01,2023-02-28,{registers},{stated}"
    )
    accepted, rejected = gated(FORMAT, path)
    assert (accepted.height, rejected.height) == ((1, 0) if is_kept else (0, 1))
    if not is_kept:
        assert rejected["rule"].item() == "quantity_is_the_rise_of_the_register"
