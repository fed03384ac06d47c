"""System descriptions of MLPerf submissions: a JSON object of free text."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import json_document
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, UnreadableFile

_DESCRIBED = (
    "submitter",
    "system_name",
    "number_of_nodes",
    "accelerators_per_node",
    "accelerator_model_name",
    "host_processor_model_name",
    "host_processors_per_node",
)
_STATED = ("in_service_from", "accelerator_sku", "rated_power_w")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the one system a file describes; it is row 1.

    Args:
        path: ``<system>.json``; the file's name is the system's id within a submission.
        options: ``in_service_from`` (required: a description says nothing of when), ``accelerator_sku``,
            ``rated_power_w``.

    Raises:
        UnreadableFile: the file is no such description, or ``in_service_from`` is missing.
    """
    if "in_service_from" not in options:
        raise UnreadableFile(
            f"{path.name} does not say since when the system is in service",
            expected="option in_service_from",
            got="no such option",
            do="Add options = { in_service_from = 2024-07-01 } to the [[source]] in sources.toml.",
        )
    described = _description(path)
    values = (as_text(described.get(label)) for label in _DESCRIBED)
    stated = (as_text(options.get(label)) for label in _STATED)
    yield from chunks([(1, path.stem, *values, *stated)], ("system_desc_id", *_DESCRIBED, *_STATED))


def _description(path: Path) -> dict[str, Any]:
    described = json_document(path, partial(_refusal, path))
    if isinstance(described, dict) and {"submitter", "system_name"} <= set(described):
        return described
    raise _refusal(path, f"JSON without {' and '.join(_DESCRIBED[:2])}")


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not a system description",
        expected="a JSON object with submitter, system_name, number_of_nodes, accelerators_per_node",
        got=got,
        do="Bind the systems/<system>.json of the submission.",
    )
