"""Contract of raw.run_report: what a training or serving run says of itself, in our own flat schema."""

import polars as pl

from suanheng.schemas.columns import LARGEST_AMOUNT, PRECISIONS, amount, choice, count, instant, name
from suanheng.schemas.contract import Contract, rule
from suanheng.schemas.datasets.telemetry import JOB_STATES, WORKLOAD_CLASSES

TITLE = "Training and serving run reports (JSON, JSON lines)"
FEEDS = ("workload_runs",)
OPTIONS: dict[str, str] = {}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/run_report_two_conventions.jsonl"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A file that is no JSON, or that holds neither an object nor a list.",
    "A time without an offset, unless sources.toml names a time_zone.",
)
LIMITS = (
    "Model operations are computed from the dimensions only for training and fine-tuning, and only by the convention "
    "the report names; those of a serving run count where the report states them.",
    "The Megatron form is that of a GPT with full multi-head attention and a four-fold MLP. For mixtures of experts, "
    "grouped queries or gated MLPs state model_flops, or parameters and the PaLM convention.",
    "Stated operations are taken as they are, and not checked against the dimensions.",
    "A run that a scheduler accounts for as well counts twice, unless both name it by the same cluster, id and "
    "submission; then only what the file says whose path sorts last counts, so let that be the run reports.",
)

CONVENTIONS = ("palm", "megatron", "other")

_MOST_OPERATIONS = LARGEST_AMOUNT * 1e15

CONTRACT = Contract(
    "run_report",
    "one training or serving run",
    happened=("started_at", "ended_at"),
    columns={
        "run_id": name("Run; the scheduler's job id where there is one.", required=True),
        "cluster": name("Cluster.", required=True),
        "submitted_at": instant("When it was asked for; the wait is unknown without it."),
        "started_at": instant("When it began.", required=True),
        "ended_at": instant("When it ended; missing while it runs."),
        "state": choice(JOB_STATES, "State at the last look.", required=True),
        "workload_class": choice(WORKLOAD_CLASSES, "What kind of work it is."),
        "user": name("Who ran it."),
        "tenant": name("Account that is charged."),
        "nodes": count("Nodes it held."),
        "devices": count("Accelerators it held."),
        "sku": name("Accelerator model as in reference.accelerators."),
        "precision": choice(PRECISIONS, "Number format of the arithmetic."),
        "model_name": name("AI model."),
        "tokens": amount("1", "Tokens processed; without it iterations × batch_size × sequence_length."),
        "parameters": amount("1", "Parameters that work on each token (N): of a mixture of experts the active ones."),
        "layers": count("Transformer layers (L).", at_least=1),
        "hidden_size": count("Hidden size (h).", at_least=1),
        "attention_heads": count("Attention heads (H).", at_least=1),
        "head_dimension": count("Dimension of a head (Q); without it hidden_size ÷ attention_heads.", at_least=1),
        "sequence_length": count("Tokens of a sequence (T, s).", at_least=1),
        "vocabulary_size": count("Tokens of the vocabulary (V).", at_least=1),
        "batch_size": count("Sequences of an iteration, over all devices (B).", at_least=1),
        "iterations": count("Iterations carried out."),
        "recompute": choice(("none", "selective", "full"), "How much of the forward pass was computed again."),
        "flops_convention": choice(CONVENTIONS, "How model operations are counted."),
        "model_flops": amount(
            "FLOP", "Model operations of the whole run, where the run states them.", at_most=_MOST_OPERATIONS
        ),
        "hardware_flops": amount(
            "FLOP",
            "Operations of the whole run with recomputation, where the run states them.",
            at_most=_MOST_OPERATIONS,
        ),
        "productive_s": amount("s", "Seconds of the run that moved the work forward."),
        "energy_j": amount("J", "Energy of all its devices."),
    },
    rules=[
        rule(
            "operations_name_their_convention",
            pl.col("model_flops").is_null() | pl.col("flops_convention").is_not_null(),
            "operations without a convention cannot be compared: set flops_convention to palm, megatron or other",
        )
    ],
)
