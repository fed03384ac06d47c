from datetime import date

import polars as pl
import pytest
import xlsxwriter

from suanheng.flows.sources.portfolio_manager import read
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.schemas.raw.portfolio_manager import COMMODITY_OF_METER_TYPE, CONTRACT
from suanheng.schemas.units import spellings

KBTU = "kBtu (thousand Btu)"
KWH_PER_KBTU = 1055.05585262 / 3600
HEADER = (
    "Portfolio Manager ID",
    "Portfolio Manager Meter ID",
    "Meter Type",
    "Start Date",
    "End Date",
    "Usage/Quantity",
    "Usage Units",
    "Estimation?",
)


@pytest.fixture
def workbook(tmp_path):
    """Write bills ``(start, end, quantity)`` to the middle one of three sheets, below a title and blank rows."""

    def write(bills, unit=KBTU, serial_days=False, meters=("5766973-0",)):
        path = tmp_path / "meters.xlsx"
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet("Empty Sheet 1").write(0, 0, "Table 1")
            sheet = book.add_worksheet("Meter Entries")
            book.add_worksheet("Empty Sheet 2").write(0, 0, "Table 1")
            as_day = None if serial_days else book.add_format({"num_format": "mm/dd/yyyy"})
            sheet.write(0, 0, "My Portfolio")
            sheet.write_row(5, 0, HEADER)
            rows = [(meter, *bill) for meter in meters for bill in bills]
            for offset, (meter, start, end, quantity) in enumerate(rows, start=6):
                sheet.write_row(offset, 0, (22178843, meter, "Electric - Grid"))
                sheet.write_datetime(offset, 3, start, as_day)
                sheet.write_datetime(offset, 4, end, as_day)
                sheet.write_row(offset, 5, (quantity, unit, "No"))
        return path

    return write


@pytest.mark.parametrize(
    ("sheets", "header_row"),
    [(("Table 1", "Meter Entries", "Table 2"), 6), (("Meter Entries", "Table 1"), 1), (("b", "a", "Entries"), 13)],
    ids=["between decoys", "first sheet, first row", "last sheet, row 13"],
)
def test_t02_shuffled_sheets_and_a_shifted_header_still_load(gated, tmp_path, sheets, header_row):
    path = tmp_path / "meters.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in sheets:
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, "Table 1" if "Entries" not in name else HEADER[0])
            if "Entries" in name:
                sheet.write_row(header_row - 1, 0, (*HEADER, "Fuel Souce - Wind %", "Cost ($)"))
                bill = (22178843, "5766973-0", "Electric - Grid", 44927, 44958, 100, KBTU, "No", "Not Available")
                sheet.write_row(header_row, 0, (*bill, "Not Available"))
    accepted, rejected = gated("portfolio_manager", path)
    assert rejected.is_empty()
    # Excel counts days from 1900: 44927 is 1 January 2023. The row below the header is the bill.
    assert accepted.select("row_number", "Start Date", "End Date", "Cost ($)").row(0) == (
        header_row + 1,
        date(2023, 1, 1),
        date(2023, 2, 1),
        None,
    )


def test_t02_the_misspelt_label_of_wind_is_an_alias(gated, tmp_path):
    path = tmp_path / "meters.csv"
    bill = "1,m,Electric - Grid,2023-01-01,2023-02-01,5,kWh (thousand Watt-hours),No"
    for label in ("Fuel Souce - Wind %", "Fuel Source - Wind %"):
        path.write_text(",".join((*HEADER, label)) + f"\n{bill},40\n")
        accepted, _ = gated("portfolio_manager", path)
        assert accepted["Fuel Source - Wind %"].to_list() == [40]


def test_t02_both_spellings_of_a_label_in_one_file_are_refused(tmp_path):
    path = tmp_path / "meters.csv"
    path.write_text(",".join((*HEADER, "Fuel Souce - Wind %", "Fuel Source - Wind %")) + "\n" + "1," * 9 + "1\n")
    with pytest.raises(UnreadableFile, match="Two columns mean Fuel Source - Wind %"):
        list(read(path, {}))


def test_p08_a_label_that_only_begins_like_another_is_another_column(gated, feed, tmp_path):
    # A prefix match once read 'Usage/Quantity #2' as 'Usage/Quantity', and counted a fuel twice.
    path = tmp_path / "meters.csv"
    header = (*HEADER, "Usage/Quantity #2", "Usage", "Meter Type 2")
    bill = "1,m,Electric - Grid,2023-01-01,2023-02-01,5,kWh (thousand Watt-hours),No,700,800,Diesel"
    path.write_text(",".join(header) + f"\n{bill}\n")
    accepted, _ = gated("portfolio_manager", path)
    fed = feed("portfolio_manager", "utility_bills", accepted)
    assert fed["energy_kwh"].to_list() == [5.0]
    assert fed["commodity"].to_list() == ["electricity"]


def test_p08_a_header_with_only_a_longer_label_is_not_the_header(tmp_path):
    path = tmp_path / "meters.csv"
    path.write_text(",".join((*HEADER[:5], "Usage/Quantity #2", *HEADER[6:])) + "\n")
    with pytest.raises(UnreadableFile, match="No table with the expected header"):
        list(read(path, {}))


def test_the_sheet_and_the_header_are_found_by_content(gated, workbook):
    accepted, rejected = gated("portfolio_manager", workbook([(date(2023, 1, 1), date(2023, 2, 1), 100.0)]))
    assert rejected.is_empty()
    # The header stands in Excel row 6, so the bill is row 7.
    assert accepted.select("row_number", "Portfolio Manager ID", "Start Date").row(0) == (
        7,
        "22178843",
        date(2023, 1, 1),
    )


def test_serial_days_are_dates(gated, workbook):
    accepted, _ = gated("portfolio_manager", workbook([(date(2023, 1, 1), date(2023, 2, 1), 1)], serial_days=True))
    assert accepted.select("Start Date", "End Date").row(0) == (date(2023, 1, 1), date(2023, 2, 1))


def test_quantities_keep_all_their_digits(gated, workbook):
    bills = [(date(2023, 1, 1), date(2023, 2, 1), 0.1234567890123)]
    accepted, _ = gated("portfolio_manager", workbook(bills))
    assert accepted["Usage/Quantity"].to_list() == [0.1234567890123]


def test_t03_both_end_date_conventions_give_the_same_service_periods(gated, feed, workbook):
    exclusive = [(date(2023, 1, 15), date(2023, 2, 15), 310), (date(2023, 2, 15), date(2023, 3, 15), 280)]
    inclusive = [(date(2023, 1, 15), date(2023, 2, 14), 310), (date(2023, 2, 15), date(2023, 3, 14), 280)]
    staged = []
    for bills, convention in ((exclusive, "exclusive"), (inclusive, "inclusive")):
        accepted, _ = gated("portfolio_manager", workbook(bills))
        assert accepted["end_date_convention"].unique().to_list() == [convention]
        staged.append(feed("portfolio_manager", "utility_bills", accepted).sort("service_start"))
    assert staged[0].equals(staged[1])
    assert staged[0]["service_end"].to_list() == [date(2023, 2, 15), date(2023, 3, 15)]
    # No gap and no overlap, and 310 kBtu over 31 days as 280 over 28: ten a day in both.
    assert staged[0]["service_end"][0] == staged[0]["service_start"][1]
    days = (staged[0]["service_end"] - staged[0]["service_start"]).dt.total_days()
    assert (staged[0]["energy_kwh"] / days).to_list() == pytest.approx([10 * KWH_PER_KBTU] * 2)


def test_lone_calendar_months_show_the_convention(gated, workbook):
    accepted, _ = gated("portfolio_manager", workbook([(date(2023, 1, 1), date(2023, 1, 31), 1)]))
    assert accepted["end_date_convention"].to_list() == ["inclusive"]


def test_a_convention_that_cannot_be_seen_has_to_be_stated(gated, workbook):
    path = workbook([(date(2023, 1, 15), date(2023, 2, 15), 1)])
    with pytest.raises(UnreadableFile, match="end_date = 'inclusive'"):
        list(read(path, {}))
    accepted, _ = gated("portfolio_manager", path, {"end_date": "inclusive"})
    assert accepted["end_date_convention"].to_list() == ["inclusive"]


def test_conventions_that_contradict_each_other_are_refused(workbook):
    contradiction = [
        (date(2023, 1, 1), date(2023, 1, 31), 1),
        (date(2023, 2, 1), date(2023, 3, 1), 1),
        (date(2023, 3, 1), date(2023, 4, 1), 1),
    ]
    with pytest.raises(UnreadableFile, match="1 that speak for the last day and 1 for the day after"):
        list(read(workbook(contradiction), {}))


def test_an_unknown_value_of_the_option_is_refused(workbook):
    path = workbook([(date(2023, 1, 1), date(2023, 2, 1), 1)])
    with pytest.raises(UnreadableFile, match="inclusive or exclusive"):
        list(read(path, {"end_date": "closed"}))


def test_t04_two_cost_columns_stay_apart_and_ids_are_whole_numbers_again(gated, feed, samples):
    accepted, rejected = gated("portfolio_manager", samples / "portfolio_manager_inclusive.csv", {"currency": "CAD"})
    fed = feed("portfolio_manager", "utility_bills", accepted).sort("row_number")
    assert rejected.is_empty()
    assert accepted["Portfolio Manager ID"].unique().to_list() == ["22178843"]
    assert accepted["Cost ($)"].to_list() == [150.25, None, 80.0, 40.0]
    assert accepted["Cost ($) (2)"].to_list() == [9.99, None, None, None]
    assert fed["row_number"].to_list() == [5, 6, 7, 8]
    assert fed["amount"].to_list() == [150.25, None, 80.0, 40.0]
    assert fed["currency"].to_list() == ["CAD", None, "CAD", "CAD"]
    assert fed["service_end"].to_list() == [date(2023, 2, 1), date(2023, 3, 1), date(2023, 2, 1), date(2023, 2, 1)]
    assert fed["is_estimated"].to_list() == [False, True, False, False]


def test_quantities_become_kwh_and_m3(gated, feed, staged, samples):
    accepted, _ = gated("portfolio_manager", samples / "portfolio_manager_inclusive.csv")
    checked = staged("utility_bills", feed("portfolio_manager", "utility_bills", accepted))
    bills = checked.accepted.sort("row_number")
    assert checked.rejected.is_empty()
    assert bills["commodity"].to_list() == ["electricity", "electricity", "natural_gas", "water"]
    # By hand: 10,000 cubic feet of 1.026 kBtu; 5,000 US gallons of 3.785411784 litres.
    assert bills["energy_kwh"].to_list() == [1000, 2000, pytest.approx(10_260 * KWH_PER_KBTU), None]
    assert bills["water_m3"].to_list() == [None, None, None, pytest.approx(18.92705892)]


def test_a_later_change_of_an_entry_has_a_higher_revision(gated, feed, samples):
    accepted, _ = gated("portfolio_manager", samples / "portfolio_manager_inclusive.csv")
    fed = feed("portfolio_manager", "utility_bills", accepted).sort("row_number")
    # 10 February to 10 March 2023: 28 days.
    assert fed["revision"][1] - fed["revision"][0] == 28


def test_t04_rows_are_counted_as_the_sheet_counts_them_where_empty_ones_are_not_stored(gated, workbook):
    # The workbook stores no row 2 to 5 at all: the header still stands in row 6, and the bill in row 7.
    accepted, _ = gated("portfolio_manager", workbook([(date(2023, 1, 1), date(2023, 2, 1), 1)]))
    assert accepted["row_number"].to_list() == [7]


def test_faulty_rows_are_quarantined_one_by_one(gated, samples):
    accepted, rejected = gated("portfolio_manager", samples / "portfolio_manager_faulty_rows.csv")
    assert accepted["row_number"].to_list() == [2]
    # Unknown unit (case matters), electricity in cubic feet, a commodity without a place, no end, a field too few.
    assert dict(rejected.select("row_number", "rule").iter_rows()) == {
        3: "isin",
        4: "unit_possible_for_meter",
        5: "isin",
        6: "not_nullable",
        7: "field_count",
    }


def test_t05_every_unit_and_meter_type_of_the_contract_converts(feed):
    meter_of = {"energy": "Electric - Grid", "volume": "Natural Gas", "mass": "District Steam"}
    cases = [
        *((unit, meter) for quantity, meter in meter_of.items() for unit in spellings(quantity)),
        *((KBTU, meter) for meter, commodity in COMMODITY_OF_METER_TYPE.items() if commodity != "water"),
        *(("Liters", meter) for meter, commodity in COMMODITY_OF_METER_TYPE.items() if commodity == "water"),
    ]
    frame = pl.DataFrame(
        {
            "row_number": range(1, len(cases) + 1),
            "Usage Units": [unit for unit, _ in cases],
            "Meter Type": [meter for _, meter in cases],
            "Usage/Quantity": [1.0] * len(cases),
            "end_date_convention": ["exclusive"] * len(cases),
        }
    )
    missing = {name: dtype for name, dtype in CONTRACT.dtypes().items() if name not in frame.columns}
    frame = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items()).with_columns(
        site_id=pl.lit("site-a"), file_id=pl.lit("0"), evidence_class=pl.lit("declared")
    )
    fed = feed("portfolio_manager", "utility_bills", frame).sort("row_number")
    assert fed["commodity"].to_list() == [COMMODITY_OF_METER_TYPE[meter] for _, meter in cases]
    assert fed.select(pl.coalesce("energy_kwh", "water_m3")).to_series().null_count() == 0


@pytest.mark.parametrize(
    ("unit", "meter", "kwh"),
    [
        # By hand, with 1055.05585262 J a Btu: a million Btu; a hundred thousand; 1,026 Btu per cubic foot of gas.
        ("mBtu (million Btu)", "Electric - Grid", 293.0710701722),
        ("Mbtu (million Btu)", "Electric - Grid", 293.0710701722),
        ("Therms", "Natural Gas", 29.30710701722),
        ("ccf (hundred cubic feet)", "Natural Gas", 100 * 1.026 * KWH_PER_KBTU),
        ("kcf (thousand cubic feet)", "Natural Gas", 1000 * 1.026 * KWH_PER_KBTU),
        ("MCF (million cubic feet)", "Natural Gas", 1e6 * 1.026 * KWH_PER_KBTU),
        ("kLbs. (thousand pounds)", "District Steam", 1000 * 1.194 * KWH_PER_KBTU),
    ],
)
def test_t05_units_are_told_apart_by_case(gated, feed, tmp_path, unit, meter, kwh):
    path = tmp_path / "meters.csv"
    path.write_text(",".join(HEADER) + f"\n1,m,{meter},2023-01-01,2023-02-01,1,{unit},No\n")
    accepted, rejected = gated("portfolio_manager", path)
    assert rejected.is_empty()
    fed = feed("portfolio_manager", "utility_bills", accepted)
    assert fed["energy_kwh"].to_list() == [pytest.approx(kwh, rel=1e-9)]


@pytest.mark.parametrize("unit", ["kbtu (thousand btu)", "KBTU", "MCF", "Mcf", "MBtu", "MLbs", "tons", "Lilters"])
def test_t05_a_unit_that_is_unknown_or_ambiguous_is_quarantined(gated, tmp_path, unit):
    path = tmp_path / "meters.csv"
    path.write_text(",".join(HEADER) + f"\n1,m,Natural Gas,2023-01-01,2023-02-01,1,{unit},No\n")
    accepted, rejected = gated("portfolio_manager", path)
    assert accepted.is_empty()
    assert rejected.select("rule", "column_name", "value").rows() == [("isin", "Usage Units", unit)]


def test_a_property_report_is_refused(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text("Property Id,Property Name,Year Ending\n1,Hall 1,12/31/2013\n")
    with pytest.raises(UnreadableFile, match="Property Id, Property Name, Year Ending"):
        list(read(path, {}))


def test_a_broken_workbook_is_refused(tmp_path):
    path = tmp_path / "meters.xlsx"
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(UnreadableFile, match="cannot be opened as a workbook"):
        list(read(path, {}))
