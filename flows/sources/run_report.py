"""Reports of training and serving runs: our own flat schema, as JSON or as JSON lines."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import bare_name, json_document
from suanheng.flows.sources.reading.json_items import cell
from suanheng.flows.sources.reading.text import chunks, lines
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.run_report import CONTRACT

_FIELDS = tuple(CONTRACT.columns)
_LINES = (".jsonl", ".ndjson")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read reports: one a line where the name ends in ``.jsonl`` or ``.ndjson``, else a report or a list of them.

    ``row_number`` is the line, or the ordinal in the list. A report with a field that the schema does not know is
    unreadable: a misspelt field would else be missed without a word.

    Args:
        path: the file.
        options: ``encoding`` of JSON lines.

    Raises:
        UnreadableFile: the file is no JSON, or holds neither an object nor a list.
    """
    found = _in_lines(path, options) if bare_name(path).endswith(_LINES) else _in_document(path)
    yield from chunks((_record(number, report) for number, report in found), _FIELDS)


def _in_lines(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    for number, line in lines(path, options):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, Unreadable(number, "no_json", f"the line is no JSON: {error}", line)


def _in_document(path: Path) -> Iterator[tuple[int, Any]]:
    document = json_document(path, partial(_refusal, path))
    if not isinstance(document, dict | list):
        raise _refusal(path, "a single value")
    yield from enumerate(document if isinstance(document, list) else [document], start=1)


def _record(number: int, report: Any) -> tuple[Any, ...] | Unreadable:
    if isinstance(report, Unreadable):
        return report
    if not isinstance(report, dict):
        return Unreadable(number, "no_object", "a report should be a JSON object", json.dumps(report))
    if unknown := sorted(report.keys() - set(_FIELDS)):
        message = f"unknown field {', '.join(unknown)}; the fields are {', '.join(_FIELDS)}"
        return Unreadable(number, "unknown_field", message, json.dumps(report, ensure_ascii=False))
    return number, *(cell(report.get(field)) for field in _FIELDS)


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} holds no run reports",
        expected="a report as a JSON object, a list of them, or one a line in a file that ends in .jsonl",
        got=got,
        do="Write the reports as the page of run_report in the manual shows.",
    )
