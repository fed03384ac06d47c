"""Contract of raw.gpu_server_hourly: hourly means over the GPUs of a server."""

import polars as pl

from suanheng.schemas.columns import amount, count, name
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "Hourly GPU server statistics (tab separated)"
FEEDS = ("accelerator_samples",)
OPTIONS = {
    "gpus_per_server": "how many GPUs the server holds; every value is a mean over them (required)",
    "sku": "accelerator model as in reference.accelerators",
}
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/gpu_server_hourly_newest_first.txt"
SAMPLE_SOURCE: dict[str, object] = {"time_zone": "America/New_York", "options": {"gpus_per_server": 2, "sku": "A40"}}
REFUSES = (
    "A footer that counts other rows than the file holds: the file is not whole.",
    "A source without gpus_per_server: the values are means over an unknown number.",
)
LIMITS = ("Minimum and maximum stay in the raw table.",)


def _statistics(label: str, unit: str, what: str, at_most: float) -> dict:
    return {
        f"{label}ave": amount(unit, f"Mean {what} of one GPU in the hour.", at_most=at_most),
        f"{label}min": amount(unit, f"Lowest {what} of a GPU in the hour.", at_most=at_most),
        f"{label}max": amount(unit, f"Highest {what} of a GPU in the hour.", at_most=at_most),
    }


def _enclosed(label: str) -> pl.Expr:
    mean, lowest, highest = (pl.col(f"{label}{statistic}") for statistic in ("ave", "min", "max"))
    return (lowest <= mean + 0.01) & (mean <= highest + 0.01)


CONTRACT = Contract(
    "gpu_server_hourly",
    "one server in one hour, as means over its GPUs",
    happened=("timestamp", "timestamp"),
    columns={
        "name": name("Server.", required=True),
        "timestamp": Column(
            UTC, "Start of the hour.", unit="UTC", required=True, time_formats=("%Y-%m-%d %H:%M:%S%.f",)
        ),
        **_statistics("power", "W", "power", 20_000),
        **_statistics("temp", "°C", "temperature", 150),
        **_statistics("util", "%", "utilisation", 100),
        **_statistics("gmem", "%", "share of memory in use", 100),
        "gpus_per_server": count("GPUs in the server, from sources.toml.", at_least=1, required=True),
        "sku": name("Accelerator model, from sources.toml."),
    },
    rules=[
        rule(f"{label}_mean_between_extremes", _enclosed(label), f"{label}ave is outside {label}min and {label}max")
        for label in ("power", "temp", "util", "gmem")
    ],
)
