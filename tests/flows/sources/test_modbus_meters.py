"""Modbus meters: units and places from the dictionaries, flags, totals, and metrics that are no consumption."""

from datetime import datetime

import polars as pl
import pytest

from suanheng.schemas.checking.records import Chunk, UnreadableFile, check
from suanheng.schemas.tables.metrics import METER_METRICS

OPTIONS = {"dialect": "cineca_logics", "meters": "modbus_meters_dictionary.csv"}


@pytest.fixture
def read(gated, feed, staged, samples):
    """Rows of a sample as staged, and what the staged gate rejected."""

    def run(name, options=OPTIONS, time_zone="Europe/Rome"):
        accepted, rejected = gated("modbus_meters", samples / name, options, time_zone)
        assert rejected.is_empty()
        checked = staged("facility_readings", feed("modbus_meters", "facility_readings", accepted))
        return checked.accepted.sort("meter_id", "started_at_utc").rows(named=True), checked.rejected

    return run


def test_units_and_places_come_from_the_dictionaries(read):
    rows, rejected = read("modbus_meters_mixed_units.csv")
    assert rejected.is_empty()
    at_ten = {row["meter_id"]: row for row in rows if row["started_at_utc"] == datetime(2024, 6, 1, 8)}
    # 10:00 in Rome in June is 08:00 UTC. 120.5 kW and 150 000 kWh; 0.25 MW and 98.5 MWh; 510 kW and 510 000 W.
    assert {meter: (row["boundary"], row["power_w"], row["energy_counter_kwh"]) for meter, row in at_ten.items()} == {
        "UPS-A": ("ups_output", 120_500, 150_000),
        "UPS-B": ("ups_output", 250_000, 98_500),
        "generals/plant/Tot": ("utility", 510_000, None),
        "generals/plant/pt": ("other", 510_000, None),
        "generals/plant/Tot_ict": ("it_input", 370_500, None),
        "QE-02/CDZ-1": ("cooling", 30_000, None),
    }


def test_a_total_that_is_stated_twice_sits_at_its_boundary_once(read):
    # 10:00 in Rome: 510 kW by Tot, and again 510 000 W by pt; nobody has placed either.
    rows, _ = read("modbus_meters_mixed_units.csv", {"dialect": "cineca_logics"})
    at_ten = [row for row in rows if row["started_at_utc"] == datetime(2024, 6, 1, 8) and row["boundary"] == "utility"]
    assert [row["power_w"] for row in at_ten] == [510_000]


def test_a_flag_holds_until_the_next_of_its_kind(read):
    rows, _ = read("modbus_meters_mixed_units.csv")
    cooling = [(row["power_w"], row["is_suspect"]) for row in rows if row["meter_id"] == "QE-02/CDZ-1"]
    assert cooling == [(30_000, False), (0, True), (0, True), (31_000, False)]


def test_t16_the_site_total_is_the_sum_by_hand(read):
    # By hand: 2.5 kW + 340 W cool 3 100 W + 2 900 W. The GPU of 650 000 mW is inside its node, 4 200 W and 4 400 W of
    # headroom and 9.1 of cooling asked for are no consumption.
    rows, rejected = read("modbus_meters_rack_cooling.csv", {"dialect": "repacss"})
    assert rejected.is_empty()
    totals = {"cooling": 0.0, "it_input": 0.0, "other": 0.0}
    for row in rows:
        totals[row["boundary"]] += row["power_w"]
    assert totals == {"cooling": 2_840, "it_input": 6_000, "other": 650}
    assert not [row for row in rows if "headroom" in row["meter_id"] or "CoolDemand" in row["meter_id"]]


@pytest.mark.parametrize(
    ("quantity", "unit", "rules"),
    [
        ("energy_counter", "W", ["unit_fits_quantity"]),
        ("energy_counter", "B/s", ["isin"]),
        ("power", "kWh", ["unit_fits_quantity"]),
        ("flag", "W", ["unit_fits_quantity"]),
        ("energy_counter", "mJ", []),
        ("power", "mW", []),
    ],
)
def test_t18_a_gauge_cannot_be_declared_a_counter(quantity, unit, rules):
    # Only what is declared a counter is ever differenced, and only in a unit of energy can it be declared one.
    fact = {
        "row_number": 2,
        "reference_id": "meter_metrics/own/PCIE_TX_BYTES",
        "dialect": "own",
        "metric": "PCIE_TX_BYTES",
        "quantity": quantity,
        "unit": unit,
        "meaning": "Ends like a count and is a rate.",
        "source": "the operator",
        "confidence": "high",
        "is_usable": "true",
    }
    checked = check(Chunk(pl.DataFrame([fact])), METER_METRICS)
    assert checked.rejected["rule"].to_list() == rules


def test_what_nobody_knows_is_quarantined_and_not_guessed(gated, feed, staged, samples):
    accepted, rejected = gated("modbus_meters", samples / "modbus_meters_defects.csv", OPTIONS, "UTC")
    assert rejected.sort("row_number").select("row_number", "rule").rows() == [(6, "type"), (7, "field_count")]
    checked = staged("facility_readings", feed("modbus_meters", "facility_readings", accepted))
    # Line 3 repeats the key of line 2 and is left for the staging to quarantine; 4 is no known metric, 5 has no place.
    assert sorted(checked.accepted["row_number"]) == [2, 3]
    assert checked.rejected["column_name"].to_list() == ["boundary"] * 2
    assert "QE-01/UPS-A/Wirkleistung" in checked.rejected["record"][0] + checked.rejected["record"][1]


def test_a_sentinel_is_no_reading(gated, feed, samples):
    accepted, _ = gated("modbus_meters", samples / "modbus_meters_defects.csv", OPTIONS, "UTC")
    assert accepted.filter(row_number=8)["value"].to_list() == [None]
    assert 8 not in feed("modbus_meters", "facility_readings", accepted)["row_number"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "option dialect"),
        ({"dialect": "cineca_logics", "meters": "missing.csv"}, "missing.csv, where no file is"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(gated, samples, options, words):
    with pytest.raises(UnreadableFile, match=words):
        gated("modbus_meters", samples / "modbus_meters_mixed_units.csv", options, "UTC")


def test_a_meter_in_a_place_that_does_not_exist_holds_up_the_file(gated, tmp_path):
    (tmp_path / "meters.csv").write_text("panel,device,boundary\nQE-01,UPS-A,roof\n", encoding="utf-8")
    path = tmp_path / "readings.csv"
    path.write_text("timestamp,panel,device,metric,value\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match=r"meters.csv cannot be used, row 2: boundary = 'roof' breaks isin"):
        gated("modbus_meters", path, {"dialect": "cineca_logics", "meters": "meters.csv"}, "UTC")


def test_another_header_is_refused(gated, tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text("time;panel;device;metric;value\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="has no column timestamp, panel, device, metric, value"):
        gated("modbus_meters", path, {"dialect": "cineca_logics"}, "UTC")
