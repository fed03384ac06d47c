"""Contract of raw.modbus_meters: readings of Modbus meters, one metric of one device a row."""

import polars as pl

from suanheng.schemas.columns import choice, instant, name
from suanheng.schemas.contract import Column, Contract
from suanheng.schemas.datasets.telemetry import BOUNDARIES

TITLE = "Modbus meters (long CSV: panel, device, metric, value)"
FEEDS = ("facility_readings",)
OPTIONS = {
    "dialect": "whose metric names these are, as in reference.meter_metrics: cineca_logics, repacss, or your own",
    "meters": "CSV or XLSX beside the file with panel, device, metric (or empty), meter_id (or empty) and boundary: "
    "where meters sit whose metrics do not say it",
}
SIDE_FILES = ("meters",)
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/modbus_meters_mixed_units.csv"
SAMPLE_SOURCE: dict[str, object] = {
    "time_zone": "Europe/Rome",
    "options": {"dialect": "cineca_logics", "meters": "modbus_meters_dictionary.csv"},
}
REFUSES = (
    "A file without the columns timestamp, panel, device, metric and value.",
    "A file whose source names no dialect: a metric called Mw is a unit to one system and a name to another.",
    "A file whose meters have a row that cannot be used: all readings under it would be in the wrong place.",
)
LIMITS = (
    "A metric that its dialect does not know, and a device whose place nobody states, are quarantined when staged.",
    "Power and register of one device at one instant are one reading where they stand in one file; in two files that "
    "whose path sorts last counts for that instant.",
    "Where one device states a quantity twice at one instant, by two metrics for example, the earlier row counts and "
    "the later one is quarantined for its key.",
    "Two totals of the same thing are two meters. pt and pit repeat Tot and Tot_ict and sit under boundary other; "
    "where they stand alone, place them at utility and it_input in the list of meters.",
    "Metrics that are text, such as addresses, are quarantined: their value is no number.",
)

CONTRACT = Contract(
    "modbus_meters",
    "one metric of one device at one instant",
    happened=("timestamp", "timestamp"),
    columns={
        "timestamp": instant("Instant of the reading.", required=True),
        "panel": name("Electrical panel.", required=True),
        "device": name("Device behind the panel.", required=True),
        "metric": name("Metric, under the system's own name.", required=True),
        "value": Column(pl.Float64, "The reading, in the unit of its metric.", unit="unit of the metric"),
        "dialect": name("Whose metric names these are, from sources.toml.", required=True),
        "meter_id": name("Meter, from the operator's list."),
        "device_boundary": choice(BOUNDARIES, "Where the device sits, from the operator's list."),
        "metric_boundary": choice(BOUNDARIES, "Where this metric of it is measured, from the operator's list."),
    },
)
