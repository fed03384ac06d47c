"""Contract of raw.dcgm_dmon: samples of ``dcgmi dmon``."""

from typing import Any

import polars as pl

from suanheng.schemas.columns import IDENTIFIER, name
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "dcgmi dmon (text, each line with its time)"
FEEDS = ("accelerator_samples",)
OPTIONS = {
    "node": "server the samples are of",
    "sku": "accelerator model as in reference.accelerators: dmon does not name it",
}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/dcgm_dmon_instances.txt"
SAMPLE_SOURCE: dict[str, object] = {"options": {"node": "n01", "sku": "H100 SXM 80GB"}}
REFUSES = (
    "A file whose lines carry no time: dmon prints none, and a sample without one is of no hour. Write it with "
    "`dcgmi dmon -e 203,155,156,1001 | ts '%Y-%m-%dT%H:%M:%S%z'`.",
)
LIMITS = (
    "Compute instances, links, switches and processors stay in the raw table: their GPU or its instance is counted.",
    "The energy counter of a GPU, field 156, is read in mJ; rates such as PCITX are no counters and are not read.",
    "The last error code says that there was one, not how many.",
)

_NULLS = ("N/A",)
_ENTITIES = r"(GPU|GPU-I|GPU-CI|vGPU|Switch|CPU|CPU Core|CX|UNKNOWN|(GPU|SW) \d+ LINK)"


def _number(unit: str, meaning: str, at_most: float | None = None, at_least: float = 0) -> Column:
    return Column(pl.Float64, meaning, unit=unit, nulls=_NULLS, at_least=at_least, at_most=at_most)


def _label(dtype: Any, meaning: str) -> Column:
    return Column(dtype, meaning, nulls=_NULLS, matches=IDENTIFIER if dtype == pl.String else None)


CONTRACT = Contract(
    "dcgm_dmon",
    "one GPU or one of its instances at one instant",
    happened=("timestamp", "timestamp"),
    columns={
        "timestamp": Column(
            UTC,
            "Instant of the sample, as the program that wrote the file put before the line.",
            unit="UTC",
            required=True,
            time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",),
        ),
        "entity": Column(pl.String, "What is sampled.", matches=_ENTITIES, required=True),
        "entity_id": Column(pl.Int64, "Its number.", required=True),
        "gpu": Column(pl.Int64, "Number of the GPU that it is or is part of."),
        "gpu_uuid": _label(pl.String, "Unique id of that GPU, where field 54 was asked for."),
        "UUID#": _label(pl.String, "Unique id."),
        "GPUTL": _number("%", "Share of time in which a kernel ran; not available for instances.", at_most=100),
        "GRACT": _number("1", "Share of time in which the graphics engine was active.", at_most=1),
        "TENSO": _number("1", "Share of cycles in which tensor units were busy.", at_most=1),
        "POWER": _number("W", "Power of the GPU.", at_most=20_000),
        "TOTEC": _number("mJ", "Energy since the driver was loaded."),
        "TMPTR": _number("°C", "Temperature.", at_most=150, at_least=-50),
        "FBUSD": _number("MiB", "Memory in use."),
        "FBTTL": _number("MiB", "Memory."),
        "SMCLK": _number("MHz", "Clock of the compute units.", at_most=10_000),
        "XIDER": _label(pl.Int64, "Last error code."),
        "node": name("Server, from sources.toml."),
        "sku": name("Accelerator model, from sources.toml."),
    },
    rules=[
        rule(
            "device_is_known",
            pl.col("gpu").is_null() | pl.col("gpu_uuid").is_not_null() | pl.col("node").is_not_null(),
            "neither a unique id nor a server: ask for field 54, or name the server with option node",
        ),
    ],
)
