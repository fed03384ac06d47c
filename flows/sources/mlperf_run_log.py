"""Detail logs of LoadGen in an MLPerf submission (mlperf_log_detail.txt): one run, one JSON message a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.mlperf import place
from suanheng.flows.sources.reading.text import as_text, chunks, lines
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_PREFIX = ":::MLLOG "
_LOGGED = (
    "loadgen_version",
    "sut_name",
    "requested_scenario",
    "requested_test_mode",
    "power_begin",
    "power_end",
    "result_validity",
    "result_samples_per_second",
    "result_completed_samples_per_sec",
    "result_tokens_per_second",
    "result_inferred_tokens_per_second",
    "result_completed_tokens_per_second",
    "result_inferred_completed_tokens_per_second",
)
_STATED = ("system_name", "benchmark", "meter_id", "sku", "device_count", "precision")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the one run of a log; it is row 1. A log with a broken line is an unreadable run.

    Args:
        path: ``<system>/<benchmark>/<scenario>/performance/…/mlperf_log_detail.txt``.
        options: ``system_name``, ``benchmark`` and ``meter_id`` where the folders do not say them; ``sku``,
            ``device_count``, ``precision``, ``encoding``.

    Raises:
        UnreadableFile: no line is a message of LoadGen.
    """
    yield from chunks([_run(path, options)], (*_LOGGED, *_STATED))


def _run(path: Path, options: Mapping[str, Any]) -> tuple[Any, ...] | Unreadable:
    said: dict[str, str] = {}
    for number, line in lines(path, options):
        if not line.strip():
            continue
        if not line.startswith(_PREFIX):
            if said:
                return _broken(number, "is no message of LoadGen", line)
            break
        try:
            message = json.loads(line.removeprefix(_PREFIX))
            said[message["key"]] = str(message["value"])
        except (ValueError, KeyError, TypeError) as error:
            return _broken(number, f"cannot be read: {error}", line)
    if not said:
        raise UnreadableFile(
            f"{path.name} is not a detail log of LoadGen",
            expected=f"lines that begin with {_PREFIX.strip()}",
            got="none",
            do="Bind mlperf_log_detail.txt, not mlperf_log_summary.txt.",
        )
    return 1, *map(said.get, _LOGGED), *(as_text(value) for value in _stated(path, options))


def _broken(number: int, problem: str, line: str) -> Unreadable:
    return Unreadable(1, "broken_message", f"line {number} {problem}, so the log's figures cannot be relied on", line)


def _stated(path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
    system, benchmark, _ = place(path)
    by_folder = {"system_name": system, "benchmark": benchmark, "meter_id": system}
    for name in _STATED:
        yield options.get(name, by_folder.get(name))
