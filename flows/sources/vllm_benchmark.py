"""Results of ``vllm bench serve`` and of ``benchmark_serving.py`` before it: one JSON object a run."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import whole
from suanheng.flows.sources.reading.json_items import cell
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.vllm_benchmark import CONTRACT, STATED

_BLANKS = re.compile(r"\s*")
_SAID = tuple(label for label in CONTRACT.columns if label not in STATED)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the runs of a file, which holds one, or one a line where runs were appended; rows count from 1.

    Lists over single requests, which ``--save-detailed`` adds, are not read.

    Args:
        path: the JSON file.
        options: ``system_name``, required; ``sku``, ``device_count``, ``precision``.

    Raises:
        UnreadableFile: the file holds no result, or the source names no system.
    """
    if "system_name" not in options:
        raise UnreadableFile(
            f"Nothing says which system {path.name} was measured on",
            expected="system_name in the source",
            got="no such option",
            do="Add options = { system_name = '…' } to the [[source]] in sources.toml.",
        )
    stated = [as_text(options.get(name)) for name in STATED]
    yield from chunks(_records(path, stated), (*_SAID, *STATED))


def _records(path: Path, stated: list[str | None]) -> Iterator[tuple[Any, ...] | Unreadable]:
    for number, result in enumerate(_documents(path), start=1):
        if isinstance(result, dict) and "request_throughput" in result:
            yield number, *(cell(result.get(label)) for label in _SAID), *stated
        else:
            yield Unreadable(
                number, "no_result", "expected an object with request_throughput", json.dumps(result)[:10_000]
            )


def _documents(path: Path) -> Iterator[Any]:
    """JSON documents that follow one another."""
    decoder, position = json.JSONDecoder(), 0
    try:
        text = whole(path).decode("utf-8-sig").strip()
        while position < len(text):
            document, position = decoder.raw_decode(text, position)
            yield document
            position = _BLANKS.match(text, position).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(
            f"{path.name} holds no result of vllm bench serve",
            expected="a JSON object with request_throughput, or several",
            got=f"no JSON: {error}",
            do="Bind the file that --save-result wrote.",
        ) from None
