"""Reader of CycloneDX bills of materials in JSON: every component, however deep it is nested."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonValidator

from suanheng.flows.sources.reading.files import json_document
from suanheng.flows.sources.reading.sbom import day_described, spdx_licence
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.cyclonedx import CONTRACT

CHUNK_ROWS = 50_000
SPEC_VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")
_DEVICE_PROPERTIES = ("cdx:device:quantity", "cdx:device:function", "cdx:device:location", "cdx:device:deviceType")
_PLAIN = ("type", "bom-ref", "name", "version", "description", "publisher", "purl", "cpe")

Place = tuple[str | int, ...]
"""Where a component stands in the document, e.g. ``("components", 2, "components", 0)``."""


@dataclass(frozen=True)
class _Component:
    place: Place
    content: Any
    enclosing_quantity: float | None


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per component; ``row_number`` is its ordinal in document order, nested components included.

    The document is held to the CycloneDX schema of its own version. A component with a fault is unreadable, the
    others are read; faults outside the components touch no row.

    Raises:
        UnreadableFile: no JSON, no CycloneDX, an unknown version, or no day that the document describes.
    """
    document = _document(path)
    shared = _about_document(document, path, options)
    stated = {_words(entry.get("ref")) for entry in _dicts(document.get("dependencies"))}
    components = list(_components(document, (), 1.0))
    faults = _faults(document, {component.place for component in components})
    for start in range(0, len(components), CHUNK_ROWS):
        rows, unreadable = [], []
        for number, component in enumerate(components[start : start + CHUNK_ROWS], start=start + 1):
            if component.place in faults:
                unreadable.append(_unreadable(number, component, faults[component.place]))
            else:
                rows.append({"row_number": number, **shared, **_about(component, stated)})
        yield Chunk(pl.DataFrame(rows, schema=_SCHEMA), unreadable)


_SCHEMA = {"row_number": pl.Int64} | dict.fromkeys(CONTRACT.columns, pl.String)


def _document(path: Path) -> dict[str, Any]:
    document = json_document(path, partial(_refusal, path))
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        raise _refusal(path, "JSON without bomFormat 'CycloneDX'")
    if document.get("specVersion") not in SPEC_VERSIONS:
        raise _refusal(path, f"specVersion {document.get('specVersion')!r}")
    return document


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not a bill of materials this reader knows",
        expected=f"CycloneDX JSON, version {SPEC_VERSIONS[0]} to {SPEC_VERSIONS[-1]}",
        got=got,
        do="Convert it with the CycloneDX command line: cyclonedx convert --output-version v1_6 --output-format json.",
    )


def _about_document(document: dict[str, Any], path: Path, options: Mapping[str, Any]) -> dict[str, str | None]:
    metadata = _dict(document.get("metadata"))
    timestamp = _words(metadata.get("timestamp"))
    authors = [_words(author.get("name")) for author in _dicts(metadata.get("authors"))]
    makers = [_name(metadata, role) for role in ("manufacturer", "manufacture", "supplier")]
    return {
        "specVersion": document["specVersion"],
        "serialNumber": _words(document.get("serialNumber")),
        "metadata.timestamp": timestamp,
        "observed_on": day_described(path, timestamp, options, "metadata.timestamp"),
        "metadata.component.name": _words(options.get("asset_sku")) or _name(metadata, "component"),
        "metadata.authors": ", ".join(name for name in authors if name) or next(filter(None, makers), None),
    }


def _components(parent: dict[str, Any], place: Place, quantity: float | None) -> Iterator[_Component]:
    children = parent.get("components")
    for position, content in enumerate(children if isinstance(children, list) else []):
        here = (*place, "components", position)
        yield _Component(here, content, quantity)
        if isinstance(content, dict):
            yield from _components(content, here, _times(quantity, _property(content, "cdx:device:quantity")))


def _times(quantity: float | None, pieces: str | None) -> float | None:
    """Pieces of a component, per asset; one that is listed without a quantity is listed piece by piece."""
    try:
        return None if quantity is None else quantity * (1.0 if pieces is None else float(pieces))
    except ValueError:
        return None


def _faults(document: dict[str, Any], places: set[Place]) -> dict[Place, str]:
    """What the CycloneDX schema finds wrong, by the innermost component that the fault is in."""
    validator = JsonValidator(SchemaVersion.from_version(document["specVersion"]))
    faults: dict[Place, list[str]] = {}
    for error in validator.validate_str(json.dumps(document), all_errors=True) or ():
        if error.data.validator == "uniqueItems":
            # Equal parts that are listed one by one are as many as are listed.
            continue
        where = tuple(error.data.absolute_path)
        inside = max((where[:length] for length in range(len(where) + 1) if where[:length] in places), default=None)
        if inside is not None:
            faults.setdefault(inside, []).append(error.data.message)
    return {place: "; ".join(messages) for place, messages in faults.items()}


def _unreadable(number: int, component: _Component, message: str) -> Unreadable:
    record = component.content
    if isinstance(record, dict):
        record = {name: value for name, value in record.items() if name != "components"}
    return Unreadable(number, "cyclonedx_schema", message, json.dumps(record, ensure_ascii=False))


def _about(component: _Component, stated: set[Any]) -> dict[str, str | None]:
    content = component.content
    quantity = component.enclosing_quantity
    return {
        **{label: _words(content.get(label)) for label in _PLAIN},
        **{label: _property(content, label) for label in _DEVICE_PROPERTIES},
        "supplier.name": _name(content, "supplier"),
        "manufacturer.name": _name(content, "manufacturer"),
        "licenses": _licences(content),
        "enclosing quantity": None if quantity is None else str(quantity),
        "dependencies stated": "true" if _words(content.get("bom-ref")) in stated else "false",
    }


def _licences(component: dict[str, Any]) -> str | None:
    """All licences as one SPDX expression; several entries all apply."""
    terms = []
    for entry in _dicts(component.get("licenses")):
        licence = _dict(entry.get("license"))
        name = _words(licence.get("name"))
        term = (
            _words(entry.get("expression"))
            or _words(licence.get("id"))
            or spdx_licence(name)
            or spdx_licence(_words(licence.get("url")))
            or _reference(name)
        )
        if term:
            terms.append(term)
    if len(terms) > 1:
        terms = [f"({term})" if " " in term else term for term in terms]
    return " AND ".join(terms) or None


def _reference(name: str | None) -> str | None:
    """A licence outside the SPDX list, in the spelling that SPDX gives to such names."""
    return f"LicenseRef-{re.sub('[^A-Za-z0-9.]+', '-', name).strip('-')}" if name else None


def _property(component: dict[str, Any], name: str) -> str | None:
    return next(
        (_words(entry.get("value")) for entry in _dicts(component.get("properties")) if entry.get("name") == name), None
    )


def _name(parent: dict[str, Any], role: str) -> str | None:
    return _words(_dict(parent.get(role)).get("name"))


def _words(value: Any) -> str | None:
    return None if value is None else str(value).strip() or None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
