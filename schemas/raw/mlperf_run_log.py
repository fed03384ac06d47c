"""Contract of raw.mlperf_run_log: runs of LoadGen in an MLPerf submission."""

import polars as pl

from suanheng.schemas.columns import PRECISIONS, amount, choice, count, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "MLPerf inference run log (mlperf_log_detail.txt)"
FEEDS = ("benchmark_results",)
OPTIONS = {
    "system_name": "system under test; by default its folder, <system>/<benchmark>/<scenario>/…",
    "benchmark": "benchmark; by default its folder",
    "meter_id": "analyser that measured the run; by default the folder of the system, as in mlperf_power_log",
    "sku": "accelerator model as in reference.accelerators",
    "device_count": "accelerators of the system",
    "precision": "number format of the arithmetic",
}
PATH_HOLDS_COLUMNS = True
TIMES = "local"
HOLDS = "document"
SAMPLE = "data/mlperf_run_log_server_tokens.txt"
SAMPLE_SOURCE: dict[str, object] = {
    "time_zone": "America/Los_Angeles",
    "options": {"system_name": "rack-1", "benchmark": "llama2-70b-99", "meter_id": "analyser-1"},
}
REFUSES = (
    "A summary log (mlperf_log_summary.txt): it lacks the instants of the run.",
    "Lines that are no :::MLLOG records.",
)
LIMITS = ("Latency distributions are not read.",)

_THROUGHPUTS = {
    "result_samples_per_second": ("1/s", "Samples per second, Offline."),
    "result_completed_samples_per_sec": ("1/s", "Samples per second, Server."),
    "result_tokens_per_second": ("tokens/s", "Tokens per second, Offline."),
    "result_inferred_tokens_per_second": ("tokens/s", "Tokens per second by mean output length, Offline."),
    "result_completed_tokens_per_second": ("tokens/s", "Tokens per second, Server."),
    "result_inferred_completed_tokens_per_second": ("tokens/s", "Tokens per second by mean output length, Server."),
}


def _window(meaning: str) -> Column:
    return Column(UTC, meaning, unit="UTC", required=True, time_formats=("%m-%d-%Y %H:%M:%S%.f",))


CONTRACT = Contract(
    "mlperf_run_log",
    "one run of one benchmark in one scenario",
    happened=("power_begin", "power_end"),
    columns={
        "loadgen_version": text("Version of LoadGen."),
        "sut_name": text("System under test, as the harness calls it."),
        "requested_scenario": name("Scenario.", required=True),
        "requested_test_mode": text("Whether performance or accuracy was tested."),
        "power_begin": _window("Start of the load."),
        "power_end": _window("End of the load."),
        "result_validity": Column(pl.String, "Verdict of LoadGen.", one_of=("VALID", "INVALID"), required=True),
        **{label: amount(unit, meaning) for label, (unit, meaning) in _THROUGHPUTS.items()},
        "system_name": name("System, from the path or sources.toml.", required=True),
        "benchmark": name("Benchmark, from the path or sources.toml.", required=True),
        "meter_id": name("Analyser, from the path or sources.toml."),
        "sku": name("Accelerator model, from sources.toml."),
        "device_count": count("Accelerators, from sources.toml.", at_least=1),
        "precision": choice(PRECISIONS, "Number format, from sources.toml."),
    },
    rules=[
        rule(
            "throughput_is_stated",
            pl.any_horizontal(pl.col(list(_THROUGHPUTS)).is_not_null()),
            "the log states no throughput: only performance runs of the scenarios Offline and Server do",
        )
    ],
)
