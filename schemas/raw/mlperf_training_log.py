"""Contract of raw.mlperf_training_log: runs of an MLPerf training submission."""

import polars as pl

from suanheng.schemas.columns import PRECISIONS, choice, count, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "MLPerf training result (result_*.txt)"
FEEDS = ("benchmark_results",)
OPTIONS = {
    "system_name": "system under test; by default its folder, results/<system>/<benchmark>/…",
    "benchmark_version": "round of the submission, e.g. 4.0; the file does not say it",
    "meter_id": "meter of the run; by default the one node of which there is a power log beside, as in "
    "mlperf_training_power",
    "sku": "accelerator model as in reference.accelerators",
    "device_count": "accelerators of the system",
    "precision": "number format of the arithmetic",
}
PATH_HOLDS_COLUMNS = True
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/mlperf_training_log_success.txt"
SAMPLE_SOURCE: dict[str, object] = {"options": {"system_name": "rack-1", "benchmark_version": "4.0"}}
REFUSES = ("A file without a line that is a :::MLLOG message.",)
LIMITS = (
    "The result is the time from run_start to run_stop of one run. The score of a submission, which drops the fastest "
    "and the slowest run and takes the mean of the others, is not formed.",
    "train_samples is not used: for some benchmarks it is the size of the data set, for others what was trained on.",
    "Where several nodes were metered, none of them is the meter of the run.",
)


def _time(meaning: str) -> Column:
    return Column(UTC, meaning, unit="UTC", required=True, time_formats=("%Y-%m-%dT%H:%M:%S%.f%#z",))


CONTRACT = Contract(
    "mlperf_training_log",
    "one run of one benchmark",
    happened=("run_start", "run_stop"),
    columns={
        "submission_benchmark": name("Benchmark.", required=True),
        "submission_division": text("Division: closed or open."),
        "submission_org": text("Who submitted it."),
        "submission_platform": text("Platform, in the words of the submitter."),
        "submission_status": text("Where it ran: onprem, cloud, research, preview."),
        "seed": text("Seed of the run."),
        "global_batch_size": count("Samples of an iteration, over all devices."),
        "eval_accuracy": Column(pl.Float64, "Quality at the last evaluation, in the benchmark's own measure."),
        "run_start": _time("Start of the timed run."),
        "run_stop": _time("End of the timed run."),
        "status": Column(pl.String, "Whether the quality was reached.", one_of=("success", "aborted"), required=True),
        "system_name": name("System, from the path or sources.toml.", required=True),
        "run": name("Run, by the name of its file.", required=True),
        "meter_id": name("Meter of the run, from the power log beside it or sources.toml."),
        "sku": name("Accelerator model, from sources.toml."),
        "device_count": count("Accelerators, from sources.toml.", at_least=1),
        "precision": choice(PRECISIONS, "Number format, from sources.toml."),
        "benchmark_version": name("Round, from sources.toml."),
    },
    rules=[
        rule("not_stopped_before_started", pl.col("run_start") <= pl.col("run_stop"), "the run stops before it starts")
    ],
)
