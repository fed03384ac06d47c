"""Reader of PACT product footprints in JSON: one, a list of them, or an event that carries some."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import json_document
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.pact_footprint import CONTRACT


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per footprint; ``row_number`` is its ordinal in the document.

    Args:
        path: what ListFootprints or GetFootprint answered, an event, or a footprint by itself.
        options: ``skus``.

    Raises:
        UnreadableFile: no JSON, or no footprint in it.
    """
    skus = options.get("skus", {})
    yield from chunks(_rows(_footprints(path), skus), list(CONTRACT.columns))


def _footprints(path: Path) -> list[Any]:
    document = json_document(path, partial(_refusal, path))
    if not isinstance(document, dict):
        raise _refusal(path, "JSON that is no object")
    found = document if "pcf" in document else document.get("data")
    if isinstance(found, dict) and "pfs" in found:
        found = found["pfs"]
    if not isinstance(found, dict | list):
        raise _refusal(path, f"JSON with {', '.join(document) or 'nothing in it'}")
    return found if isinstance(found, list) else [found]


def _rows(footprints: list[Any], skus: Mapping[str, str]) -> Iterator[tuple[Any, ...] | Unreadable]:
    for number, footprint in enumerate(footprints, start=1):
        if isinstance(footprint, dict) and isinstance(footprint.get("pcf"), dict):
            yield (number, *(_value(footprint, label, skus) for label in CONTRACT.columns))
        else:
            record = json.dumps(footprint, ensure_ascii=False)
            yield Unreadable(number, "pact_schema", "a product footprint is an object that holds pcf", record)


def _value(footprint: dict[str, Any], label: str, skus: Mapping[str, str]) -> str | None:
    identifiers = [str(entry) for entry in _list(footprint.get("productIds"))]
    if label == "sku":
        known = [skus[name] for name in (str(footprint.get("productNameCompany")), *identifiers) if name in skus]
        return known[0] if known else None
    if label == "productIds":
        return ", ".join(identifiers) or None
    value: Any = footprint
    for step in label.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return as_text(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} holds no product footprint",
        expected="JSON of PACT version 3: a ProductFootprint, or data that holds one or several",
        got=got,
        do="Ask the supplier's API for /3/footprints, or the supplier for the file.",
    )
