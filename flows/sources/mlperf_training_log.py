"""Result files of an MLPerf training submission (result_0.txt): one run, from run_start to run_stop."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import bare_name
from suanheng.flows.sources.reading.json_items import cell, instant_text
from suanheng.flows.sources.reading.mlperf import MARK, messages, system_of
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_SAID = (
    *("submission_benchmark", "submission_division", "submission_org", "submission_platform", "submission_status"),
    *("seed", "global_batch_size", "eval_accuracy"),
)
_STATED = ("system_name", "run", "meter_id", "sku", "device_count", "precision")
_LABELS = (*_SAID, "run_start", "run_stop", "status", *_STATED)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the one run of a result file; it is row 1. A file with a broken message is an unreadable run.

    Of messages that processes repeat the first counts; of evaluations the last before the run stops.

    Args:
        path: ``…/results/<system>/<benchmark>/result_0.txt``; power logs are looked for in ``power/result_0`` beside.
        options: ``system_name`` where the folders do not say it; ``benchmark_version``, ``meter_id``, ``sku``,
            ``device_count``, ``precision``, ``encoding``.

    Raises:
        UnreadableFile: no line is a message of the logging library.
    """
    yield from chunks([_run(path, options)], (*_LABELS, "benchmark_version"))


def _run(path: Path, options: Mapping[str, Any]) -> tuple[Any, ...] | Unreadable:
    said: dict[str, Any] = {}
    for message in messages(path, options):
        if isinstance(message, Unreadable):
            reason = f"line {message.row_number}: {message.message}, so the run's figures cannot be relied on"
            return Unreadable(1, message.rule, reason, message.record)
        _note(said, message[2])
    if not said:
        raise UnreadableFile(
            f"{path.name} is no result file of MLPerf training",
            expected=f"lines with {MARK}",
            got="none",
            do="Bind the result_*.txt files of a training submission.",
        )
    texts = {**{key: cell(said.get(key)) for key in _LABELS}, **_stated(path, options)}
    return 1, *(texts[label] for label in _LABELS), as_text(options.get("benchmark_version"))


def _note(said: dict[str, Any], message: Mapping[str, Any]) -> None:
    key = message["key"]
    if key in ("run_start", "run_stop"):
        said.setdefault(key, instant_text(message["time_ms"], per_second=1000))
        if key == "run_stop":
            metadata = message.get("metadata")
            said.setdefault("status", metadata.get("status") if isinstance(metadata, dict) else None)
    elif key == "eval_accuracy" and "run_stop" not in said:
        said[key] = message.get("value")
    else:
        said.setdefault(key, message.get("value"))


def _stated(path: Path, options: Mapping[str, Any]) -> dict[str, str | None]:
    run = bare_name(path).removesuffix(".txt")
    by_folder = {"system_name": system_of(path), "run": run, "meter_id": _meter(path, run)}
    return {name: as_text(options.get(name, by_folder.get(name))) for name in _STATED}


def _meter(path: Path, run: str) -> str | None:
    """The one node that was metered in the run; of several nodes none is the meter of the whole."""
    system, nodes = system_of(path), sorted((path.parent / "power" / run).glob("node_*.txt"))
    return f"{system}/{nodes[0].stem}" if system and len(nodes) == 1 else None
