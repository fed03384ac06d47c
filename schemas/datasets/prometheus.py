"""The shape in which samples of Prometheus land, whichever of its formats they came in."""

from datetime import datetime

import pandera.polars as pa
import polars as pl

from suanheng.schemas.contract import UTC, Column, Contract, rule

FEEDS = ("accelerator_samples", "facility_readings")

_FIRST, _LAST = datetime(2000, 1, 1), datetime(2100, 1, 1)


def samples(name: str) -> Contract:
    """Contract of a raw table that holds one sample of one series per row."""
    return Contract(
        name,
        "one sample of one series",
        happened=("time", "time"),
        columns={
            "metric": Column(
                pl.String, "Name of the metric.", matches=r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}", required=True
            ),
            "labels": Column(pl.String, "Labels of the series but its name, as JSON in the order of the alphabet."),
            "time": Column(UTC, "Instant of the sample.", unit="UTC", required=True),
            "value": Column(
                pl.Float64,
                "Value, in the unit that reference.metric_mappings says; unknown where it is NaN.",
                unit="unit of the metric",
                nulls=_SENTINELS,
            ),
        },
        rules=[_IN_OUR_TIME],
    )


_SENTINELS = ("9223372036854775808", "9.223372036854776e+18", "18446744073709551616", "1.8446744073709552e+19")
"""What the record checks know as no reading, once a server has kept it as a floating-point number."""

_IN_OUR_TIME: pa.Check = rule(
    "time_is_plausible",
    pl.col("time").is_between(_FIRST, _LAST),
    "the time is before 2000 or after 2100: seconds were read as milliseconds, as happens where an OpenMetrics "
    "file was cut off before its last line # EOF, or the reverse",
)
