"""T17: the same kilowatt-hour, however it is written, is one value after reader, gates, feed and rollup."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.formats import template

MIDNIGHT = datetime(2024, 6, 1)
SCOPE = (date(2024, 6, 1), date(2024, 7, 1))
HOUR = (MIDNIGHT, MIDNIGHT + timedelta(hours=1))

Write = Callable[[Path], tuple[str, str, Path, dict]]
"""Writes a file; gives its format, its dataset, its path and the options of its source."""


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S+00:00}"


def bms(quantity: str, unit: str, *values: str, interval_s: int | None = None) -> Write:
    """A point of a building management system at midnight and an hour later; an amount at the hour's end."""

    def write(folder: Path):
        boundary = "utility"
        (folder / "points.csv").write_text(
            f"column_name,meter_id,boundary,quantity,unit\nP1,M1,{boundary},{quantity},{unit}\n", encoding="utf-8"
        )
        moments = HOUR if len(values) > 1 else HOUR[1:]
        lines = [f"{stamp(moment)},{value}" for moment, value in zip(moments, values, strict=True)]
        path = folder / "readings.csv"
        path.write_text("timestamp,P1\n" + "\n".join(lines) + "\n", encoding="utf-8")
        interval = {"interval_s": interval_s, "stamped_at": "end"} if interval_s else {}
        return "bms_points", "facility_readings", path, {"points": "points.csv", **interval}

    return write


def modbus(metric: str, *values: str) -> Write:
    """A metric of a device at midnight and an hour later."""

    def write(folder: Path):
        (folder / "meters.csv").write_text("panel,device,boundary\nQ,D,utility\n", encoding="utf-8")
        lines = [f"{stamp(moment)},Q,D,{metric},{value}" for moment, value in zip(HOUR, values, strict=True)]
        path = folder / "readings.csv"
        path.write_text("timestamp,panel,device,metric,value\n" + "\n".join(lines) + "\n", encoding="utf-8")
        return "modbus_meters", "facility_readings", path, {"dialect": "cineca_logics", "meters": "meters.csv"}

    return write


def redfish(reading_type: str, unit: str, *values: float) -> Write:
    """A sensor at midnight and an hour later."""

    def write(folder: Path):
        sensors = [
            {
                "@odata.type": "#Sensor.v1_6_0.Sensor",
                "@odata.id": "/redfish/v1/Chassis/1U/Sensors/Total",
                "ReadingType": reading_type,
                "Reading": value,
                "ReadingUnits": unit,
                "ReadingTime": stamp(moment),
            }
            for moment, value in zip(HOUR, values, strict=True)
        ]
        path = folder / "sensors.json"
        path.write_text(json.dumps({"Members": sensors}), encoding="utf-8")
        return "redfish", "facility_readings", path, {"node": "n01", "it_input": ["Chassis/1U/Sensors/Total"]}

    return write


def dcgm(field: str, *values: str) -> Write:
    """A field of dmon at midnight and every minute of an hour, from the first value to the last in equal steps."""

    def write(folder: Path):
        first, last = (float(values[0]), float(values[-1]))
        lines = [f"{stamp(MIDNIGHT)} #Entity   {field}", f"{stamp(MIDNIGHT)} ID        "]
        for minute in range(61):
            value = first + (last - first) * minute / 60
            lines.append(f"{stamp(MIDNIGHT + timedelta(minutes=minute))} GPU 0     {value:.0f}")
        path = folder / "dmon.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return "dcgm_dmon", "accelerator_samples", path, {"node": "n01"}

    return write


def own(folder: Path):
    """Our own template."""
    path = folder / "own.csv"
    path.write_text(
        f"meter_id,boundary,started_at_utc,ended_at_utc,energy_kwh\nM1,utility,{stamp(HOUR[0])},{stamp(HOUR[1])},1\n",
        encoding="utf-8",
    )
    return "template", "facility_readings", path, {"dataset": "facility_readings"}


SPELLINGS = {
    "own template, kWh in an interval": own,
    "BMS, kWh in an interval": bms("energy", "kWh", "1", interval_s=3600),
    "BMS, J in an interval": bms("energy", "J", "3600000", interval_s=3600),
    "BMS, register in W·h": bms("energy_counter", "W·h", "5000", "6000"),
    "BMS, register in MWh": bms("energy_counter", "MWh", "5", "5.001"),
    "BMS, register in mJ": bms("energy_counter", "mJ", "0", "3600000000"),
    "BMS, register in µJ": bms("energy_counter", "µJ", "0", "3600000000000"),
    "BMS, register in 万千瓦时": bms("energy_counter", "万千瓦时", "0.5", "0.5001"),
    "BMS, MW over time": bms("power", "MW", "0.001", "0.001"),
    "BMS, mW over time": bms("power", "mW", "1000000", "1000000"),
    "Modbus, kWh": modbus("Energia", "150000", "150001"),
    "Modbus, MWh": modbus("Mwh", "150", "150.001"),
    "Modbus, kW over time": modbus("Potenza", "1", "1"),
    "Modbus, W over time": modbus("pt", "1000", "1000"),
    "Redfish, kW.h": redfish("EnergykWh", "kW.h", 325675, 325676),
    # A counter of a server that stands at 0 measures nothing yet.
    "Redfish, J": redfish("EnergyJoules", "J", 3600000, 7200000),
    "Redfish, W over time": redfish("Power", "W", 1000, 1000),
    "DCGM, mJ": dcgm("TOTEC", "7200000000", "10800000000"),
    "DCGM, W over time": dcgm("POWER", "1000", "1000"),
}


@pytest.mark.parametrize("write", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_t17_one_kilowatt_hour_is_one_value_through_the_pipeline(write: Write, tmp_path, gated, feed, staged, rolled):
    format, dataset, path, options = write(tmp_path)
    if format == "template":
        text = pl.read_csv(path, infer_schema=False).with_row_index("row_number", offset=2)
        checked = check(Chunk(text), template(dataset).contract)
        fed = checked.accepted.with_columns(
            site_id=pl.lit("site-a"), file_id=pl.lit("0" * 64), evidence_class=pl.lit("measured")
        )
    else:
        accepted, rejected = gated(format, path, options)
        assert rejected.is_empty()
        fed = feed(format, dataset, accepted)
    rows = staged(dataset, fed)
    assert rows.rejected.is_empty()
    accelerators = pl.DataFrame(schema={"sku": pl.String, "tdp_w": pl.Float64, "is_usable": pl.Boolean})
    rollup = rolled(
        "rollups/device_hour" if dataset == "accelerator_samples" else "rollups/meter_hour",
        {f"staged.{dataset}": rows.accepted, "reference.accelerators": accelerators},
        *SCOPE,
    )
    first = rollup.filter(hour_start_utc=MIDNIGHT)
    assert first["energy_kwh"].to_list() == [Decimal(1)]
