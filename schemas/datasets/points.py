"""Dictionaries that an operator keeps beside facility files: which meter a column or a device of them is.

They are side files of a source, because only the operator knows where a meter sits. What a metric means everywhere is
``reference.meter_metrics``.
"""

import polars as pl

from suanheng.schemas.columns import choice, name, text
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.datasets.telemetry import BOUNDARIES
from suanheng.schemas.units import spellings

QUANTITIES = {
    "power": "power",
    "energy": "energy",
    "energy_counter": "energy",
    "water": "volume",
    "temperature": "temperature",
}
"""What a point measures, and the quantity of the units that it can be in: a gauge in W is never a counter."""

INSTANT_QUANTITIES = ("power", "energy_counter", "temperature")
"""Those of them that a reading at an instant can be; energy and water pass in an interval."""

METER_UNITS = spellings(*QUANTITIES.values())

METER_UNIT_FITS = rule(
    "unit_fits_quantity",
    pl.any_horizontal(
        *(
            (pl.col("quantity") == quantity) & pl.col("unit").is_in(spellings(measured))
            for quantity, measured in QUANTITIES.items()
        ),
        ~pl.col("quantity").is_in(list(QUANTITIES)) & pl.col("unit").is_null(),
    ),
    "the quantity is not measured in this unit: power in W, energy and counters in kWh, water in m3, or their kin",
)

METER_IS_ONE = rule(
    "meter_is_in_one_place",
    pl.col("meter_id").is_null() | (pl.col("boundary").n_unique().over("meter_id") == 1),
    "another row puts the same meter elsewhere: a meter sits at one boundary",
)

POINTS = Contract(
    "points",
    "one column of a building management system's export",
    key=("column_name",),
    columns={
        "column_name": Column(pl.String, "Header of the column, exactly as it is.", required=True),
        "meter_id": name("Meter; points of one meter may share it, e.g. its power and its counter."),
        "boundary": choice(BOUNDARIES, "Where the meter sits."),
        "quantity": choice(
            (*QUANTITIES, "none"), "What the column holds; none for a column that is not to be used.", required=True
        ),
        "unit": Column(pl.String, "Unit of the column, exactly as in reference.units.", one_of=METER_UNITS),
        "at_least": Column(pl.Float64, "Smallest believable value, in the unit.", unit="unit"),
        "at_most": Column(pl.Float64, "Largest believable value, in the unit.", unit="unit"),
        "description": text("What it is."),
    },
    rules=[
        METER_UNIT_FITS,
        rule(
            "meter_is_placed",
            (pl.col("quantity") == "none") | (pl.col("meter_id").is_not_null() & pl.col("boundary").is_not_null()),
            "a point needs meter_id and boundary, or quantity none",
        ),
        rule("column_is_listed_once", pl.len().over("column_name") == 1, "another row has the same column_name"),
        rule(
            "quantity_is_listed_once",
            (pl.col("quantity") == "none") | (pl.len().over("meter_id", "quantity") == 1),
            "another row has the same quantity of this meter: give one of them a meter_id of its own",
        ),
        METER_IS_ONE,
    ],
)

METERS = Contract(
    "meters",
    "one device of a metering system, or one metric of it",
    key=("panel", "device", "metric"),
    columns={
        "panel": Column(pl.String, "Electrical panel, exactly as in the readings.", required=True),
        "device": Column(pl.String, "Device behind it, exactly as in the readings.", required=True),
        "metric": text("Metric the row is about; empty for all of the device's metrics."),
        "meter_id": name("Meter; panel/device where it is empty."),
        "boundary": choice(BOUNDARIES, "Where the meter sits.", required=True),
    },
    rules=[
        rule(
            "device_is_listed_once",
            pl.len().over("panel", "device", "metric") == 1,
            "another row has the same panel, device and metric",
        ),
        METER_IS_ONE,
    ],
)
