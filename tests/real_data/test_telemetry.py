"""Real captures of GPUs, of a management controller and of a building management system."""

import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from suanheng.schemas.checking.records import UnreadableFile

pytestmark = pytest.mark.real_data

# Columns of the query, counted in the files: driver 590 knows 212, driver 595 knows 202.
CAPTURES = {"nvidia-h100-80gb-hbm3__590.48.01": 212, "nvidia-h100-mig__590.48.01": 212, "nvidia-l40s__595.80": 202}
REDFISH = {
    "node": "n01",
    "taken_at": "2024-06-01T00:00:00Z",
    "it_input": ["Chassis/1U/EnvironmentMetrics"],
    "psu_input": ["Chassis/1U/PowerSubsystem/PowerSupplies/*/Metrics"],
}


def capture(public_data: Path, gpu: str) -> Path:
    return public_data / "nvidia_smi" / f"linux-x86_64__{gpu}.txt"


@pytest.fixture
def sampled(public_data, gated, feed, staged):
    """Samples of a capture as staged, an idle and a loaded one; nothing may be rejected."""

    def run(gpu):
        accepted, rejected = gated("nvidia_smi", capture(public_data, gpu), {"node": "capture"}, "UTC")
        assert rejected.is_empty()
        checked = staged("accelerator_samples", feed("nvidia_smi", "accelerator_samples", accepted))
        assert checked.rejected.is_empty()
        return checked.accepted

    return run


@pytest.mark.parametrize(("gpu", "columns"), CAPTURES.items())
def test_t12_captures_parse_whatever_columns_their_driver_knows(public_data, sampled, gpu, columns):
    text = capture(public_data, gpu).read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if line.startswith("timestamp, "))
    assert len(header.split(", ")) == columns
    samples = sampled(gpu)
    assert samples["device_id"].to_list() == ["capture/gpu0"] * 2
    assert samples["power_w"].is_not_null().all()


def test_t12_utilisation_under_mig_is_unknown_and_power_is_not(sampled):
    loaded = sampled("nvidia-h100-mig__590.48.01").row(1, named=True)
    assert loaded["utilisation_ratio"] is None
    assert loaded["power_w"] == 433.78
    assert loaded["memory_used_bytes"] == 11_125 * 1024**2


def test_t12_utilisation_without_mig_is_known(sampled):
    assert sampled("nvidia-h100-80gb-hbm3__590.48.01")["utilisation_ratio"].to_list() == [0, 1]


def test_metrics_of_an_exporter_are_no_capture(public_data, gated):
    path = public_data / "nvidia_smi" / "linux-x86_64__nvidia-l40s__595.80__load.metrics"
    with pytest.raises(UnreadableFile, match="holds no query of GPUs"):
        gated("nvidia_smi", path, {}, "UTC")


@pytest.fixture
def mock_up(public_data, gated, feed, staged):
    """Readings of every resource of the mock-up that has any, as staged, by meter; and the files that have none."""

    def run(options):
        frames, refused = [], []
        for path in sorted((public_data / "redfish").rglob("index.json")):
            try:
                accepted, _ = gated("redfish", path, options)
            except UnreadableFile:
                refused.append(path)
            else:
                frames.append(accepted)
        checked = staged("facility_readings", feed("redfish", "facility_readings", pl.concat(frames)))
        return checked.accepted, refused

    return run


def test_t10_the_mock_up_contradicts_itself_and_a_row_says_so(mock_up, warehouse, build_energy):
    readings, _ = mock_up(REDFISH)
    by_meter = {row["meter_id"]: row for row in readings.iter_rows(named=True)}
    chassis = by_meter["n01/Chassis/1U/EnvironmentMetrics"]
    supply = by_meter["n01/Chassis/1U/PowerSubsystem/PowerSupplies/Bay1/Metrics"]
    assert (chassis["boundary"], chassis["power_w"]) == ("it_input", 374)
    assert (supply["boundary"], supply["power_w"], supply["energy_counter_kwh"]) == ("psu_input", 937.4, 325_675)
    # The deprecated Power resource says 344 W for the same chassis: kept, and not added.
    assert by_meter["n01/Chassis/1U/Power#/PowerControl/0"]["power_w"] == 344
    assert readings.filter(boundary="it_input").height == 1

    june = {"start": date(2024, 6, 1), "end": date(2024, 7, 1)}
    warehouse.insert("staged.facility_readings", *readings.iter_rows(named=True))
    build_energy(**june)
    warehouse.build("rollups/run_energy.sql", **june)
    found = warehouse.run("rollups/telemetry_findings_month.sql", **june)
    contradiction = found.filter(rule="supplies_contradict_chassis").row(0, named=True)
    assert (contradiction["subject_id"], contradiction["findings"]) == ("n01", 1)
    assert contradiction["example"] == "937.4 W by the supplies, 374.0 W by the chassis"


def test_t10_without_a_time_only_sensors_that_state_one_are_accepted(mock_up):
    readings, _ = mock_up({"node": "n01"})
    # Two of the sensors state a ReadingTime, 04:14:33 at UTC+6; the energy counters state none.
    assert readings.select("meter_id", "power_w").sort("meter_id").rows() == [
        ("n01/Chassis/1U/Sensors/CPU1Power", 90),
        ("n01/Chassis/1U/Sensors/TotalPower", 374),
    ]
    assert readings["started_at_utc"].unique().to_list() == [datetime(2019, 8, 12, 22, 14, 33)]


def test_resources_without_readings_are_refused_and_absent_supplies_are_not_zero(mock_up):
    readings, refused = mock_up(REDFISH)
    assert {"Chassis/1U/index.json", "PowerSubsystem/index.json"} <= {
        "/".join(path.parts[-3:]) if path.parts[-2] == "1U" else "/".join(path.parts[-2:]) for path in refused
    }
    assert not readings.filter(pl.col("meter_id").str.contains("PS2")).height


@pytest.fixture
def bms(public_data, gated, tmp_path):
    """Reads a file of sensor readings by a dictionary of the columns given; those under at_most have such a bound."""

    def run(name, columns, at_most=None):
        path = tmp_path / name
        path.write_bytes((public_data / "utility_bills_xlsx" / name).read_bytes())
        points = [
            {
                "column_name": column,
                "meter_id": column,
                "boundary": "other",
                "quantity": "power",
                "unit": "kW",
                "at_most": (at_most or {}).get(column),
            }
            for column in columns
        ]
        pl.DataFrame(points).write_csv(tmp_path / "points.csv")
        return gated("bms_points", path, {"points": "points.csv"})

    return run


SENSORS = ("my_cuteness_sensor", "my_coolness_sensor", "charisma_sensor_1", "dex_sensor_1", "intelligence_sensor")


def test_every_sensor_reading_of_a_quarter_year_is_taken_in(public_data, bms):
    text = (public_data / "utility_bills_xlsx" / "example-sensor-readings.csv").read_text(encoding="utf-8")
    cells = [line.split(",") for line in text.splitlines()[1:]]
    filled = sum(bool(cell.strip()) for line in cells for cell in line[1:])
    accepted, rejected = bms("example-sensor-readings.csv", SENSORS)
    assert rejected.is_empty()
    assert len(cells) == 7_350
    assert accepted.height == filled
    assert accepted["timestamp"].min() == datetime(2021, 10, 22, 16, 30)
    assert accepted["timestamp"].max() == datetime(2022, 1, 26, 9, 45)
    # Exact sum of one sensor, added as text of one decimal by another way: integers of tenths.
    tenths = sum(round(float(line[3]) * 10) for line in cells if line[3].strip())
    assert accepted.filter(column_name="charisma_sensor_1")["value"].sum() == pytest.approx(tenths / 10, rel=1e-12)


def test_t06_the_bad_file_has_four_defects_and_keeps_its_good_cells(bms):
    # The unbelievable 8700000.8 stands under the column that no dictionary knows; with the column known it has a reason
    # of its own.
    name = "example-sensor-readings-small-bad.csv"
    accepted, rejected = bms(name, SENSORS)
    # 5 lines of 4 known sensors: one cell is text, four have a time of two meanings.
    assert accepted.height == 15
    assert sorted(rejected["rule"]) == ["point_is_known", "type", "type", "type", "type", "type"]
    assert set(rejected["value"]) == {"asdf", "22/12/2021 17:30Z", None}

    accepted, rejected = bms(name, (*SENSORS, "I'm not here"), {"I'm not here": 1_000})
    assert accepted.height == 18
    believable = rejected.filter(rule="value_is_believable")["record"].to_list()
    assert [json.loads(record)["value"] for record in believable] == ["8700000.8"]
