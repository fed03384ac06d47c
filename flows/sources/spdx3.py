"""Reader of SPDX 3.0 documents in JSON-LD: every package.

Each element of the graph is read for itself by the library that knows the standard, so that a fault stays where it is;
references between elements are followed here. Contexts are never fetched. The library is loaded with the document.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import json_document
from suanheng.flows.sources.reading.sbom import day_described
from suanheng.flows.sources.reading.text import chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.spdx3 import CONTRACT

_CONTEXT = "https://spdx.org/rdf/3."
_PACKAGES = ("software_Package", "ai_AIPackage", "dataset_DatasetPackage")
_LISTED = "https://spdx.org/licenses/"
_DEPENDS = ("dependsOn", "contains", "hasDynamicLink", "hasStaticLink", "hasPrerequisite", "hasOptionalDependency")


class _Graph:
    """The readable elements of a document, by identifier."""

    def __init__(self, elements: list[Any]) -> None:
        self.packages = [element for element in elements if _type(element) in _PACKAGES]
        documents = [element for element in elements if _type(element) == "SpdxDocument"]
        self.faults = {id(element): fault for element in elements if (fault := _fault(element))}
        sound = [element for element in elements if isinstance(element, dict) and id(element) not in self.faults]
        self._by_id = {_identifier(element): element for element in sound}
        self.document = documents[0] if documents else {}
        self.creation = self.element(self.document.get("creationInfo")) if documents else {}
        self._links: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
        for element in sound:
            if "relationshipType" in element:
                self._links.setdefault((element.get("from"), element["relationshipType"]), []).append(element)

    def element(self, reference: Any) -> dict[str, Any]:
        """What a reference points at, or the element itself where it stands in place of a reference."""
        if isinstance(reference, dict):
            return reference
        return self._by_id.get(reference, {})

    def names(self, references: Any) -> str | None:
        """Names of the agents that are referred to."""
        found = [self.element(reference).get("name") for reference in _list(references)]
        return ", ".join(str(name) for name in found if name) or None

    def targets(self, identifier: Any, relationship: str) -> list[Any]:
        """What a package is related to in one way."""
        return [target for link in self._links.get((identifier, relationship), []) for target in _list(link.get("to"))]

    def licence(self, identifier: Any, relationship: str) -> str | None:
        """Licence expression of a package; ``None`` where it is not stated, or in part not as an expression."""
        terms = [self._licence_of(target) for target in self.targets(identifier, relationship)]
        if not terms or None in terms:
            return None
        if len(terms) == 1:
            return terms[0]
        return " AND ".join(f"({term})" if term and " " in term else str(term) for term in terms)

    def _licence_of(self, reference: Any) -> str | None:
        expression = self.element(reference).get("simplelicensing_licenseExpression")
        if expression is None and isinstance(reference, str):
            if reference.startswith(_LISTED):
                return reference.removeprefix(_LISTED)
            return "NONE" if reference.endswith("NoneLicense") else None
        return _words(expression)

    def states_dependencies(self, identifier: Any) -> bool:
        """Whether it is said what a package needs, or that it needs nothing."""
        needed = [target for relationship in _DEPENDS for target in self.targets(identifier, relationship)]
        return any(not str(target).endswith("NoAssertionElement") for target in needed)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per package; ``row_number`` is its ordinal among the packages of the document.

    A package that breaks the standard is unreadable, the others are read.

    Raises:
        UnreadableFile: no JSON, no SPDX 3.0, or no day that the document describes.
    """
    graph = _Graph(_elements(path))
    created = _words(graph.creation.get("created"))
    shared = (
        _words(graph.creation.get("specVersion")),
        created,
        day_described(path, created, options, "creationInfo of the SpdxDocument"),
        graph.names(graph.creation.get("createdBy")),
        _words(_identifier(graph.document)),
        _words(graph.document.get("name")),
    )
    yield from chunks(_rows(graph, shared), list(CONTRACT.columns))


def _elements(path: Path) -> list[Any]:
    document = json_document(path, partial(_refusal, path))
    if not isinstance(document, dict) or not any(
        str(context).startswith(_CONTEXT) for context in _list(document.get("@context"))
    ):
        raise _refusal(path, f"JSON without a @context that begins with {_CONTEXT}")
    alone = {label: value for label, value in document.items() if label != "@context"}
    return _list(document.get("@graph", alone))


def _rows(graph: _Graph, shared: tuple[str | None, ...]) -> Iterator[tuple[Any, ...] | Unreadable]:
    for number, package in enumerate(graph.packages, start=1):
        if fault := graph.faults.get(id(package)):
            yield Unreadable(number, "spdx_schema", fault, json.dumps(package, ensure_ascii=False))
        else:
            yield (number, *shared, *_about(package, graph))


def _about(package: dict[str, Any], graph: _Graph) -> tuple[str | None, ...]:
    identifier = _identifier(package)
    return (
        _type(package),
        _words(identifier),
        _words(package.get("name")),
        _words(package.get("software_packageVersion")),
        graph.names(package.get("suppliedBy")),
        graph.names(package.get("originatedBy")),
        graph.licence(identifier, "hasConcludedLicense"),
        graph.licence(identifier, "hasDeclaredLicense"),
        _words(package.get("software_primaryPurpose")),
        _words(package.get("software_packageUrl")),
        _external_identifier(package),
        str(graph.states_dependencies(identifier)).lower(),
    )


def _external_identifier(package: dict[str, Any]) -> str | None:
    stated = {
        entry.get("externalIdentifierType"): _words(entry.get("identifier"))
        for entry in _list(package.get("externalIdentifier"))
        if isinstance(entry, dict)
    }
    return stated.get("packageUrl") or stated.get("cpe23") or stated.get("cpe22")


def _fault(element: Any) -> str | None:
    """What the library finds wrong with one element."""
    from spdx_python_model.bindings import v3_0_1 as standard

    try:
        standard.JSONLDDeserializer().deserialize_data({"@graph": [element]}, standard.SHACLObjectSet())
    except Exception as error:
        # The library raises whatever Python says about what it finds.
        return f"{_type(element)}: {error}"
    return None


def _type(element: Any) -> str | None:
    return _words(element.get("type") or element.get("@type")) if isinstance(element, dict) else None


def _identifier(element: dict[str, Any]) -> Any:
    return element.get("spdxId") or element.get("@id")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _words(value: Any) -> str | None:
    return None if value is None else str(value)


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not an SPDX document this reader knows",
        expected="SPDX 3.0 in JSON-LD",
        got=got,
        do="Export it anew; bind SPDX 2 to format spdx.",
    )
