"""Slurm accounting records as JSON: ``sacct --json``, in the shapes of its data parsers 0.0.37 to 0.0.46."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson

from suanheng.flows.sources.reading.files import opened
from suanheng.flows.sources.reading.json_items import cell, events, inside, instant_text
from suanheng.flows.sources.reading.text import chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.sacct_json import CONTRACT

_LABELS = tuple(CONTRACT.columns)
_TIMES = ("time.submission", "time.eligible", "time.start", "time.end")
_TRES = ("tres.requested", "tres.allocated")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read jobs one by one; ``row_number`` is the ordinal of a job in ``jobs``.

    Columns are named by the path to a value, e.g. ``time.submission``. Steps, which are inside their job, are not read.

    Args:
        path: what ``sacct --json`` printed, of any size.
        options: none.

    Raises:
        UnreadableFile: the file is no JSON, is cut off, or holds no list ``jobs``.
    """
    yield from chunks(_records(path), _LABELS)


def _records(path: Path) -> Iterator[tuple[Any, ...] | Unreadable]:
    has_jobs = False
    try:
        with opened(path) as file:
            for number, job in enumerate(ijson.items(events(file), "jobs.item"), start=1):
                has_jobs = True
                if isinstance(job, Mapping):
                    yield number, *(_value(job, label) for label in _LABELS)
                else:
                    yield Unreadable(number, "no_object", "a job should be a JSON object", str(job))
    except ijson.JSONError as error:
        raise _refusal(path, f"no whole JSON document: {error}") from None
    if not has_jobs and not _holds_list(path):
        raise _refusal(path, "JSON without a list of jobs")


def _holds_list(path: Path) -> bool:
    with opened(path) as file:
        return any(prefix == "jobs" and event == "start_array" for prefix, event, _ in events(file))


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} holds no accounting records of Slurm",
        expected="what sacct --json prints: an object with a list named jobs",
        got=got,
        do="Run sacct --json again, with --allusers and --duplicates, and keep all of its output.",
    )


def _value(job: Mapping[str, Any], label: str) -> str | None:
    value = _plain(inside(job, *label.split(".")))
    if label in _TIMES:
        # Slurm writes 0 for a time that has not come.
        return instant_text(value) if value else None
    if label in _TRES:
        return _resources(value)
    if label == "state.current" and isinstance(value, list):
        return cell(value[0] if value else None)
    return cell(value)


def _plain(value: Any) -> Any:
    """A number that newer data parsers wrap as ``{"set": …, "infinite": …, "number": …}``."""
    if isinstance(value, Mapping) and {"set", "number"} <= value.keys():
        return value["number"] if value["set"] and not value.get("infinite") else None
    return value


def _resources(resources: Any) -> str | None:
    """A list of trackable resources in the words of ``sacct``: ``cpu=8,gres/gpu:a100=2``; memory is in MB."""
    if not isinstance(resources, list):
        return cell(resources)
    return cell(",".join(_resource(part) for part in resources if isinstance(part, Mapping)))


def _resource(part: Mapping[str, Any]) -> str:
    name = f"/{part['name']}" if part.get("name") else ""
    unit = "M" if part.get("type") == "mem" else ""
    return f"{part.get('type')}{name}={part.get('count')}{unit}"
