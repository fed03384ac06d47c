"""Reader of ML.ENERGY leaderboard results: one JSON file per model and task, many configurations in each."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.files import json_document
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.ml_energy import CONTRACT

CHUNK_ROWS = 50_000
_SCHEMA = {"row_number": pl.Int64} | dict.fromkeys(CONTRACT.columns, pl.String)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per configuration, with what the file says of the model beside it.

    ``row_number`` is the ordinal of the configuration. Histograms of output lengths are not read.

    Raises:
        UnreadableFile: the file is the leaderboard's index or no result file, or the source names no day.
    """
    document = _document(path)
    shared = {name: value for name, value in document.items() if name != "configurations"}
    shared["measured_on"] = _measured_on(path, options)
    configurations = document["configurations"]
    for start in range(0, len(configurations), CHUNK_ROWS):
        part = list(enumerate(configurations[start : start + CHUNK_ROWS], start=start + 1))
        rows = [
            {"row_number": number} | _as_text(shared | configuration)
            for number, configuration in part
            if isinstance(configuration, dict)
        ]
        unreadable = [
            Unreadable(number, "no_object", "a configuration should be a JSON object", json.dumps(configuration))
            for number, configuration in part
            if not isinstance(configuration, dict)
        ]
        yield Chunk(pl.DataFrame(rows, schema=_SCHEMA), unreadable)


def _document(path: Path) -> dict[str, Any]:
    document = json_document(path, partial(_refusal, path))
    keys = document if isinstance(document, dict) else {}
    if not isinstance(keys.get("configurations"), list):
        is_index = {"models", "last_updated"} <= set(keys)
        raise _refusal(path, "the leaderboard's index, which holds no measurements" if is_index else "other JSON")
    return document


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} holds no ML.ENERGY results",
        expected="an object with model_id, task and a list of configurations",
        got=got,
        do="Bind the files in the leaderboard's models folder (glob models/*.json) and leave index.json out.",
    )


def _measured_on(path: Path, options: Mapping[str, Any]) -> str:
    if "measured_on" not in options:
        raise UnreadableFile(
            f"Nothing says when the results in {path.name} were measured",
            expected="measured_on in the source",
            got="no such option",
            do="Add options = { measured_on = 'YYYY-MM-DD' } to the source in sources.toml.",
        )
    return str(options["measured_on"])


def _as_text(values: Mapping[str, Any]) -> dict[str, str | None]:
    flat = dict(values)
    parallel = flat.get("parallelization")
    for name, value in (parallel if isinstance(parallel, dict) else {}).items():
        flat[f"parallelization.{name}"] = value
    return {name: None if flat.get(name) is None else str(flat[name]) for name in CONTRACT.columns}
