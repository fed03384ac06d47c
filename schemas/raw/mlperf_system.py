"""Contract of raw.mlperf_system: descriptions of the systems in MLPerf submissions."""

import polars as pl

from suanheng.schemas.columns import IDENTIFIER, amount, day, name
from suanheng.schemas.contract import Column, Contract, rule

TITLE = "MLPerf system description (JSON)"
FEEDS = ("hardware_assets",)
OPTIONS = {
    "in_service_from": "first day in service (required)",
    "accelerator_sku": "accelerator model as in reference.accelerators, where the description calls it otherwise",
    "rated_power_w": "rated power of one node with everything built into it, in W",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/mlperf_system_two_nodes.json"
SAMPLE_SOURCE: dict[str, object] = {"options": {"in_service_from": "2024-07-01"}}
REFUSES = (
    "JSON without submitter and system_name.",
    "A source without in_service_from: a description is true of a time.",
)
LIMITS = ("Free text on memory, storage and network is not read.",)

_NULLS = ("N/A", "TODO", "TBD", "None")


def _label(meaning: str, *, required: bool = False) -> Column:
    return Column(pl.String, meaning, matches=IDENTIFIER, nulls=_NULLS, required=required)


def _units(meaning: str, *, at_least: int = 0, required: bool = False) -> Column:
    return Column(pl.Int64, meaning, unit="1", at_least=at_least, nulls=_NULLS, required=required)


CONTRACT = Contract(
    "mlperf_system",
    "one system: equal servers that were submitted together",
    columns={
        "system_desc_id": name("System's id within a submission: the name of the file.", required=True),
        "submitter": _label("Who submitted it.", required=True),
        "system_name": _label("Name of the system.", required=True),
        "number_of_nodes": _units("Servers.", at_least=1, required=True),
        "accelerators_per_node": _units("Accelerators in one server."),
        "accelerator_model_name": _label("Model of the accelerators."),
        "host_processor_model_name": _label("Model of the processors."),
        "host_processors_per_node": _units("Processors in one server."),
        "in_service_from": day("First day in service, from sources.toml.", required=True),
        "accelerator_sku": name("Accelerator model, from sources.toml."),
        "rated_power_w": amount("W", "Rated power of one server, from sources.toml."),
    },
    rules=[
        rule(
            "named_accelerators_are_counted",
            pl.col("accelerator_model_name").is_null() | (pl.col("accelerators_per_node").fill_null(0) > 0),
            "accelerators are named, but accelerators_per_node does not say how many: they would drop out",
        ),
        rule(
            "counted_accelerators_are_named",
            (pl.col("accelerators_per_node").fill_null(0) == 0)
            | pl.any_horizontal(pl.col("accelerator_model_name", "accelerator_sku").is_not_null()),
            "there are accelerators, but no accelerator_model_name: name them with option accelerator_sku",
        ),
    ],
)
