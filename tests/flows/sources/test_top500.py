from datetime import date, datetime

import pytest
import xlsxwriter

from suanheng.flows.sources.top500 import read
from suanheng.schemas.checking.records import UnreadableFile

HEADER = ("Rank", "Name", "Computer", "Rmax [TFlop/s]", "Rpeak [TFlop/s]", "Power (kW)", "{efficiency}", "System ID")
SYSTEMS = (
    (1, "Long March", "Model A, 64C 2GHz", 1200.5, 2000.0, 50.0, 24.01, "180001"),
    (2, None, "Model B, 32C 3GHz", 800.0, 1000.0, None, None, "180002"),
    (3, None, "Model B, 32C 3GHz", 800.0, 1000.0, None, None, "180003"),
)


@pytest.fixture
def top500_list(tmp_path):
    """Write a list, and before it a transposed copy, as the lists of the 2020s have on a second sheet."""

    def write(name="TOP500_202311.xlsx", efficiency="Energy Efficiency [GFlops/Watts]", systems=SYSTEMS):
        header = [label.format(efficiency=efficiency) for label in HEADER]
        path = tmp_path / name
        with xlsxwriter.Workbook(path) as book:
            transposed = book.add_worksheet("Sheet1")
            for row, label in enumerate(header):
                transposed.write_row(row, 0, [label, *(system[row] for system in systems)])
            sheet = book.add_worksheet("62")
            sheet.write_row(0, 0, header)
            for row, system in enumerate(systems, start=1):
                sheet.write_row(row, 0, system)
        return path

    return write


def test_the_transposed_copy_is_passed_over(gated, top500_list):
    accepted, rejected = gated("top500", top500_list())
    assert rejected.is_empty()
    assert accepted.select("row_number", "Rank", "System ID").rows() == [
        (2, 1, "180001"),
        (3, 2, "180002"),
        (4, 3, "180003"),
    ]
    assert accepted["list_date"].unique().to_list() == [date(2023, 11, 1)]


@pytest.mark.parametrize(
    ("label", "stated", "gflops_per_w"),
    [
        ("Energy Efficiency [GFlops/Watts]", 24.01, 24.01),
        ("Power Effeciency [GFlops/Watts]", 24.01, 24.01),
        ("Mflops/Watt", 24010.0, 24.01),
    ],
)
def test_the_efficiency_is_found_under_every_name_it_had(gated, feed, top500_list, label, stated, gflops_per_w):
    first = (*SYSTEMS[0][:6], stated, SYSTEMS[0][7])
    accepted, _ = gated("top500", top500_list(efficiency=label, systems=(first,)))
    fed = feed("top500", "benchmark_results", accepted)
    assert fed["stated_gflops_per_w"].to_list() == pytest.approx([gflops_per_w])


def test_power_that_is_not_stated_stays_unknown(gated, feed, staged, top500_list):
    accepted, _ = gated("top500", top500_list())
    checked = staged("benchmark_results", feed("top500", "benchmark_results", accepted))
    results = checked.accepted.sort("row_number")
    assert checked.rejected.is_empty()
    assert results["mean_power_w"].to_list() == [50_000.0, None, None]
    assert results["power_boundary"].to_list() == ["it_input", None, None]


def test_gflops_per_watt_are_rmax_over_power(gated, feed, staged, rolled, top500_list):
    accepted, _ = gated("top500", top500_list())
    results = staged("benchmark_results", feed("top500", "benchmark_results", accepted)).accepted
    efficiency = rolled(
        "rollups/benchmark_efficiency", {"staged.benchmark_results": results}, date(2023, 11, 1), date(2023, 12, 1)
    )
    # By hand: 1200.5 TFLOP/s / 50 kW = 24.01 GFLOPS/W; systems without power have no row.
    assert efficiency.select("system_name", "gflops_per_w", "stated_gflops_per_w", "energy_per_unit_j").rows() == [
        ("Long March", pytest.approx(24.01), 24.01, None)
    ]


def test_nameless_systems_are_told_apart(gated, feed, top500_list):
    accepted, _ = gated("top500", top500_list())
    results = feed("top500", "benchmark_results", accepted).sort("row_number")
    assert results.select("system_name", "configuration").rows() == [
        ("Long March", "180001"),
        ("Model B, 32C 3GHz", "180002"),
        ("Model B, 32C 3GHz", "180003"),
    ]
    assert results["started_at_utc"].unique().to_list() == [datetime(2023, 11, 1)]


def test_a_file_name_without_a_month_needs_the_day_of_the_list(gated, top500_list):
    path = top500_list(name="latest.xlsx")
    with pytest.raises(UnreadableFile, match="list_date"):
        list(read(path, {}))
    accepted, _ = gated("top500", path, {"list_date": "2023-11-13"})
    assert accepted["list_date"].unique().to_list() == [date(2023, 11, 13)]


def test_a_system_without_a_result_is_quarantined(gated, top500_list):
    accepted, rejected = gated(
        "top500", top500_list(systems=(*SYSTEMS, (4, "Empty", "Model C", None, 1.0, None, None, "180004")))
    )
    assert accepted.height == 3
    assert rejected.select("row_number", "rule", "column_name").rows() == [(5, "not_nullable", "Rmax [TFlop/s]")]


def test_a_list_without_units_in_its_header_is_refused(tmp_path):
    path = tmp_path / "TOP500_200911.csv"
    path.write_text("Rank,Computer,RMax,RPeak,System ID\n1,Jaguar,1759000,2331000,176544\n")
    with pytest.raises(UnreadableFile, match="RMax"):
        list(read(path, {}))
