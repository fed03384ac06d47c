"""Reader of JUnit XML test reports: every test case, with the properties of its suites and its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from suanheng.flows.sources.reading.files import opened
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.junit import CONTRACT

_ROOTS = ("testsuites", "testsuite")
_OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}
_WORDS = {
    **dict.fromkeys(("run", "completed", "passed", "pass", "success", "successful", "ok", "true"), "passed"),
    **dict.fromkeys(("failed", "fail", "failure", "timeout", "timedout", "timed out", "false"), "failed"),
    **dict.fromkeys(("error", "broken", "crashed"), "error"),
    **dict.fromkeys(
        (
            *("notrun", "not_run", "not run", "not-run", "notexecuted", "not executed", "disabled", "skipped", "skip"),
            *("suppressed", "ignored", "ignore", "pending", "blocked", "untested", "inconclusive", "excluded"),
        ),
        "skipped",
    ),
}
"""Outcomes by the words that googletest, CTest, NUnit and others put into attributes instead of elements."""

_EXECUTED = {"false": "skipped", "no": "skipped", "0": "skipped"}
_WORST_FIRST = ("error", "failed", "skipped")
_PROPERTIES = {
    "subject": ("subject", "subject_name"),
    "subject_kind": ("subject_kind",),
    "subject_version": ("subject_version",),
    "sku": ("sku", "device", "device_type"),
    "is_required": ("is_required", "required"),
    "weight": ("weight",),
    "evidence_url": ("evidence_url",),
}
_DEFAULTS = {"is_required": "true", "weight": "1"}


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per test case; ``row_number`` is its ordinal in the report.

    A property of the test case counts before one of its suite, that before one of an outer suite, and all of them
    before the source.

    Raises:
        UnreadableFile: the file is not well-formed, carries a document type, or is no test report.
    """
    yield from chunks(_rows(path, options), list(CONTRACT.columns))


def _rows(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    suites: list[tuple[Mapping[str, str], dict[str, str]]] = []
    number = 0
    try:
        for event, element in _events(path):
            if event == "start":
                if element.tag in _ROOTS:
                    suites.append((dict(element.attrib), {}))
            elif element.tag == "properties" and element.getparent().tag in _ROOTS:
                for stated in element.iterfind("property"):
                    suites[-1][1].update(_property(stated))
            elif element.tag == "testcase":
                number += 1
                yield (number, *_about(element, suites, options))
                _forget(element)
            elif element.tag in _ROOTS:
                suites.pop()
                _forget(element)
    except etree.XMLSyntaxError as error:
        raise _refusal(path, str(error)) from error


def _events(path: Path) -> Iterator[tuple[str, etree._Element]]:
    """Stream the elements; a document type is refused before anything in it could take effect."""
    parser = etree.iterparse(
        opened(path),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    for event, element in parser:
        if event == "start" and element.getparent() is None:
            if element.getroottree().docinfo.doctype:
                raise _refusal(path, "a document type declaration")
            if element.tag not in _ROOTS:
                raise _refusal(path, f"a file that begins with <{etree.QName(element).localname}>")
        yield event, element


def _about(
    case: etree._Element, suites: list[tuple[Mapping[str, str], dict[str, str]]], options: Mapping[str, Any]
) -> tuple[str | None, ...]:
    stated: dict[str, str] = {}
    for _, properties in suites:
        stated |= properties
    for element in case.iterfind("properties/property"):
        stated |= _property(element)
    timestamps = [attributes.get("timestamp") for attributes, _ in suites]
    stamp = next((stamp for stamp in reversed(timestamps) if stamp), None)
    found = {
        "testsuite": suites[-1][0].get("name"),
        "classname": case.get("classname"),
        "name": case.get("name"),
        "outcome": _outcome(case),
        "tested_on": stamp[:10] if stamp else as_text(options.get("tested_on")),
        **{label: _first(stated, names, options, label) for label, names in _PROPERTIES.items()},
    }
    return tuple(found[label] for label in CONTRACT.columns)


def _outcome(case: etree._Element) -> str:
    """What came of a test: its elements count before its attributes; passed is what says nothing else.

    An attribute in a word that is not known stays as it is, for the record checks to reject: a test of which nobody can
    say whether it ran has not passed.
    """
    for child in case:
        if child.tag in _OUTCOMES:
            return _OUTCOMES[child.tag]
    said = [(case.get(name) or "").strip().lower() for name in ("status", "result")]
    found = [_WORDS.get(word, word) for word in said if word]
    if executed := _EXECUTED.get((case.get("executed") or "").strip().lower()):
        found.append(executed)
    unknown = [word for word in found if word not in _WORDS.values()]
    return next(iter(unknown), None) or next((word for word in _WORST_FIRST if word in found), "passed")


def _first(stated: Mapping[str, str], names: tuple[str, ...], options: Mapping[str, Any], label: str) -> str | None:
    for name in names:
        if name in stated:
            return stated[name]
    bound = options.get(label, _DEFAULTS.get(label))
    return str(bound).lower() if isinstance(bound, bool) else as_text(bound)


def _property(element: etree._Element) -> dict[str, str]:
    return {element.get("name", ""): element.get("value") or element.text or ""}


def _forget(element: etree._Element) -> None:
    """Free a test case and what stands before it, so that memory does not grow with the file."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not a test report",
        expected="well-formed JUnit XML that begins with <testsuites> or <testsuite>",
        got=got,
        do="Write it again, e.g. with pytest --junitxml; a run that was killed leaves half a report.",
    )
