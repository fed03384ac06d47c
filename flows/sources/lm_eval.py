"""Results of EleutherAI's lm-evaluation-harness (results_*.json): many tasks of one model, several metrics each."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import json_document
from suanheng.flows.sources.reading.json_items import cell, inside, instant_text
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.lm_eval import CONTRACT

_LABELS = tuple(CONTRACT.columns)
_PRETRAINED = re.compile(r"(?:^|,)(?:pretrained|model|path|engine)=([^,]+)")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read one row per task, metric and filter of answers, in the order of ``results``; standard errors beside.

    Args:
        path: the JSON file.
        options: ``model_name`` where runs call the model otherwise than the file does; ``active_params_billion``,
            ``total_params_billion``; ``metrics``, a table of the metric that counts for a task.

    Raises:
        UnreadableFile: the file is no JSON, or holds no results.
    """
    document = json_document(path, partial(_refusal, path))
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        raise _refusal(path, "other JSON")
    yield from chunks(_records(document, options), _LABELS)


def _records(document: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[tuple[Any, ...] | Unreadable]:
    number = 0
    of_model = _of_model(document, options)
    for task, figures in document["results"].items():
        if not isinstance(figures, Mapping):
            number += 1
            yield Unreadable(number, "no_object", f"results of {task} should be a JSON object", str(figures))
            continue
        for key, value in figures.items():
            metric, _, kind = key.partition(",")
            if metric in ("alias", "name", "sample_len", "sample_count") or metric.endswith("_stderr"):
                continue
            number += 1
            row = {
                **of_model,
                **_of_task(document, options, task),
                "metric": metric,
                "filter": kind or None,
                "value": cell(value),
                "stderr": cell(figures.get(f"{metric}_stderr,{kind}" if kind else f"{metric}_stderr")),
                "higher_is_better": cell(inside(document, "higher_is_better", task, metric)),
            }
            yield number, *(row[label] for label in _LABELS)


def _of_model(document: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "date": instant_text(document.get("date")),
        "model_name": as_text(options.get("model_name") or document.get("model_name") or _name_in_arguments(document)),
        "model_num_parameters": cell(inside(document, "config", "model_num_parameters")),
        "limit": cell(inside(document, "config", "limit")),
        "active_params_billion": as_text(options.get("active_params_billion")),
        "total_params_billion": as_text(options.get("total_params_billion")),
    }


def _of_task(document: Mapping[str, Any], options: Mapping[str, Any], task: str) -> dict[str, str | None]:
    return {
        "task": task,
        "version": cell(inside(document, "versions", task)),
        "n_shot": cell(inside(document, "n-shot", task)),
        "samples": cell(inside(document, "n-samples", task, "effective")),
        "counting_metric": as_text(inside(options, "metrics", task)),
    }


def _name_in_arguments(document: Mapping[str, Any]) -> str | None:
    arguments = inside(document, "config", "model_args")
    if isinstance(arguments, Mapping):
        return arguments.get("pretrained") or arguments.get("model")
    named = _PRETRAINED.search(arguments) if isinstance(arguments, str) else None
    return named[1] if named else None


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} holds no results of lm-evaluation-harness",
        expected="a JSON object with results by task",
        got=got,
        do="Bind the results_*.json files that --output_path names, not the samples_*.jsonl beside them.",
    )
