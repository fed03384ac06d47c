"""Contract of hourly generation by source and carbon intensity of one grid area."""

import polars as pl

from suanheng.schemas.columns import amount
from suanheng.schemas.contract import UTC, Column, Contract

TITLE = "Hourly grid mix and carbon intensity (CSV)"
FEEDS: tuple[str, ...] = ()
OPTIONS = {"area": "grid area the mix is of, e.g. US-CA; the file's name without its ending where absent"}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/grid_mix_hourly_XX_NG_&_avgCI.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = ("A table without one column per source of generation.",)
LIMITS = ("Imports and exports of an area are not part of it.",)


def _generation(source: str) -> Column:
    return amount("MWh", f"Generation from {source}.")


CONTRACT = Contract(
    "grid_mix_hourly",
    "one hour of one grid area",
    happened=("timestamp", "timestamp"),
    columns={
        "area": Column(pl.String, "Grid area, from sources.toml or the file's name.", required=True),
        "timestamp": Column(
            UTC,
            "Start of the hour.",
            time_formats=("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"),
            required=True,
        ),
        "WND": _generation("wind"),
        "SUN": _generation("the sun"),
        "WAT": _generation("hydropower"),
        "OIL": _generation("oil"),
        "NG": _generation("natural gas"),
        "COL": _generation("coal"),
        "NUC": _generation("nuclear power"),
        "OTH": _generation("other sources"),
        "avg_CI": amount("gCO2e/kWh", "Carbon intensity as published."),
    },
)
