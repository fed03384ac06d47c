"""Contract of raw.mlperf_training_power: power readings of a node in an MLPerf training submission."""

import polars as pl

from suanheng.schemas.columns import amount, name
from suanheng.schemas.contract import UTC, Column, Contract

TITLE = "MLPerf training power log (power/result_*/node_*.txt)"
FEEDS = ("facility_readings",)
OPTIONS = {"meter_id": "name of the meter; by default the folder of the system and the name of the file"}
PATH_HOLDS_COLUMNS = True
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/mlperf_training_power_two_readings.txt"
SAMPLE_SOURCE: dict[str, object] = {"options": {"meter_id": "rack-1/node_0"}}
REFUSES = ("A file without a reading of power, such as the log of a switch, which holds one estimate.",)
LIMITS = ("The estimated power of switches (interconnect_power_est) is not read.",)

CONTRACT = Contract(
    "mlperf_training_power",
    "one reading of a node's power at one instant",
    happened=("time", "time"),
    columns={
        "time": Column(
            UTC, "Instant of the reading.", unit="UTC", required=True, time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",)
        ),
        "power_reading": amount("W", "Power behind the conversion.", at_most=100_000, required=True),
        "conversion_eff": Column(
            pl.Float64,
            "Factor from the reading to the power at the wall, as the log states it.",
            unit="1",
            at_least=0.5,
            at_most=2,
        ),
        "meter_id": name("Node, from the path or sources.toml.", required=True),
    },
)
