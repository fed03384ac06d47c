"""Job archive of ClusterCockpit: a ``meta.json`` per job, its series in ``data.json.gz`` or ``data.json`` beside it."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import ijson

from suanheng.flows.sources.reading.files import json_document, opened
from suanheng.flows.sources.reading.json_items import cell, events, inside, instant_text
from suanheng.flows.sources.reading.text import chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_OF_JOB = (
    *("jobId", "arrayJobId", "cluster", "subCluster", "partition", "project", "user", "jobState"),
    *("numNodes", "numAcc", "numHwthreads", "submitTime", "startTime", "stopTime", "duration", "walltime"),
)
_TIMES = ("submitTime", "startTime", "stopTime")
_OF_METRIC = ("metric", "unit", "series_unit", "min", "avg", "max")
_UNIT = re.compile(r"(?P<metric>.+)\.[^.]+\.unit\.(?P<part>base|prefix)")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read a job and what the archive says of each of its metrics.

    Row 1 is the job, with no metric; the rows below are its metrics in the order of ``statistics``, each with the unit
    that its series in the file beside it are in.

    Args:
        path: the ``meta.json`` of a job.
        options: none.

    Raises:
        UnreadableFile: the file describes no job, or the file beside it is broken.
    """
    meta = json_document(path, partial(_refusal, path))
    if not isinstance(meta, dict) or not {"jobId", "cluster", "startTime"} <= meta.keys():
        raise _refusal(path, "other JSON")
    yield from chunks(_records(meta, _series_units(path)), (*_OF_JOB, *_OF_METRIC))


def _records(meta: Mapping[str, Any], series_units: Mapping[str, str]) -> Iterator[tuple[Any, ...] | Unreadable]:
    job = [instant_text(meta.get(label)) if label in _TIMES else cell(meta.get(label)) for label in _OF_JOB]
    yield 1, *job, *(None for _ in _OF_METRIC)
    statistics = meta.get("statistics")
    metrics = statistics if isinstance(statistics, dict) else {}
    for number, (metric, figures) in enumerate(metrics.items(), start=2):
        if isinstance(figures, Mapping):
            unit = _unit(inside(figures, "unit", "prefix"), inside(figures, "unit", "base"))
            bounds = (cell(figures.get(label)) for label in ("min", "avg", "max"))
            yield number, *job, metric, cell(unit), series_units.get(metric), *bounds
        else:
            yield Unreadable(number, "no_object", f"statistics of {metric} should be a JSON object", str(figures))


def _series_units(path: Path) -> dict[str, str]:
    """Unit of each metric in the file of series, which may be large; nothing where no such file is beside."""
    beside = next(
        (path.with_name(name) for name in ("data.json.gz", "data.json") if path.with_name(name).exists()), None
    )
    if beside is None:
        return {}
    parts: dict[str, dict[str, str]] = {}
    try:
        with opened(beside) as file:
            for prefix, event, value in events(file):
                if event == "string" and (found := _UNIT.fullmatch(prefix)):
                    parts.setdefault(found["metric"], {})[found["part"]] = value
    except ijson.JSONError as error:
        raise UnreadableFile(
            f"{beside.name} beside {path.name} cannot be read",
            expected="the series of the job as JSON, or no such file",
            got=str(error).splitlines()[0],
            do="Copy the job's folder from the archive again.",
        ) from None
    return {metric: _unit(unit.get("prefix"), unit.get("base")) for metric, unit in parts.items()}


def _unit(prefix: str | None, base: str | None) -> str:
    return f"{prefix or ''}{base or ''}"


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} describes no job of ClusterCockpit",
        expected="a JSON object with jobId, cluster and startTime",
        got=got,
        do="Bind the archive's meta.json files (glob …/**/meta.json).",
    )
