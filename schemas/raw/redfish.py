"""Contract of raw.redfish: readings of power, energy and temperature of Redfish resources."""

import polars as pl

from suanheng.schemas.columns import choice, instant, name, text
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.units import spellings

TITLE = "Redfish resources (JSON: Sensor, EnvironmentMetrics, PowerSupplyMetrics, PowerSubsystem, Power, Chassis)"
FEEDS = ("facility_readings",)
OPTIONS = {
    "node": "server whose management controller answered",
    "node_property": "instead of node: property that the collector adds to each document and that names the server",
    "taken_at": "ISO time, with its offset, at which the resources were read; for sensors that state no ReadingTime",
    "time_property": "instead of taken_at: property that the collector adds to each document and that says that time",
    "it_input": 'resources that measure what the whole server ingests, e.g. ["Chassis/1U/EnvironmentMetrics"]; * '
    "stands for anything",
    "psu_input": 'resources of its power supplies, e.g. ["Chassis/1U/PowerSubsystem/PowerSupplies/*/Metrics"]: what '
    "they ingest is compared with it_input and never added to it",
}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/redfish_environment_metrics.json"
SAMPLE_SOURCE: dict[str, object] = {
    "options": {
        "node": "n01",
        "taken_at": "2024-06-01T08:00:00+08:00",
        "it_input": ["Chassis/1U/EnvironmentMetrics"],
    }
}
REFUSES = (
    "A file that is no JSON, or that holds no reading of power, energy or temperature, such as a collection of links.",
)
LIMITS = (
    "Readings whose resource is named neither under it_input nor under psu_input are kept under boundary other: a "
    "chassis, its sensors and its supplies measure the same electricity, and nobody should add it up by accident.",
    "Limits, capacities and allocations are no consumption and are not read; nor are voltages, currents and fans.",
    "Readings of phases are not read; their total is.",
)

CONTRACT = Contract(
    "redfish",
    "one reading of one resource",
    happened=("read_at", "read_at"),
    columns={
        "resource": name("Address of the resource, without /redfish/v1/.", required=True),
        "property": name("Property the reading stands under.", required=True),
        "Reading": Column(pl.Float64, "The reading; empty where the sensor is absent or off.", unit="ReadingUnits"),
        "ReadingUnits": Column(
            pl.String,
            "Unit; that of the property's name where the reading states none.",
            one_of=spellings("power", "energy", "temperature"),
            required=True,
        ),
        "ReadingTime": instant("Time the sensor states."),
        "read_at": instant("ReadingTime, or else the time the resource was read."),
        "PhysicalContext": text("Part of the machine that is measured."),
        "State": text("State of the resource, e.g. Enabled, Absent."),
        "Health": text("Its health."),
        "node": name("Server, from sources.toml or the collector.", required=True),
        "boundary": choice(("it_input", "psu_input"), "Where the resource measures, from sources.toml."),
    },
    rules=[
        rule(
            "time_is_known",
            pl.col("read_at").is_not_null(),
            "neither the sensor's ReadingTime nor sources.toml says when this was read: set taken_at or time_property",
        ),
    ],
)
