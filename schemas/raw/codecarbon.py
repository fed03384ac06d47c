"""Contract of raw.codecarbon: runs tracked by CodeCarbon."""

import polars as pl

from suanheng.schemas.columns import amount, duration, instant, name, text
from suanheng.schemas.contract import Column, Contract, rule

TITLE = "CodeCarbon emissions (emissions.csv)"
FEEDS = ("workload_runs",)
OPTIONS = {"cluster": "cluster the runs belong to; by default the name of the project"}
TIMES = "local"
HOLDS = "chunks"
SAMPLE = "data/codecarbon_defaults.csv"
SAMPLE_SOURCE: dict[str, object] = {"time_zone": "Asia/Shanghai", "options": {"cluster": "tern"}}
REFUSES = ("A header without timestamp, project_name, run_id, duration and energy_consumed.",)
LIMITS = (
    "Energy is estimated evidence in every mode: that of the memory, and mostly that of the CPU, is a model, and the "
    "mode process shares the machine's energy out by load.",
    "CodeCarbon multiplies every energy by the pue it is configured with; the energy of the run is freed of it again.",
    "A pue of 1 and a wue of 0 are what CodeCarbon assumes where nothing is configured, and count as unknown.",
    "A row that a later or longer row of the same run covers, in time and in energy, is a part of it and not counted: "
    "rows of flushes, tasks beside their run.",
    "Emissions, water and the country's factor are not used: carbon is computed from energy and dated factors.",
    "GPUs are those the tracker saw, not those the run was given, so the run's accelerators are unknown; and so is its "
    "wait.",
)

_ROUNDING = 0.01


def _kwh(what: str) -> Column:
    return amount("kWh", f"Energy of the {what}, times the pue.")


CONTRACT = Contract(
    "codecarbon",
    "one tracked run",
    happened=("timestamp", "timestamp"),
    columns={
        "timestamp": instant("When the record was written, which is the end of the run.", required=True),
        "project_name": text("Project."),
        "run_id": name("Run.", required=True),
        "experiment_id": text("Experiment."),
        "duration": duration("Length of the run.", required=True),
        "emissions": amount("kgCO2e", "Emissions by the tool's own factor."),
        "cpu_energy": _kwh("CPUs"),
        "gpu_energy": _kwh("GPUs"),
        "ram_energy": _kwh("memory"),
        "energy_consumed": amount("kWh", "Energy of all three, times the pue.", required=True),
        "country_iso_code": text("Country."),
        "region": text("Region."),
        "codecarbon_version": text("Version of the tool."),
        "cpu_model": text("CPU model."),
        "gpu_count": amount("1", "GPUs the tracker saw."),
        "gpu_model": text("GPU model, with the count before it."),
        "tracking_mode": Column(pl.String, "What was tracked.", one_of=("machine", "process"), nulls=("None",)),
        "pue": Column(
            pl.Float64,
            "PUE the tool is configured with; 1 is its default and no measurement.",
            unit="1",
            at_least=1,
            nulls=("1", "1.0"),
        ),
        "wue": Column(
            pl.Float64,
            "WUE the tool is configured with; 0 is its default and no measurement.",
            unit="L/kWh",
            at_least=0,
            nulls=("0", "0.0"),
        ),
        "cluster": name("Cluster, from sources.toml or the project.", required=True),
    },
    rules=[
        rule(
            "energy_is_the_sum_of_its_parts",
            (pl.col("energy_consumed") - pl.sum_horizontal("cpu_energy", "gpu_energy", "ram_energy")).abs()
            <= _ROUNDING * pl.col("energy_consumed") + 1e-9,
            "energy_consumed is not the sum of cpu_energy, gpu_energy and ram_energy (tolerance 1 %)",
        )
    ],
)
