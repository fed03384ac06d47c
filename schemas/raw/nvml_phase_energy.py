"""Contract of raw.nvml_phase_energy: phases of an inference run with the energy of every GPU."""

import polars as pl

from suanheng.schemas.columns import amount, count, duration, name
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "NVML energy per phase of a run (CSV)"
FEEDS = ("workload_runs",)
OPTIONS: dict[str, str] = {}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/nvml_phase_energy_two_phases.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = ("A table without the columns of phases and energies.",)
LIMITS = ("Tokens are left out: the file does not say what it counts.",)

GPUS_AT_MOST = 16
_ENERGIES = [f"GPU-{number} Energy (mJ)" for number in range(GPUS_AT_MOST)]

CONTRACT = Contract(
    "nvml_phase_energy",
    "one phase of a run",
    happened=("started_at_utc", "ended_at_utc"),
    columns={
        "Timestamp": amount("s", "Start of the phase, seconds since 1970 in UTC.", required=True),
        "Phase": name("Phase.", required=True),
        "Runtime (s)": duration("Length of the phase.", required=True),
        **{
            label: amount("mJ", f"Energy of GPU {number} in the phase, from its counter.")
            for number, label in enumerate(_ENERGIES)
        },
        "Number of GPUs": count("GPUs the run uses.", at_least=1, required=True),
        "GPU Energy (J)": amount("J", "Energy of all GPUs in the phase, as the file states it."),
        "Model": name("AI model."),
        "System": name("Cluster.", required=True),
        "Iteration": count("Repetition of the phase."),
        "Number of Input Tokens": count("Tokens of one prompt."),
        "Total Number of Tokens": count("Tokens of one prompt and its answer."),
        "Batch Size": count("Prompts answered together."),
        "started_at_utc": Column(UTC, "Start of the phase.", unit="UTC"),
        "ended_at_utc": Column(UTC, "End of the phase: start and length added.", unit="UTC"),
    },
    rules=[
        rule(
            "energy_of_every_gpu",
            pl.sum_horizontal(pl.col(label).is_not_null().cast(pl.Int64) for label in _ENERGIES)
            == pl.col("Number of GPUs"),
            "the phase does not state the energy of every GPU it uses",
        ),
        rule(
            "total_is_the_sum_of_gpus",
            (pl.sum_horizontal(_ENERGIES) / 1000 - pl.col("GPU Energy (J)")).abs() <= 0.001 * pl.col("GPU Energy (J)"),
            "GPU Energy (J) is not the sum of the GPUs' energies: check the units",
        ),
    ],
)
