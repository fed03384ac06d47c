"""Contract of raw.lm_eval: metrics of a model on the tasks of lm-evaluation-harness."""

import polars as pl

from suanheng.schemas.columns import amount, count, flag, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "lm-evaluation-harness results (results_*.json)"
FEEDS = ("model_evaluations",)
OPTIONS = {
    "model_name": "name that runs give the model; by default the file's",
    "active_params_billion": "parameters used per token, in 10^9; the file does not say",
    "total_params_billion": "all parameters, in 10^9; by default what the file counts",
    "metrics": "metric that counts for a task, with its filter, e.g. { arc_challenge = 'acc_norm,none' }",
}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/lm_eval_four_tasks.json"
SAMPLE_SOURCE: dict[str, object] = {"options": {"model_name": "own-7b", "active_params_billion": 7}}
REFUSES = ("JSON without results by task, such as a file of samples.",)
LIMITS = (
    "One metric counts per task, and which stands in the version: exact_match before acc before acc_norm, strict-match "
    "before other filters, unless sources.toml names another. Metrics that are no share of right answers do not count.",
    "gsm8k, mmlu, arc_challenge and the whole of MATH (hendrycks_math, minerva_math) bear the names GSM8K, MMLU, ARC-C "
    "and MATH, under which model compute efficiency looks for them; other tasks keep their own.",
    "An evaluation of a part of a task (--limit) is quarantined: it is another quantity.",
)

CONTRACT = Contract(
    "lm_eval",
    "one metric of one model on one task",
    happened=("date", "date"),
    columns={
        "date": Column(
            UTC, "When it was evaluated.", unit="UTC", required=True, time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",)
        ),
        "model_name": name("Model.", required=True),
        "model_num_parameters": amount("1", "All parameters, as the file counts them."),
        "limit": amount("1", "Documents of a task that were used, where not all were."),
        "active_params_billion": amount("1e9", "Parameters used per token, from sources.toml."),
        "total_params_billion": amount("1e9", "All parameters, from sources.toml."),
        "task": name("Task.", required=True),
        "version": text("Version of the task."),
        "n_shot": count("Worked examples in the prompt."),
        "samples": count("Documents that were evaluated."),
        "counting_metric": text("Metric that counts for the task, from sources.toml."),
        "metric": text("Metric."),
        "filter": text("How the answer is found in the output."),
        "value": Column(pl.Float64, "Value of the metric.", unit="as stated"),
        "stderr": Column(pl.Float64, "Standard error of the value.", unit="as stated", nulls=("N/A",)),
        "higher_is_better": flag("Whether a higher value is better."),
    },
    rules=[
        rule(
            "evaluated_as_a_whole",
            pl.col("limit").is_null(),
            "only a part of the task was evaluated (--limit), which is another quantity",
        )
    ],
)
