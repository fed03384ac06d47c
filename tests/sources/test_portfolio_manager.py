from datetime import date

import polars as pl
import pytest
import xlsxwriter

from suanheng.flows.sources.portfolio_manager import read
from suanheng.schemas.gate import UnreadableFile
from suanheng.schemas.raw.portfolio_manager import (
    COMMODITY_OF_METER_TYPE,
    CONTRACT,
    ENERGY_UNITS,
    STEAM_UNITS,
    VOLUME_UNITS,
)

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


def test_both_end_date_conventions_give_the_same_service_periods(gated, feed, workbook):
    exclusive = [(date(2023, 1, 15), date(2023, 2, 15), 310), (date(2023, 2, 15), date(2023, 3, 15), 280)]
    inclusive = [(date(2023, 1, 15), date(2023, 2, 14), 310), (date(2023, 2, 15), date(2023, 3, 14), 280)]
    staged = []
    for bills, convention in ((exclusive, "exclusive"), (inclusive, "inclusive")):
        accepted, _ = gated("portfolio_manager", workbook(bills))
        assert accepted["end_date_convention"].unique().to_list() == [convention]
        staged.append(feed("portfolio_manager", "utility_bills", accepted).sort("service_start"))
    assert staged[0].equals(staged[1])
    assert staged[0]["service_end"].to_list() == [date(2023, 2, 15), date(2023, 3, 15)]


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


def test_csv_with_two_cost_columns_and_rewritten_ids(gated, feed, samples):
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


def test_every_unit_and_meter_type_of_the_contract_converts(feed):
    meter_of = {"energy": "Electric - Grid", "volume": "Natural Gas", "steam": "District Steam"}
    cases = [
        *((unit, meter_of["energy"]) for unit in ENERGY_UNITS),
        *((unit, meter_of["volume"]) for unit in VOLUME_UNITS),
        *((unit, meter_of["steam"]) for unit in STEAM_UNITS),
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
