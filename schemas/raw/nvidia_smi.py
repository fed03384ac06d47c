"""Contract of raw.nvidia_smi: samples of ``nvidia-smi --query-gpu``."""

from typing import Any

import polars as pl

from suanheng.schemas.columns import IDENTIFIER
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "nvidia-smi --query-gpu (CSV, also within a capture)"
FEEDS = ("accelerator_samples",)
OPTIONS = {
    "node": "server the samples are of",
    "sku": "accelerator model as in reference.accelerators, where the reported name is another",
    "gpus_per_burst": "how many GPUs are sampled at a time, where samples carry no index: it is then their order",
}
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/nvidia_smi_nulls.csv"
SAMPLE_SOURCE: dict[str, object] = {"time_zone": "America/New_York"}
REFUSES = ("A file without a --query-gpu header that names timestamp and uuid or index.",)
LIMITS = ("Sections of dmon, pmon and -q in the same capture are left out.",)

_NULLS = (
    "[N/A]",
    "N/A",
    "[Not Supported]",
    "[Not Found]",
    "[Unknown Error]",
    "[Insufficient Permissions]",
    "[Requested functionality has been deprecated]",
)
_MASKED = r"GPU-[0-]+"


def _number(unit: str, meaning: str, at_most: float | None = None, at_least: float = 0) -> Column:
    strip = {"°C": "", "MiB": " MiB", "W": " W", "%": " %", "MHz": " MHz"}[unit]
    return Column(pl.Float64, meaning, unit=unit, strip=strip, nulls=_NULLS, at_least=at_least, at_most=at_most)


def _label(dtype: Any, meaning: str) -> Column:
    return Column(dtype, meaning, nulls=_NULLS, matches=IDENTIFIER if dtype == pl.String else None)


def _is_known() -> pl.Expr:
    own = pl.col("uuid").is_not_null() & ~pl.col("uuid").fill_null("").str.contains(f"^{_MASKED}$")
    place = pl.any_horizontal(pl.col("index", "position_in_burst", "pci.bus_id").is_not_null())
    return own | (pl.col("node").is_not_null() & place)


CONTRACT = Contract(
    "nvidia_smi",
    "one GPU at one instant",
    happened=("timestamp", "timestamp"),
    columns={
        "timestamp": Column(
            UTC, "Instant of the sample.", unit="UTC", required=True, time_formats=("%Y/%m/%d %H:%M:%S%.f",)
        ),
        "name": _label(pl.String, "Product name."),
        "uuid": _label(pl.String, "Unique id; all zeros where it was masked."),
        "pci.bus_id": _label(pl.String, "Place on the bus."),
        "index": _label(pl.Int64, "Number of the GPU in its server."),
        "mig.mode.current": _label(pl.String, "Whether the GPU is partitioned; utilisation is then not available."),
        "memory.total [MiB]": _number("MiB", "Memory."),
        "memory.used [MiB]": _number("MiB", "Memory in use."),
        "utilization.gpu [%]": _number("%", "Share of time in which a kernel ran.", at_most=100),
        "temperature.gpu": _number("°C", "Temperature.", at_most=150, at_least=-50),
        "power.draw [W]": _number("W", "Power, as the driver averages it.", at_most=20_000),
        "power.draw.average [W]": _number("W", "Power, mean of the last second.", at_most=20_000),
        "power.draw.instant [W]": _number("W", "Power at the instant.", at_most=20_000),
        "clocks.current.sm [MHz]": _number("MHz", "Clock of the compute units.", at_most=10_000),
        "clocks.sm [MHz]": _number("MHz", "Clock of the compute units, under its short name.", at_most=10_000),
        "collected_at": Column(
            UTC, "When the capture began, from its head.", unit="UTC", time_formats=("%Y-%m-%dT%H:%M:%S%#z",)
        ),
        "position_in_burst": _label(pl.Int64, "Place of the sample within its burst, where sources.toml counts them."),
        "node": _label(pl.String, "Server, from sources.toml."),
        "sku": _label(pl.String, "Accelerator model, from sources.toml."),
    },
    rules=[
        rule(
            "device_is_known",
            _is_known(),
            "neither a uuid nor a server with a GPU index: query uuid or index, name the server with option node, "
            "and give gpus_per_burst where there is no index",
        ),
        rule(
            "clock_agrees_with_capture",
            (pl.col("timestamp") - pl.col("collected_at")).dt.total_minutes().abs() <= 15,
            "the sample is more than a quarter of an hour from the capture's own UTC time: check time_zone",
        ),
    ],
)
