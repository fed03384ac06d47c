"""Contract of raw.vllm_benchmark: serving benchmarks of vLLM."""

from suanheng.schemas.columns import PRECISIONS, amount, choice, count, duration, name, text
from suanheng.schemas.contract import UTC, Column, Contract

TITLE = "vLLM serving benchmark (vllm bench serve --save-result)"
FEEDS = ("benchmark_results",)
OPTIONS = {
    "system_name": "system that was measured; required, the file does not say it",
    "sku": "accelerator model as in reference.accelerators",
    "device_count": "accelerators that served",
    "precision": "number format of the arithmetic",
}
TIMES = "local"
HOLDS = "document"
SAMPLE = "data/vllm_benchmark_one_run.json"
SAMPLE_SOURCE: dict[str, object] = {
    "time_zone": "Asia/Shanghai",
    "options": {"system_name": "node-1", "sku": "H100 SXM 80GB", "device_count": 8, "precision": "BF16"},
}
REFUSES = (
    "A file that is no JSON.",
    "A source without system_name: results of different systems would replace each other.",
)
LIMITS = (
    "date is when the file was written, which is taken as the end of the run.",
    "Lists over single requests (--save-detailed) and percentiles other than the 99th are not read.",
    "Results of embedding and scoring endpoints lack output tokens and are read for the throughput they have.",
)

STATED = ("system_name", "sku", "device_count", "precision")

LATENCIES = ("ttft", "tpot", "itl", "e2el")
_MEANING = {
    "ttft": "time to the first token",
    "tpot": "time per output token after the first",
    "itl": "time between tokens",
    "e2el": "time to the whole answer",
}

CONTRACT = Contract(
    "vllm_benchmark",
    "one run of a serving benchmark",
    happened=("date", "date"),
    columns={
        "date": Column(UTC, "When the result was written.", unit="UTC", required=True, time_formats=("%Y%m%d-%H%M%S",)),
        "backend": text("Kind of endpoint."),
        "label": text("Label of the result."),
        "model_id": name("Model that was served."),
        "tokenizer_id": text("Tokeniser that counted."),
        "num_prompts": count("Requests sent."),
        "request_rate": text("Requests sent per second; inf for all at once."),
        "burstiness": amount("1", "How evenly they were sent; 1 is a Poisson process."),
        "max_concurrency": count("Requests under way at once, at most; empty for no limit."),
        "duration": duration("Length of the run.", required=True),
        "completed": count("Requests answered.", required=True),
        "failed": count("Requests that failed."),
        "total_input_tokens": count("Tokens of the prompts.", at_most=10**15),
        "total_output_tokens": count("Tokens generated.", at_most=10**15),
        "request_throughput": amount("1/s", "Requests answered per second.", required=True),
        "request_goodput": amount("1/s", "Requests per second that kept the stated limits."),
        "output_throughput": amount("tokens/s", "Tokens generated per second."),
        "total_token_throughput": amount("tokens/s", "Tokens read and generated per second."),
        **{
            f"{statistic}_{latency}_ms": amount("ms", f"{words} {_MEANING[latency]}.")
            for latency in LATENCIES
            for statistic, words in (("mean", "Mean"), ("median", "Median"), ("p99", "99th percentile of the"))
        },
        "system_name": name("System, from sources.toml.", required=True),
        "sku": name("Accelerator model, from sources.toml."),
        "device_count": count("Accelerators, from sources.toml.", at_least=1),
        "precision": choice(PRECISIONS, "Number format, from sources.toml."),
    },
)
