"""Published numbers of bills, meters, benchmarks and grids, reproduced by reader, gate, feed and rollup."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from suanheng.flows.sources import focus, green_button, ml_energy, portfolio_manager
from suanheng.schemas.checking.records import UnreadableFile

pytestmark = pytest.mark.real_data

KWH_PER_KBTU = 1055.05585262 / 3600


@pytest.fixture
def ingested(gated, feed, staged) -> Callable[..., pl.DataFrame]:
    """Staged rows of one file, none of whose records may be rejected at either gate."""

    def run(format: str, dataset: str, path: Path, options: dict | None = None) -> pl.DataFrame:
        accepted, rejected = gated(format, path, options)
        assert rejected.is_empty(), rejected.head()
        checked = staged(dataset, feed(format, dataset, accepted))
        assert checked.rejected.is_empty(), checked.rejected.head()
        return checked.accepted

    return run


def _watt_hours(readings: pl.DataFrame) -> float:
    return float((readings["energy_kwh"] * 1000).cast(pl.Decimal(38, 6)).sum())


def test_green_button_whole_file_is_the_sum_of_its_two_parts(public_data, ingested):
    # Published: 1,340 readings, 1,391,666 Wh = 511,688 Wh of file _1 + 879,978 Wh of file _2.
    folder = public_data / "green_button"
    whole, first, second = (
        ingested("green_button", "facility_readings", folder / f"test_usage_data{part}.xml")
        for part in ("", "_1", "_2")
    )
    assert (whole.height, first.height, second.height) == (1340, 480, 860)
    assert (_watt_hours(whole), _watt_hours(first), _watt_hours(second)) == (1_391_666, 511_688, 879_978)
    interval = ["meter_id", "boundary", "started_at_utc", "ended_at_utc", "energy_kwh"]
    assert (
        pl.concat([first, second])
        .select(interval)
        .sort("started_at_utc")
        .equals(whole.select(interval).sort("started_at_utc"))
    )


def test_green_button_day_of_23_hours_has_92_quarters(public_data, ingested):
    readings = ingested("green_button", "facility_readings", public_data / "green_button" / "test_usage_data.xml")
    local = pl.col("started_at_utc").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.date()
    # Clocks went forward on 11 March 2012.
    assert readings.filter(local == date(2012, 3, 11)).height == 92


def test_green_button_estimates_are_told_from_the_unknown(public_data, ingested):
    readings = ingested("green_button", "facility_readings", public_data / "green_button" / "test_usage_data_01.xml")
    # Of 96 readings one says quality 8 (estimated), one 7 (edited by hand, neither read nor estimated), 94 nothing.
    assert readings["is_estimated"].value_counts().sort("is_estimated", nulls_last=True).rows() == [
        (True, 1),
        (None, 95),
    ]


@pytest.mark.parametrize("part", ["", "_01", "_1", "_2"])
def test_t07_costs_and_watt_hours_are_those_an_independent_parser_sums(public_data, gated, ingested, part):
    path = public_data / "green_button" / f"test_usage_data{part}.xml"
    espi = "{http://naesb.org/espi}"
    readings = list(ElementTree.parse(path).iter(f"{espi}IntervalReading"))
    costs, values = ([int(reading.findtext(f"{espi}{name}")) for reading in readings] for name in ("cost", "value"))
    accepted, _ = gated("green_button", path)
    assert accepted["cost"].sum() == sum(costs)
    assert accepted["currency"].unique().to_list() == ["840"]
    assert _watt_hours(ingested("green_button", "facility_readings", path)) == sum(values)


@pytest.mark.parametrize(("name", "kwh"), [("1-overlapping", [0.1, 0.2]), ("electricity-wh", [1.79, 1.792])])
def test_green_button_small_files_are_read_whole(public_data, ingested, name, kwh):
    path = public_data / "green_button" / f"example-GreenButton-data-{name}.xml"
    readings = ingested("green_button", "facility_readings", path).sort("started_at_utc")
    # 100 and 200 Wh, 1790 and 1792 Wh in the files.
    assert readings["energy_kwh"].to_list() == kwh
    assert readings["meter_id"].unique().to_list() == ["v1/User/6150855/UsagePoint/409483"]


def test_green_button_lone_service_category_is_no_feed(public_data):
    with pytest.raises(UnreadableFile, match="begins with <ServiceCategory>"):
        list(green_button.read(public_data / "green_button" / "ServiceCategory.xml", {}))


def test_green_button_gas_is_no_electricity_of_the_site(public_data, ingested):
    gas = ingested(
        "green_button", "facility_readings", public_data / "green_button" / "example-GreenButton-data-gas-MBtu.xml"
    )
    # By hand: (1790 + 1792) x 10^6 Btu.
    assert gas["energy_kwh"].sum() == pytest.approx(3_582_000 * KWH_PER_KBTU, rel=1e-12)
    assert gas["boundary"].unique().to_list() == ["other"]


def test_green_button_electricity_in_cubic_feet_is_quarantined(public_data, gated):
    path = public_data / "green_button" / "example-GreenButton-data-invalid-electricity-cf.xml"
    accepted, rejected = gated("green_button", path)
    assert accepted.is_empty()
    assert rejected["rule"].to_list() == ["unit_possible_for_commodity"] * 2


@pytest.mark.parametrize(
    ("name", "convention", "bills", "meters"),
    [
        ("ESPM_BPS_Sample_Meter_Readings.xlsx", "inclusive", 579, 17),
        ("example-pm-monthly-meter-usage.xlsx", "exclusive", 8, 4),
        ("example-pm-monthly-meter-usage-1-dup.xlsx", "exclusive", 12, 4),
    ],
)
def test_portfolio_manager_shows_its_end_date_convention(public_data, gated, ingested, name, convention, bills, meters):
    path = public_data / "utility_bills_xlsx" / name
    accepted, _ = gated("portfolio_manager", path)
    staged = ingested("portfolio_manager", "utility_bills", path)
    assert accepted["end_date_convention"].unique().to_list() == [convention]
    assert (staged.height, staged["meter_id"].n_unique()) == (bills, meters)
    # Calendar months in both files: half-open periods run from a first to a first.
    assert staged["service_end"].dt.day().unique().to_list() == [1]


def test_portfolio_manager_quantities_and_ids(public_data, gated, ingested):
    path = public_data / "utility_bills_xlsx" / "ESPM_BPS_Sample_Meter_Readings.xlsx"
    accepted, _ = gated("portfolio_manager", path)
    first = ingested("portfolio_manager", "utility_bills", path).sort("row_number").row(0, named=True)
    assert accepted["Portfolio Manager ID"][0] == "22178843"
    assert "Cost ($) (2)" in accepted.columns
    # Row 7 of the sheet: meter 139067318, January 2019, 274,925.3 kBtu.
    assert (first["row_number"], first["meter_id"], first["commodity"]) == (7, "139067318", "electricity")
    assert first["energy_kwh"] == pytest.approx(274_925.3 * KWH_PER_KBTU, rel=1e-12)
    assert first["service_end"] - first["service_start"] == timedelta(days=31)


def test_portfolio_manager_property_report_is_refused(public_data):
    with pytest.raises(UnreadableFile, match="Meter Entries"):
        list(portfolio_manager.read(public_data / "utility_bills_xlsx" / "test_espm.csv", {}))


def test_cyclonedx_hardware_quantities_are_text_properties(public_data, ingested):
    path = public_data / "cyclonedx" / "HBOM" / "PCIe-SATA-adapter-board" / "bom.json"
    parts = ingested("cyclonedx", "bom_parts", path).sort("row_number")
    # As listed in the document: 1 + 8 + 1 + 1 + 2 + 2 pieces.
    assert parts["quantity"].to_list() == [1, 8, 1, 1, 2, 2]
    assert parts["supplier"].to_list() == ["Samtec", "Molex", "3M", "Multicomp", "TE Connectivity", "Multicomp"]
    assert parts["asset_sku"].unique().to_list() == ["pcie-sata-adaptor-board"]


def test_cyclonedx_software_of_an_old_version(public_data, ingested):
    path = public_data / "cyclonedx" / "SBOM" / "cern-lhc-vdm-editor-e564943" / "bom.json"
    components = ingested("cyclonedx", "software_components", path)
    assert components.height == 43
    assert components["licence_spdx"].null_count() == 0
    assert components["observed_on"].unique().to_list() == [date(2020, 8, 3)]


def _efficiency(rolled, results: pl.DataFrame, month: date) -> pl.DataFrame:
    return rolled(
        "rollups/benchmark_efficiency",
        {"staged.benchmark_results": results},
        month,
        (month + timedelta(days=31)).replace(day=1),
    )


def test_top500_efficiency_is_rmax_over_power(public_data, ingested, rolled):
    results = ingested("top500", "benchmark_results", public_data / "top500" / "TOP500_202311.xlsx")
    efficiency = _efficiency(rolled, results, date(2023, 11, 1))
    # 312 of the 500 systems state no power; they have unknown power, not none.
    assert (results.height, results["mean_power_w"].null_count(), efficiency.height) == (500, 312, 188)
    # Published: the column Energy Efficiency, relative error below 1e-9.
    error = (efficiency["gflops_per_w"] / efficiency["stated_gflops_per_w"] - 1).abs()
    assert error.max() < 1e-9


def test_top500_old_list_calls_the_efficiency_otherwise(public_data, ingested, rolled):
    results = ingested("top500", "benchmark_results", public_data / "top500" / "TOP500_201806.xls")
    efficiency = _efficiency(rolled, results, date(2018, 6, 1))
    assert (results.height, efficiency.height) == (500, 264)
    # That list rounds its column to three decimals.
    assert (efficiency["gflops_per_w"] - efficiency["stated_gflops_per_w"]).abs().max() < 0.0005 + 1e-9


def test_ml_energy_joules_per_token_are_watts_over_tokens_per_second(public_data, ingested, rolled):
    models = sorted((public_data / "ml_energy" / "models").glob("*.json"))
    results = pl.concat(
        ingested("ml_energy", "benchmark_results", path, {"measured_on": "2026-02-16"}) for path in models
    )
    efficiency = _efficiency(rolled, results, date(2026, 2, 1))
    key = ["benchmark", "scenario", "system_name", "metric", "configuration", "started_at_utc"]
    assert efficiency.height == results.height == results.select(key).n_unique() == 138
    # Published: J/token of every configuration, to rounding of a double.
    error = (efficiency["energy_per_unit_j"] / efficiency["stated_energy_per_unit_j"] - 1).abs()
    assert error.max() < 1e-15


def test_ml_energy_index_is_refused(public_data):
    with pytest.raises(UnreadableFile, match="holds no measurements"):
        list(ml_energy.read(public_data / "ml_energy" / "index.json", {"measured_on": "2026-02-16"}))


@pytest.mark.parametrize(("area", "unstated_hours"), [("CA", 3), ("TX", 0)])
def test_grid_intensity_is_exactly_the_sum_of_share_times_factor(public_data, gated, rolled, area, unstated_hours):
    mix, rejected = gated(
        "grid_mix_hourly", public_data / "grid_mix_hourly" / f"{area}_NG_&_avgCI.csv", {"area": f"US-{area}"}
    )
    assert rejected.is_empty()
    tables = {
        "raw.grid_mix_hourly": mix,
        "reference.generation_factors": pl.read_csv(
            str(files("suanheng.config") / "reference" / "generation_factors.csv")
        ),
    }
    hours = rolled("rollups/grid_intensity_hour", tables, date(2022, 1, 1), date(2023, 1, 1))
    stated = hours.drop_nulls("stated_gco2e_per_kwh")
    assert (hours.height, stated.height) == (8760, 8760 - unstated_hours)
    assert stated["computed_gco2e_per_kwh"].equals(stated["stated_gco2e_per_kwh"], check_names=False)


def test_t09_focus_sample_reproduces_its_counts_in_its_dialect(public_data, gated):
    path = public_data / "focus" / "FOCUS-1.0" / "focus_sample.csv"
    accepted, rejected = gated("focus", path, {"dialect": "finops_sample"})
    assert rejected.is_empty()
    assert accepted.height == 1000
    # Published: ContractedCost is 0 beside a BilledCost in 604 of 1,000 rows. 0 is a price, NULL is none.
    assert accepted.filter((pl.col("ContractedCost") == 0) & (pl.col("BilledCost") != 0)).height == 604
    # Counted in the file's text, by an independent parser.
    text = pl.read_csv(path, infer_schema=False)
    empty = text.select(((pl.all() == "NULL") | (pl.all() == "")).sum()).row(0, named=True)
    del empty["Id"]
    assert accepted.select(pl.col(list(empty)).null_count()).row(0, named=True) == empty
    deviations = accepted["deviations"]
    assert deviations.str.count_matches(": NULL").sum() == sum((text[name] == "NULL").sum() for name in empty)
    assert deviations.str.contains("ChargePeriodStart: no_zone", literal=True).all()
    assert deviations.str.contains("Id: extra column", literal=True).all()
    assert deviations.str.contains("ContractedCost: no value", literal=True).sum() == 7
    # JSON inside CSV: every one of the tags parses.
    assert sum(bool(json.loads(tags)) for tags in accepted["Tags"].drop_nulls()) == 711
    assert accepted.filter(pl.col("BilledCost") < 0).height == 13


def test_t09_focus_sample_is_refused_without_its_dialect(public_data):
    with pytest.raises(UnreadableFile, match="not of FOCUS: Id"):
        list(focus.read(public_data / "focus" / "FOCUS-1.0" / "focus_sample.csv", {}))


def test_t09_focus_sample_offers_no_accelerators_that_nobody_named(public_data, ingested, gated, feed):
    path = public_data / "focus" / "FOCUS-1.0" / "focus_sample.csv"
    assert ingested("focus", "service_offers", path, {"dialect": "finops_sample"}).is_empty()
    # Its servers with a GPU: an on-demand hour of g3.4xlarge, which has one M60, lists 1.14 USD.
    charges = gated("focus", path, {"dialect": "finops_sample"})[0]
    gpu = charges.filter(pl.col("ChargeDescription").str.contains("g3.4xlarge", literal=True))
    named = {sku: {"sku": "M60", "devices": 1} for sku in gpu["SkuId"].unique()}
    offers = ingested("focus", "service_offers", path, {"dialect": "finops_sample", "accelerators": named})
    assert offers.select("price", "currency", "sku").unique().rows() == [(1.14, "USD", "M60")]
    assert offers["valid_from"].to_list() == gpu["ChargePeriodStart"].dt.date().unique().sort().to_list()
