"""Contract of a TOP500 list, as published in XLS or XLSX twice a year."""

import polars as pl

from suanheng.schemas.columns import amount, text
from suanheng.schemas.contract import Column, Contract

TITLE = "TOP500 list (XLS, XLSX)"
FEEDS = ("benchmark_results",)
OPTIONS = {"list_date": "day of the list (YYYY-MM-DD); the first of the month in the file's name where absent"}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/top500_three_systems.csv"
SAMPLE_SOURCE: dict[str, object] = {"options": {"list_date": "2023-11-01"}}
REFUSES = ("No sheet with Rmax, Rpeak and Rank in one header row.",)
LIMITS = ("Hardware counts beyond cores are free text and not read.",)

CONTRACT = Contract(
    "top500",
    "one system of one list",
    happened=("list_date", "list_date"),
    columns={
        "list_date": Column(
            pl.Date,
            "Day of the list, from sources.toml or the file's name.",
            time_formats=("%Y-%m-%d",),
            required=True,
        ),
        "Rank": Column(pl.Int64, "Rank in the list.", unit="1", at_least=1, required=True),
        "Name": text("What its owner calls the system."),
        "Computer": Column(pl.String, "Model, processors and interconnect.", required=True),
        "Site": text("Where the system stands."),
        "Manufacturer": text("Who built it."),
        "Country": text("Country of the site."),
        "Year": Column(pl.Int64, "Year of installation.", unit="a"),
        "Segment": text("Kind of owner."),
        "Total Cores": Column(pl.Int64, "Cores, those of accelerators included.", unit="1", at_least=0),
        "Accelerator/Co-Processor Cores": Column(pl.Int64, "Cores of accelerators.", unit="1", at_least=0),
        "Rmax [TFlop/s]": Column(pl.Float64, "Performance achieved in HPL.", unit="TFLOP/s", at_least=0, required=True),
        "Rpeak [TFlop/s]": Column(pl.Float64, "Theoretical peak.", unit="TFLOP/s", at_least=0, required=True),
        "Power (kW)": amount("kW", "Mean power during the HPL run; empty is unknown.", "Power"),
        "Power Source": text("How the power is known: Submitted, Optimized, Derived."),
        "Energy Efficiency [GFlops/Watts]": amount(
            "GFLOPS/W",
            "Efficiency as published; the column was renamed over the years.",
            "Power Efficiency [GFlops/Watts]",
            "Power Effeciency [GFlops/Watts]",
        ),
        "Mflops/Watt": amount("MFLOPS/W", "Efficiency as published until 2016.", "Mflops/Watts"),
        "Accelerator/Co-Processor": Column(pl.String, "Accelerator model.", nulls=("None",)),
        "System ID": Column(pl.String, "Number of the system, stable over the lists.", required=True),
    },
)
