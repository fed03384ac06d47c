"""Contract of the on-premise CSV of Cloud Carbon Footprint."""

import polars as pl

from suanheng.schemas.columns import ISO_TIMES, amount, choice, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule
from suanheng.schemas.datasets.assets import class_is_known
from suanheng.schemas.datasets.supply_chain import ASSET_CLASSES

TITLE = "On-premise machines (Cloud Carbon Footprint, CSV)"
FEEDS = ("hardware_assets",)
OPTIONS = {
    "memory_unit": "unit of column memory, where it is not GB as documented: MB, MiB, GiB, TB or TiB",
    "asset_classes": "class by machineType, where that is not server, desktop or laptop",
}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/on_premise_csv_machines.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = ("A header without machineName, cpuDescription, machineType and startTime.",)
LIMITS = (
    "The model is the processor, the only thing the format says of one.",
    "A machine is in service from the day (UTC) of the earliest start in the file.",
    "The end of a reporting period does not end the service of a machine.",
    "Uptime, utilisation, cost, country, region and memory stay in the raw table.",
)

GREATEST_MEMORY = {"MB": 65_536e3, "MiB": 65_536e3, "GB": 65_536.0, "GiB": 65_536.0, "TB": 65.536, "TiB": 65.536}
"""More memory than any one machine has, some 64 TB, in each unit."""

CONTRACT = Contract(
    "on_premise_csv",
    "one machine over one reporting period",
    columns={
        "machineName": name("Host name.", required=True),
        "cpuDescription": name("Processor.", required=True),
        "memory": amount("memory_unit", "Memory."),
        "memory_unit": Column(
            pl.String,
            "Unit of memory: GB as documented, or from sources.toml.",
            one_of=tuple(GREATEST_MEMORY),
            required=True,
        ),
        "machineType": text("What the machine is: server, desktop or laptop."),
        "asset_class": choice(ASSET_CLASSES, "What it is, by its type or sources.toml."),
        "startTime": Column(UTC, "When the period began.", time_formats=ISO_TIMES, required=True),
        "endTime": Column(UTC, "When the period ended.", time_formats=ISO_TIMES),
        "country": text("Country."),
        "region": text("State or province."),
        "cost": Column(pl.Float64, "Cost of the machine in the period.", unit="currency"),
        "cpuUtilization": amount("%", "Mean utilisation of the processor.", at_most=100),
        "powerUsageEffectiveness": Column(pl.Float64, "PUE assumed.", unit="1", at_least=1),
        "dailyUptime": amount("h", "Hours in use in the last day."),
        "weeklyUptime": amount("h", "Hours in use in the last week."),
        "monthlyUptime": amount("h", "Hours in use in the last month."),
        "annualUptime": amount("h", "Hours in use in the last year."),
    },
    rules=[
        class_is_known("asset_class", "machineType"),
        rule(
            "memory_fits_one_machine",
            pl.col("memory") <= pl.col("memory_unit").replace_strict(GREATEST_MEMORY, default=None),
            "more memory than any one machine has: is it MB? Then set memory_unit = 'MB' in sources.toml",
        ),
        rule("period_not_reversed", pl.col("startTime") <= pl.col("endTime"), "the period ends before it starts"),
    ],
)
