"""Reader of Green Button usage data: an Atom feed of ESPI resources that point at each other by link."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from lxml import etree

from suanheng.flows.sources.reading.files import opened
from suanheng.schemas.checking.records import Chunk, UnreadableFile
from suanheng.schemas.raw.green_button import CONTRACT

CHUNK_ROWS = 50_000
_ATOM = "{http://www.w3.org/2005/Atom}"
_ESPI = "{http://naesb.org/espi}"
_LINKED = ("UsagePoint", "MeterReading", "ReadingType")
_READING_TYPE = (
    "accumulationBehaviour",
    "commodity",
    "currency",
    "dataQualifier",
    "flowDirection",
    "kind",
    "powerOfTenMultiplier",
    "uom",
)

Record = dict[str, str | None]


@dataclass(frozen=True)
class _Entry:
    """One Atom entry without its readings: what it is, what it is called, and what it points at."""

    resource: str
    title: str | None
    address: str
    above: str
    related: frozenset[str]
    content: Mapping[str, str | None] = field(default_factory=dict)

    def holds(self, other: "_Entry") -> bool:
        """Whether the other entry belongs to this one, by link or by address."""
        linked = not self.related.isdisjoint({other.address, other.above})
        return linked or (bool(self.address) and other.address.startswith(f"{self.address}/"))


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per interval reading, joined with its usage point and its reading type.

    The file is read twice, because a reading may stand before the type it is linked to; readings never pile up in
    memory. ``row_number`` is the ordinal of the interval reading in the file.

    Raises:
        UnreadableFile: the file is not well-formed, carries a document type, or is no feed of ESPI resources.
    """
    entries = [_entry(element) for element in _elements(path, "entry", "IntervalReading")]
    if not any(entry.resource for entry in entries):
        raise _not_a_feed(path, "a feed without ESPI resources")
    linked = [entry for entry in entries if entry.resource in _LINKED]
    boundary = options.get("boundary", "utility")
    numbered = enumerate(_readings(path, linked), start=1)
    schema = {"row_number": pl.Int64} | dict.fromkeys(CONTRACT.columns, pl.String)
    while batch := list(islice(numbered, CHUNK_ROWS)):
        rows = [{"row_number": number, "boundary": boundary, **record} for number, record in batch]
        yield Chunk(pl.DataFrame(rows, schema=schema))


def _readings(path: Path, entries: list[_Entry]) -> Iterator[Record]:
    for element in _elements(path, "entry", None):
        block = _entry(element)
        if block.resource != "IntervalBlock":
            continue
        linked = _linked(block, entries)
        for reading in element.iter(f"{_ESPI}IntervalReading"):
            yield linked | _interval(reading)


def _linked(block: _Entry, entries: list[_Entry]) -> Record:
    """Follow the links block <- meter reading <- usage point, and meter reading -> reading type."""
    meter = _first(entry for entry in entries if entry.resource == "MeterReading" and entry.holds(block))
    kind = meter and _first(
        entry for entry in entries if entry.resource == "ReadingType" and entry.address in meter.related
    )
    point = _first(
        entry for entry in entries if entry.resource == "UsagePoint" and entry.holds(meter if meter else block)
    )
    addresses = dict(zip(_LINKED, (entry.address if entry else None for entry in (point, meter, kind)), strict=True))
    described = {"UsagePoint/title": point.title, **point.content} if point else {}
    return addresses | described | (dict(kind.content) if kind else {})


def _interval(reading: etree._Element) -> Record:
    start = _text(reading, "timePeriod", "start")
    duration = _text(reading, "timePeriod", "duration")
    qualities = [element.text.strip() for element in reading.iter(f"{_ESPI}quality") if element.text]
    return {
        "timePeriod/start": _utc(start),
        "timePeriod/end": _utc(start, duration),
        "value": _text(reading, "value"),
        "cost": _text(reading, "cost"),
        "ReadingQuality/quality": " ".join(qualities) or None,
    }


def _utc(start: str | None, duration: str | None = "0") -> str | None:
    """Epoch seconds as ISO 8601; what is no number stays as it is, for the gate to refuse."""
    if start is None or duration is None:
        return None
    try:
        return datetime.fromtimestamp(int(start) + int(duration), UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    except (ValueError, OverflowError, OSError):
        return f"{start} + {duration} s"


def _entry(element: etree._Element) -> _Entry:
    links = [
        (link.get("rel"), link.get("href").rstrip("/")) for link in element.iter(f"{_ATOM}link") if link.get("href")
    ]
    content = element.find(f"{_ATOM}content")
    resource = content[0] if content is not None and len(content) else None
    name = etree.QName(resource).localname if resource is not None and _is_espi(resource) else ""
    return _Entry(
        resource=name,
        title=element.findtext(f"{_ATOM}title"),
        address=next((href for rel, href in links if rel == "self"), ""),
        above=next((href for rel, href in links if rel == "up"), ""),
        related=frozenset(href for rel, href in links if rel == "related"),
        content=_content(name, resource),
    )


def _content(name: str, resource: etree._Element | None) -> Record:
    if name == "UsagePoint":
        return {"ServiceCategory/kind": _text(resource, "ServiceCategory", "kind")}
    if name == "ReadingType":
        return {label: _text(resource, label) for label in _READING_TYPE}
    return {}


def _elements(path: Path, wanted: str, emptied: str | None) -> Iterator[etree._Element]:
    """Stream the Atom elements of one name; the readings named by ``emptied`` are thrown away as they pass."""
    tags = [f"{_ATOM}{wanted}", f"{_ATOM}feed"] + ([f"{_ESPI}{emptied}"] if emptied else [])
    try:
        parser = etree.iterparse(
            opened(path),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
        )
        for event, element in parser:
            if event == "start":
                if element.getparent() is None:
                    _refuse_what_is_no_feed(path, element)
            elif element.tag == tags[0]:
                yield element
                _forget(element)
            elif element.tag in tags[2:]:
                _forget(element)
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(
            f"{path.name} is not well-formed XML",
            expected="a complete Green Button file",
            got=str(error),
            do="Download the file again; a broken download often ends early.",
        ) from error


def _forget(element: etree._Element) -> None:
    """Free an element and those before it, so that memory does not grow with the file."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _refuse_what_is_no_feed(path: Path, root: etree._Element) -> None:
    if root.getroottree().docinfo.doctype:
        raise _not_a_feed(path, "a document type declaration, which ESPI does not have and which may name other files")
    if root.tag != f"{_ATOM}feed":
        raise _not_a_feed(path, f"a file that begins with <{etree.QName(root).localname}>")


def _not_a_feed(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not a Green Button file",
        expected="an Atom feed of ESPI resources (UsagePoint, MeterReading, ReadingType, IntervalBlock)",
        got=got,
        do="Use the utility's 'Green Button - Download My Data' export.",
    )


def _text(parent: etree._Element | None, *path: str) -> str | None:
    text = parent.findtext("/".join(f"{_ESPI}{name}" for name in path)) if parent is not None else None
    return text.strip() or None if text else None


def _is_espi(element: etree._Element) -> bool:
    return isinstance(element.tag, str) and element.tag.startswith(_ESPI)


def _first(entries: Iterator[_Entry]) -> _Entry | None:
    return next(entries, None)
