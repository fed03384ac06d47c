from datetime import date, datetime

import polars as pl
import pytest
import xlsxwriter

from suanheng.flows.sources.portfolio_manager_template import read
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.schemas.raw.portfolio_manager_template import CONTRACT

SAMPLE = "portfolio_manager_template_it_energy.xlsx"
ZONE = "America/New_York"
KWH_PER_KBTU = 1055.05585262 / 3600

# Lists of the template's sheet 'Validation', with the slips it has: a blank too many and 'Lilters'.
ELECTRIC_UNITS = ("kBtu (thousand Btu)", "kWh (thousand Watt-hours)", "mBtu (million Btu)", "MWh (million Watt-hours)")
GAS_UNITS = (
    *("ccf (hundred cubic feet)", "cf (cubic feet)", "Cubic meters", "kBtu (thousand Btu)"),
    *("kcf (thousand cubic feet)", "Mbtu (million Btu)", "MCF (million cubic feet)", "Therms"),
)
WATER_UNITS = (
    *("ccf (hundred cubic feet)", "cf (cubic feet)", "Cubic meters", "Gallons (UK)", "Gallons  "),
    *("kcf (thousand cubic feet)", "Kcm (thousand cubic meters)", "kGal (thousand gallons) (UK)"),
    *("kGal (thousand gallons) (US)", "Liters", "MCF (million cubic feet)", "Mgal (Million gallons) (UK)"),
    "Mgal (Million gallons) (US)",
)
# The older lists of its sheet 'Lists': a bare M is a thousand in the gas trade and a million elsewhere.
SHORT_UNITS = ("MWh", "ccf", "cf", "cubic meters", "gal", "kBtu", "kLbs", "kWh", "kcf", "lbs", "liters", "therms")
REFUSED_UNITS = ("MLbs", "Mcf", "MCF", "MBtu", "tons", "kGal", "Mgal", "Lilters")


@pytest.fixture
def workbook(tmp_path):
    """Write entries ``(sheet, meter type, start, end, quantity, unit)``, one sheet per kind."""

    def write(*entries):
        path = tmp_path / "bills.xlsx"
        labels = ("Meter ID\n(Pre-filled)", "Meter Type\n(Pre-filled)", "Start Date\n(Required)")
        labels = (*labels, "End Date\n(Required)", "Usage\n(Required)", "Meter Unit\n(Pre-filled)")
        with xlsxwriter.Workbook(path, {"default_date_format": "mm/dd/yyyy"}) as book:
            for name in dict.fromkeys(entry[0] for entry in entries):
                sheet = book.add_worksheet(f"Add Bills-{name}")
                sheet.write_row(0, 0, labels)
                for row, (_, *cells) in enumerate((e for e in entries if e[0] == name), start=1):
                    sheet.write_row(row, 0, (f"{name}-{row}", *cells))
        return path

    return write


def test_every_sheet_of_bills_is_read_and_no_other(gated, samples):
    accepted, rejected = gated("portfolio_manager_template", samples / SAMPLE, time_zone=ZONE)
    assert accepted["sheet"].unique(maintain_order=True).to_list() == [
        *("Electricity", "Non Electric", "Water", "IT Energy", "On-Site"),
    ]
    # Row 2 of the second sheet; the delivery on the eighth sheet says no period.
    assert accepted["row_number"][0] == 20_000_002
    assert rejected.select("row_number", "rule").rows() == [(80_000_002, "not_nullable")]


def test_bills_become_kwh_and_m3_over_half_open_periods(gated, feed, staged, samples):
    accepted, _ = gated("portfolio_manager_template", samples / SAMPLE, time_zone=ZONE)
    checked = staged("utility_bills", feed("portfolio_manager_template", "utility_bills", accepted))
    bills = checked.accepted.sort("row_number")
    assert checked.rejected.is_empty()
    assert bills["meter_id"].to_list() == ["501", "501", "502", "503", "504"]
    # By hand: 100,000 cubic feet of 1.026 kBtu; 2 GJ = 2000/3.6 kWh; 5,000 US gallons of 3.785411784 litres.
    assert bills["energy_kwh"].to_list() == [
        31_000,
        28_000,
        pytest.approx(102_600 * KWH_PER_KBTU),
        pytest.approx(2000 / 3.6),
        None,
    ]
    assert bills["water_m3"].to_list()[-1] == pytest.approx(18.92705892)
    assert bills["service_end"].to_list()[:2] == [date(2023, 2, 1), date(2023, 3, 1)]
    assert bills["amount"].to_list() == [3100.5, 2800, 80, None, 40]
    assert bills["is_estimated"].to_list() == [False, True, False, False, False]


def test_it_energy_sits_at_the_boundaries_of_the_pue_categories(gated, feed, staged, samples):
    accepted, _ = gated("portfolio_manager_template", samples / SAMPLE, time_zone=ZONE)
    checked = staged("facility_readings", feed("portfolio_manager_template", "facility_readings", accepted))
    readings = checked.accepted.sort("row_number")
    assert checked.rejected.is_empty()
    # Hall 1 has a UPS meter, so its PDU input is 'other'; hall 2 has none, so there it is the output of the UPS.
    assert readings.select("meter_id", "boundary", "energy_kwh").rows() == [
        ("511", "ups_output", 24_800),
        ("512", "other", 24_500),
        ("513", "pdu_output", pytest.approx(24_300)),
        ("514", "it_input", 24_000),
        ("515", "ups_output", 1_000),
        ("521", "on_site_renewable", 900),
    ]


def test_measured_periods_run_between_midnights_of_the_declared_zone(gated, feed, samples):
    accepted, _ = gated("portfolio_manager_template", samples / SAMPLE, time_zone=ZONE)
    readings = feed("portfolio_manager_template", "facility_readings", accepted)
    # New York is five hours behind UTC in January, on its first midnight and on that after its last day.
    assert readings["started_at_utc"].unique().to_list() == [datetime(2023, 1, 1, 5)]
    assert readings["ended_at_utc"].unique().to_list() == [datetime(2023, 2, 1, 5)]


def test_t03_an_exclusive_workbook_gives_the_same_periods(gated, feed, workbook):
    january, february, march = 44927, 44958, 44986
    kwh = "kWh (thousand Watt-hours)"
    kind = ("Electricity", "Electricity - Grid Purchase")
    exclusive = workbook((*kind, january, february, 31, kwh), (*kind, february, march, 28, kwh))
    fed = feed(
        "portfolio_manager_template",
        "utility_bills",
        gated("portfolio_manager_template", exclusive, {"end_date": "exclusive"}, ZONE)[0],
    )
    inclusive = workbook((*kind, january, february - 1, 31, kwh), (*kind, february, march - 1, 28, kwh))
    again = feed(
        "portfolio_manager_template", "utility_bills", gated("portfolio_manager_template", inclusive, {}, ZONE)[0]
    )
    period = ["service_start", "service_end", "energy_kwh"]
    assert fed.select(period).sort("service_start").equals(again.select(period).sort("service_start"))


@pytest.mark.parametrize(
    ("sheet", "meter", "units"),
    [
        ("Electricity", "Electricity - Grid Purchase", ELECTRIC_UNITS),
        ("Non Electric", "Natural Gas", (*GAS_UNITS, *(u for u in SHORT_UNITS if u not in {"kLbs", "lbs"}))),
        ("Non Electric", "District Steam", ("kLbs", "lbs")),
        ("Water", "Municipally Supplied Potable Water - All", WATER_UNITS),
    ],
)
def test_t05_every_listed_unit_converts(gated, feed, staged, workbook, sheet, meter, units):
    path = workbook(*((sheet, meter, 44927, 44957, 1, unit) for unit in units))
    accepted, rejected = gated("portfolio_manager_template", path, {}, ZONE)
    assert rejected.is_empty(), rejected["message"].to_list()
    checked = staged("utility_bills", feed("portfolio_manager_template", "utility_bills", accepted))
    assert checked.rejected.is_empty()
    assert checked.accepted.select(pl.coalesce("energy_kwh", "water_m3")).to_series().min() > 0


def test_t05_every_other_listed_unit_is_quarantined(gated, workbook):
    path = workbook(*(("Non Electric", "Natural Gas", 44927, 44957, 1, unit) for unit in REFUSED_UNITS))
    accepted, rejected = gated("portfolio_manager_template", path, {}, ZONE)
    assert accepted.is_empty()
    assert rejected["value"].to_list() == list(REFUSED_UNITS)


def test_every_meter_type_feeds_one_dataset(feed):
    meters = CONTRACT.columns["Meter Type"].one_of
    frame = pl.DataFrame(
        {"row_number": range(1, len(meters) + 1), "Meter Type": meters, "Meter Unit": "kWh", "Usage": 1.0}
    )
    missing = {name: dtype for name, dtype in CONTRACT.dtypes().items() if name not in frame.columns}
    frame = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items()).with_columns(
        site_id=pl.lit("site-a"), file_id=pl.lit("0"), evidence_class=pl.lit("declared")
    )
    fed = [
        feed("portfolio_manager_template", dataset, frame)["row_number"]
        for dataset in ("utility_bills", "facility_readings")
    ]
    assert sorted([*fed[0], *fed[1]]) == frame["row_number"].to_list()


def test_a_workbook_without_entries_is_refused(tmp_path):
    path = tmp_path / "empty.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Add Bills-Water")
        sheet.write_row(0, 0, ("Meter ID\n(Pre-filled)", "Meter Type\n(Pre-filled)"))
    with pytest.raises(UnreadableFile, match="holds no entry"):
        list(read(path, {}))


def test_another_workbook_is_refused(samples):
    with pytest.raises(UnreadableFile, match="Add Bills to Meters"):
        list(read(samples / "portfolio_manager_inclusive.csv", {}))
