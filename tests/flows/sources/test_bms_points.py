"""Points of building management systems: the dictionary decides, and four defects have four reasons."""

from datetime import datetime

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile

OPTIONS = {"points": "bms_points_dictionary.csv", "interval_s": 900, "stamped_at": "end"}


def test_points_become_readings_of_meters(gated, feed, staged, samples):
    accepted, rejected = gated("bms_points", samples / "bms_points_quarter_hours.csv", OPTIONS, "Asia/Shanghai")
    assert rejected.is_empty()
    checked = staged("facility_readings", feed("bms_points", "facility_readings", accepted))
    assert checked.rejected.is_empty()
    rows = checked.accepted.sort("meter_id", "started_at_utc")
    # 08:15 in Shanghai is 00:15 UTC; 45.5 kW and 120.25 MWh of one meter are one row.
    air = rows.filter(meter_id="AHU-1").select("started_at_utc", "boundary", "power_w", "energy_counter_kwh").rows()
    assert air == [
        (datetime(2024, 6, 1, 0, 15), "cooling", 45_500, 120_250),
        (datetime(2024, 6, 1, 0, 30), "cooling", 47_000, 120_262),
        (datetime(2024, 6, 1, 0, 45), "cooling", None, 120_274),
    ]
    # Stamped at the end: what stands at 08:15 passed from 08:00. 1.8 GJ = 500 kWh; N/A is no reading and no zero.
    cold = rows.filter(meter_id="CHW-1").select("started_at_utc", "ended_at_utc", "energy_kwh").rows()
    assert cold == [
        (datetime(2024, 6, 1, 0, 0), datetime(2024, 6, 1, 0, 15), 500),
        (datetime(2024, 6, 1, 0, 15), datetime(2024, 6, 1, 0, 30), 500),
    ]
    assert rows.filter(meter_id="W-1")["water_m3"].to_list() == [0.75, 0.5, 0.5]
    assert rows.filter(meter_id="ROOM-1")["temperature_c"].to_list() == [24.5, 24.6, 24.6]
    assert set(rows["meter_id"]) == {"AHU-1", "CHW-1", "W-1", "ROOM-1"}


def test_t06_four_defects_have_four_reasons_and_good_cells_stay(gated, samples):
    accepted, rejected = gated("bms_points", samples / "bms_points_four_defects.csv", OPTIONS)
    faults = dict(rejected.select("rule", "message").iter_rows())
    # The day of two meanings stands before two cells, so that it is the reason of two records.
    by_reason = rejected.sort("row_number").select("rule", "column_name", "value").rows()
    assert sorted(set(by_reason), key=str) == sorted(
        [
            ("value_is_believable", None, None),
            ("type", "value", "asdf"),
            ("type", "timestamp", "22/12/2021 17:30Z"),
            ("point_is_known", None, None),
        ],
        key=str,
    )
    assert rejected.height == 5
    assert "'I am not there' with 5 readings" in faults["point_is_known"]
    # Of 10 cells under known points, 1 is unbelievable, 1 is text and 2 have no time.
    assert accepted.select("line", "column_name", "value").rows() == [
        (2, "ROOM.T", 20.7),
        (3, "AHU1.P", 90.5),
        (3, "ROOM.T", 21.7),
        (4, "AHU1.P", 90.0),
        (6, "AHU1.P", 89.5),
        (6, "ROOM.T", 20.7),
    ]
    assert accepted["timestamp"].min() == datetime(2021, 10, 22, 16, 30)


def test_a_rejected_cell_is_shown_with_its_line_and_column(gated, samples):
    _, rejected = gated("bms_points", samples / "bms_points_four_defects.csv", OPTIONS)
    record = rejected.filter(rule="value_is_believable")["record"].item()
    assert '"line": "2"' in record
    assert '"column_name": "AHU1.P"' in record


def test_a_dictionary_may_be_a_workbook(gated, samples, tmp_path):
    path = tmp_path / "readings.csv"
    path.write_bytes((samples / "bms_points_quarter_hours.csv").read_bytes())
    pl.read_csv(samples / "bms_points_dictionary.csv").write_excel(tmp_path / "points.xlsx")
    accepted, rejected = gated("bms_points", path, {**OPTIONS, "points": "points.xlsx"}, "Asia/Shanghai")
    assert (accepted.height, rejected.height) == (17, 0)


def test_a_short_line_is_unreadable_and_named(gated, samples, tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text("timestamp,ROOM.T,AHU1.P\n2024-06-01T00:00:00Z,20\n2024-06-01T00:15:00Z,21,9\n", encoding="utf-8")
    options = {**OPTIONS, "points": str(samples / "bms_points_dictionary.csv")}
    accepted, rejected = gated("bms_points", path, options)
    assert accepted["value"].to_list() == [21, 9]
    assert rejected["message"].to_list() == ["line 2: expected 3 fields, got 2: the line may be cut off"]


@pytest.mark.parametrize(
    ("dictionary", "words"),
    [
        ("column_name,quantity,unit\nROOM.T,power,kWh\n", "row 2: the quantity is not measured in this unit"),
        ("column_name,quantity,unit\nROOM.T,power,kilo\n", r"row 2: unit = 'kilo' breaks isin"),
        ("column_name,quantity,unit\nROOM.T,power,kW\n", "row 2: a point needs meter_id and boundary"),
        ("column_name,quantity\nROOM.T,none\nROOM.T,none\n", "row 2: another row has the same column_name"),
        (
            "column_name,meter_id,boundary,quantity,unit\nL1,M,utility,power,kW\nL2,M,utility,power,kW\n",
            "row 2: another row has the same quantity of this meter",
        ),
        (
            "column_name,meter_id,boundary,quantity,unit\nP,M,utility,power,kW\nE,M,cooling,energy_counter,kWh\n",
            "row 2: another row puts the same meter elsewhere",
        ),
        ("name,unit\nROOM.T,kW\n", "No table with the expected header in points.csv"),
    ],
)
def test_a_dictionary_that_cannot_be_used_holds_up_the_file(gated, tmp_path, dictionary, words):
    (tmp_path / "points.csv").write_text(dictionary, encoding="utf-8")
    path = tmp_path / "readings.csv"
    path.write_text("timestamp,ROOM.T\n2024-06-01T00:00:00Z,20\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match=words):
        gated("bms_points", path, {"points": "points.csv"})


@pytest.mark.parametrize("options", [{}, {"interval_s": 900}, {"interval_s": 0, "stamped_at": "end"}])
def test_amounts_need_to_know_their_interval(gated, samples, options):
    with pytest.raises(UnreadableFile, match=r"amounts that pass in an interval, e\.g\. CHW\.E"):
        gated("bms_points", samples / "bms_points_quarter_hours.csv", {"points": OPTIONS["points"], **options}, "UTC")


def test_a_file_without_times_is_refused(gated, samples):
    with pytest.raises(UnreadableFile, match="no column 时间"):
        gated("bms_points", samples / "bms_points_quarter_hours.csv", {**OPTIONS, "time_column": "时间"}, "UTC")
