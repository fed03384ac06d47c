"""Contract of raw.bms_points: readings of the points of a building management system."""

import polars as pl

from suanheng.schemas.columns import ISO_TIMES, choice, count, duration, name
from suanheng.schemas.contract import UTC, Column, Contract, rule
from suanheng.schemas.datasets.points import METER_UNITS, QUANTITIES
from suanheng.schemas.datasets.telemetry import BOUNDARIES

TITLE = "Points of a building management system (wide CSV and a point dictionary)"
FEEDS = ("facility_readings",)
OPTIONS = {
    "points": "CSV or XLSX beside the file that says of each column: column_name, meter_id, boundary, quantity (power, "
    "energy, energy_counter, water, temperature, none), unit, and if wanted at_least and at_most",
    "time_column": "header of the column of times; timestamp where absent",
    "interval_s": "seconds in which amounts of quantity energy and water passed",
    "stamped_at": "which end of that interval its time is: start or end",
}
SIDE_FILES = ("points",)
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/bms_points_quarter_hours.csv"
SAMPLE_SOURCE: dict[str, object] = {
    "time_zone": "Asia/Shanghai",
    "options": {"points": "bms_points_dictionary.csv", "interval_s": 900, "stamped_at": "end"},
}
REFUSES = (
    "A file without a column of times.",
    "A file without a point dictionary, or with one that has a row that cannot be used: nobody should guess a unit.",
    "A file with amounts of energy or water whose source does not say in how long an interval they passed.",
)
LIMITS = (
    "A column that the dictionary does not know is one record of the quarantine, however many readings it holds.",
    "Times of the kind 22/12/2021 are quarantined: which number is the month cannot be known.",
    "A register of water is not read; amounts of water are.",
)

_NO_VALUE = ("N/A", "#N/A", "n/a", "NULL", "null", "-", "--")
_MINUTES = (
    *("%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"),
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"),
)

CONTRACT = Contract(
    "bms_points",
    "one reading of one point",
    happened=("timestamp", "timestamp"),
    may_begin_before="interval_s",
    columns={
        "line": count("Line of the file.", at_least=1, required=True),
        "timestamp": Column(
            UTC, "Instant of the reading, or one end of its interval.", required=True, time_formats=ISO_TIMES + _MINUTES
        ),
        "column_name": Column(pl.String, "Header of the column.", required=True),
        "value": Column(
            pl.Float64, "The reading, in the unit of its point.", unit="unit of the point", nulls=_NO_VALUE
        ),
        "meter_id": name("Meter, from the dictionary."),
        "boundary": choice(BOUNDARIES, "Where the meter sits, from the dictionary."),
        "quantity": choice((*QUANTITIES, "none"), "What the column holds, from the dictionary.", required=True),
        "unit": Column(pl.String, "Unit of the column, from the dictionary.", one_of=METER_UNITS),
        "at_least": Column(pl.Float64, "Smallest believable value, from the dictionary.", unit="unit of the point"),
        "at_most": Column(pl.Float64, "Largest believable value, from the dictionary.", unit="unit of the point"),
        "interval_s": duration("Seconds of an interval, from sources.toml."),
        "stamped_at": choice(("start", "end"), "End of the interval that the time is, from sources.toml."),
    },
    rules=[
        rule(
            "value_is_believable",
            (pl.col("value") >= pl.col("at_least").fill_null(float("-inf")))
            & (pl.col("value") <= pl.col("at_most").fill_null(float("inf"))),
            "the value is outside what the dictionary calls believable for this point: at_least to at_most",
        ),
    ],
)
