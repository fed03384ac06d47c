"""Contract of the ML.ENERGY leaderboard: one measured serving configuration of one model and task."""

import polars as pl

from suanheng.schemas.columns import amount, count, text
from suanheng.schemas.contract import Column, Contract

TITLE = "ML.ENERGY leaderboard results (JSON, one file per model and task)"
FEEDS = ("benchmark_results",)
OPTIONS = {"measured_on": "day of the measurements (YYYY-MM-DD); required, the files do not state it"}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/ml_energy_small-model__chat.json"
SAMPLE_SOURCE: dict[str, object] = {"options": {"measured_on": "2025-12-01"}}
REFUSES = (
    "The leaderboard's index, which holds no measurements.",
    "A source without measured_on: the files do not say when.",
)
LIMITS = (
    "Energy is that of the GPUs alone.",
    "Histograms of output lengths are not read.",
)

CONTRACT = Contract(
    "ml_energy",
    "one serving configuration of one model and task",
    happened=("measured_on", "measured_on"),
    columns={
        "measured_on": Column(
            pl.Date, "Day of the measurements, from sources.toml.", time_formats=("%Y-%m-%d",), required=True
        ),
        "model_id": Column(pl.String, "Model that was served.", required=True),
        "task": Column(pl.String, "Task that was served.", required=True),
        "architecture": text("Kind of model."),
        "activated_params_billions": amount("1e9", "Parameters used per token."),
        "total_params_billions": amount("1e9", "All parameters."),
        "weight_precision": text("Number format of the weights."),
        "gpu_model": Column(pl.String, "Accelerator model.", required=True),
        "num_gpus": count("Accelerators that served.", at_least=1, required=True),
        "max_num_seqs": count("Requests served at once, at most."),
        "parallelization.tensor_parallel": count("Accelerators that share a layer."),
        "parallelization.expert_parallel": count("Accelerators that share the experts."),
        "parallelization.data_parallel": count("Copies of the model."),
        "avg_batch_size": amount("1", "Mean number of requests served at once."),
        "avg_output_len": amount("tokens", "Mean output per request."),
        "avg_power_watts": amount("W", "Mean power of all accelerators together."),
        "output_throughput_tokens_per_sec": amount("tokens/s", "Output tokens per second.", required=True),
        "energy_per_token_joules": amount("J", "Energy per output token, as published."),
        "energy_per_request_joules": amount("J", "Energy per request, as published."),
        "median_itl_ms": amount("ms", "Median time between tokens."),
        "p90_itl_ms": amount("ms", "90th percentile of the time between tokens."),
        "p95_itl_ms": amount("ms", "95th percentile of the time between tokens."),
        "p99_itl_ms": amount("ms", "99th percentile of the time between tokens."),
    },
)
