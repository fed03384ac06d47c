"""Contract of raw.mlperf_power_log: readings of the power analyser of an MLPerf submission."""

import polars as pl

from suanheng.schemas.columns import amount, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "MLPerf power analyser log (spl.txt)"
FEEDS = ("facility_readings",)
OPTIONS = {"meter_id": "name of the analyser; by default the folder of the system, <system>/<benchmark>/<scenario>/…"}
PATH_HOLDS_COLUMNS = True
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/mlperf_power_log_three_channels.txt"
SAMPLE_SOURCE: dict[str, object] = {"time_zone": "America/Los_Angeles", "options": {"meter_id": "analyser-1"}}
REFUSES = ("A file whose first line is no analyser record.",)
LIMITS = ("Volts, amperes and power factor stay in the raw table.",)

_CHANNELS = [f"Ch{number} Watts" for number in range(1, 7)]
_ROUNDING_W = 0.2
_ROUNDING = 0.001


def _is_sum_of_channels() -> pl.Expr:
    difference = (pl.col("Watts") - pl.sum_horizontal(_CHANNELS)).abs()
    has_channels = pl.any_horizontal(pl.col(_CHANNELS).is_not_null())
    return ~has_channels | (difference <= pl.max_horizontal(pl.lit(_ROUNDING_W), _ROUNDING * pl.col("Watts")))


CONTRACT = Contract(
    "mlperf_power_log",
    "one reading of an analyser at one instant",
    happened=("Time", "Time"),
    columns={
        "Time": Column(
            UTC, "Instant of the reading.", unit="UTC", required=True, time_formats=("%m-%d-%Y %H:%M:%S%.f",)
        ),
        "Watts": amount("W", "Power over all channels.", required=True),
        "Volts": amount("V", "Mean voltage of the channels."),
        "Amps": Column(pl.Float64, "Mean current of the channels.", unit="A"),
        "PF": Column(pl.Float64, "Power factor.", unit="1"),
        "Mark": text("Run the reading belongs to."),
        **{label: amount("W", f"Power of channel {label[2]}.") for label in _CHANNELS},
        "meter_id": name("Analyser, from sources.toml or the path.", required=True),
    },
    rules=[
        rule(
            "watts_is_the_sum_of_channels",
            _is_sum_of_channels(),
            "Watts is not the sum of the channels' Watts (tolerance 0.1 % or 0.2 W)",
        )
    ],
)
