"""Reader of SPDX documents of version 2.2 and 2.3, in JSON or tag-value: every package.

The library that knows the standard takes a second to load, so it is loaded when a document is read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suanheng.flows.sources.reading.files import json_document, whole
from suanheng.flows.sources.reading.sbom import day_described
from suanheng.flows.sources.reading.text import chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

if TYPE_CHECKING:
    from spdx_tools.spdx.model import Package, Relationship

SPEC_VERSIONS = ("SPDX-2.2", "SPDX-2.3")
_SHARED = (
    "spdxVersion",
    "documentNamespace",
    "document name",
    "creationInfo.created",
    "observed_on",
    "creationInfo.creators",
)
_OWN = (
    *("SPDXID", "name", "versionInfo", "supplier", "originator", "licenseConcluded", "licenseDeclared"),
    *("primaryPackagePurpose", "purl", "cpe", "dependencies stated"),
)
_DEPENDENT_FIRST = {"DEPENDS_ON", "CONTAINS", "STATIC_LINK", "DYNAMIC_LINK", "HAS_PREREQUISITE"}
_DEPENDENT_SECOND = {
    *("DEPENDENCY_OF", "BUILD_DEPENDENCY_OF", "DEV_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF"),
    *("PROVIDED_DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "TEST_DEPENDENCY_OF", "CONTAINED_BY", "PREREQUISITE_FOR"),
}
"""Relationships by which a package says what it needs: as the first or as the second of the two."""


@dataclass(frozen=True)
class _Faulty:
    """A package that breaks the standard."""

    message: str
    record: str


@dataclass(frozen=True)
class _Document:
    version: str | None
    namespace: str | None
    name: str | None
    created: str | None
    creators: list[str]
    packages: Iterable["Package | _Faulty"]
    relationships: Iterable["Relationship"]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per package; ``row_number`` is its ordinal in document order.

    In JSON a package with a fault is unreadable and the others are read.

    Raises:
        UnreadableFile: no SPDX 2.2 or 2.3, no day that the document describes, or a fault in a tag-value document.
    """
    document = _of_json(path) if _looks_like_json(path) else _of_tag_value(path, options)
    if document.version not in SPEC_VERSIONS:
        raise _refusal(path, f"spdxVersion {document.version!r}")
    shared = (
        document.version,
        document.namespace,
        document.name,
        document.created,
        day_described(path, document.created, options, "creationInfo.created"),
        ", ".join(document.creators) or None,
    )
    dependents = {identifier for link in document.relationships for identifier in _dependents(link)}
    yield from chunks(_rows(document.packages, shared, dependents), (*_SHARED, *_OWN))


def _looks_like_json(path: Path) -> bool:
    return whole(path).decode("utf-8-sig", errors="replace").lstrip().startswith(("{", "["))


def _rows(
    packages: Iterable["Package | _Faulty"], shared: tuple[str | None, ...], dependents: set[str]
) -> Iterator[tuple[Any, ...] | Unreadable]:
    for number, package in enumerate(packages, start=1):
        if isinstance(package, _Faulty):
            yield Unreadable(number, "spdx_schema", package.message, package.record)
        else:
            yield (number, *shared, *_about(package, dependents))


def _about(package: "Package", dependents: set[str]) -> tuple[str | None, ...]:
    references = {reference.reference_type: reference.locator for reference in package.external_references}
    purpose = package.primary_package_purpose
    return (
        package.spdx_id,
        package.name,
        package.version,
        _words(package.supplier),
        _words(package.originator),
        _words(package.license_concluded),
        _words(package.license_declared),
        purpose.name if purpose else None,
        references.get("purl"),
        references.get("cpe23Type") or references.get("cpe22Type"),
        str(package.spdx_id in dependents).lower(),
    )


def _words(value: Any) -> str | None:
    return None if value is None else str(value)


def _dependents(link: "Relationship") -> Iterator[str]:
    """The element that the relationship says to need something, or to need nothing (NONE)."""
    if str(link.related_spdx_element_id) == "NOASSERTION":
        return
    if link.relationship_type.name in _DEPENDENT_FIRST:
        yield link.spdx_element_id
    if link.relationship_type.name in _DEPENDENT_SECOND:
        yield str(link.related_spdx_element_id)


def _of_json(path: Path) -> _Document:
    content = json_document(path, partial(_refusal, path))
    if not isinstance(content, dict) or "spdxVersion" not in content:
        raise _refusal(path, "JSON without spdxVersion")
    creation = content.get("creationInfo")
    creation = creation if isinstance(creation, dict) else {}
    return _Document(
        _words(content["spdxVersion"]),
        _words(content.get("documentNamespace")),
        _words(content.get("name")),
        _words(creation.get("created")),
        [str(creator) for creator in _items(creation, "creators")],
        _packages(_items(content, "packages")),
        _relationships(_items(content, "relationships")),
    )


def _packages(records: list[Any]) -> Iterator["Package | _Faulty"]:
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.jsonlikedict.package_parser import PackageParser

    for record in records:
        parser = PackageParser()
        try:
            package = parser.parse_package(record)
            if messages := parser.logger.get_messages():
                raise SPDXParsingError(messages)
            yield package
        except (SPDXParsingError, AttributeError, TypeError) as error:
            said = error.get_messages() if isinstance(error, SPDXParsingError) else ["not an object as SPDX has it"]
            yield _Faulty("; ".join(said), json.dumps(record, ensure_ascii=False))


def _relationships(records: list[Any]) -> Iterator["Relationship"]:
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.jsonlikedict.relationship_parser import RelationshipParser

    parser = RelationshipParser()
    for record in records:
        try:
            yield parser.parse_relationship(record)
        except (SPDXParsingError, AttributeError, TypeError):
            continue


def _of_tag_value(path: Path, options: Mapping[str, Any]) -> _Document:
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.tagvalue.parser import Parser

    encoding = options.get("encoding", "utf-8")
    try:
        text = whole(path).decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
        if "SPDXVersion:" not in text:
            raise _refusal(path, "text without SPDXVersion")
        document = Parser(write_tables=False, debug=False).parse(text)
    except UnicodeDecodeError as error:
        raise _refusal(path, f"text that is not {encoding}: {error.reason}") from None
    except SPDXParsingError as error:
        raise _refusal(path, "; ".join(error.get_messages())) from None
    creation = document.creation_info
    return _Document(
        creation.spdx_version,
        creation.document_namespace,
        creation.name,
        f"{creation.created.isoformat()}Z",
        [str(creator) for creator in creation.creators],
        document.packages,
        document.relationships,
    )


def _items(parent: dict[str, Any], label: str) -> list[Any]:
    items = parent.get(label)
    return items if isinstance(items, list) else []


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not an SPDX document this reader knows",
        expected="SPDX 2.2 or 2.3 in JSON or tag-value",
        got=got,
        do="Export it anew; bind SPDX 3 to format spdx3.",
    )
