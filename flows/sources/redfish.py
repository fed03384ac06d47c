"""Redfish: power, energy and temperature of JSON resources, each by itself, listed, expanded, or one a line."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import bare_name, json_document
from suanheng.flows.sources.reading.text import as_text, chunks, lines
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile

_COLUMNS = (
    *(
        "resource",
        "property",
        "Reading",
        "ReadingUnits",
        "ReadingTime",
        "read_at",
        "PhysicalContext",
        "State",
        "Health",
    ),
    *("node", "boundary"),
)

_SENSORS = ("Power", "EnergykWh", "EnergyWh", "EnergyJoules", "Temperature")
"""Kinds of sensor that are read, by ReadingType."""

_SENSOR_UNITS = ("W", "kW.h", "W.h", "J", "Cel")
"""Units that identify such a sensor where it does not state its kind."""

_EXCERPTS = {
    "PowerWatts": "W",
    "InputPowerWatts": "W",
    "OutputPowerWatts": "W",
    "EnergykWh": "kW.h",
    "EnergyWh": "W.h",
    "EnergyJoules": "J",
    "TemperatureCelsius": "Cel",
}
"""Sensors within other resources, such as EnvironmentMetrics and PowerSupplyMetrics, with the unit in their names."""

_LEGACY = {
    "PowerControl": ("PowerConsumedWatts",),
    "PowerSupplies": ("PowerInputWatts", "PowerOutputWatts", "LastPowerOutputWatts"),
}
"""Readings of the members of the deprecated resource Power, all in W."""

_BOUNDARIES = ("it_input", "psu_input")
_NO_READINGS = "no reading of power, energy or temperature"

Resource = Mapping[str, Any]
Cells = tuple[str | None, ...]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read every reading of power, energy or temperature in a file; they are counted in the order in which they stand.

    Args:
        path: one resource, a collection with its members expanded, or a list of resources; in a file that ends in
            ``.jsonl`` or ``.ndjson`` one of these a line.
        options: ``node`` or ``node_property``, ``taken_at`` or ``time_property``, ``it_input``, ``psu_input``,
            ``encoding``.

    Raises:
        UnreadableFile: the file is no JSON, or holds no such reading.
    """
    is_empty = True
    for chunk in chunks(_records(path, options), _COLUMNS):
        is_empty = False
        yield chunk
    if is_empty:
        raise _refusal(path, _NO_READINGS)


def _records(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[Any, ...] | Unreadable]:
    number = count(1)
    for content in _documents(path, options):
        if isinstance(content, Unreadable):
            yield content._replace(row_number=next(number))
        else:
            for cells in _readings(content, options):
                yield next(number), *cells


def _documents(path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
    if not bare_name(path).endswith((".jsonl", ".ndjson")):
        yield json_document(path, partial(_refusal, path))
        return
    for line, text in lines(path, options):
        if text.strip():
            try:
                yield json.loads(text)
            except (ValueError, RecursionError) as error:
                yield Unreadable(line, "json", f"line {line} is no JSON: {error}", text)


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} holds no Redfish readings",
        expected="JSON of Sensor, EnvironmentMetrics, PowerSupplyMetrics, Power, or of resources that hold them",
        got=got,
        do="Bind the resources with readings; one document a line needs a name that ends in .jsonl.",
    )


def _readings(document: Any, options: Mapping[str, Any]) -> Iterator[Cells]:
    """Readings of a document and of everything inside it, in its order, with the server and the time they are of."""
    waiting = [(document, as_text(options.get("node")), as_text(options.get("taken_at")))]
    while waiting:
        content, node, taken_at = waiting.pop()
        if isinstance(content, dict):
            node = as_text(content.get(options.get("node_property"))) or node
            taken_at = as_text(content.get(options.get("time_property"))) or taken_at
            for resource, label, reading in _own_readings(content):
                yield _cells(resource, label, reading, node, taken_at, options)
        inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
        waiting.extend((part, node, taken_at) for part in reversed(list(inside)) if isinstance(part, dict | list))


def _own_readings(content: Resource) -> Iterator[tuple[Resource, str, Resource]]:
    """Resource, property and reading of what a resource itself measures, each reading in the shape of a sensor."""
    kind = str(content.get("@odata.type", "")).lstrip("#").split(".")[0]
    if kind == "Sensor":
        if content.get("ReadingType") in _SENSORS or content.get("ReadingUnits") in _SENSOR_UNITS:
            yield content, "Reading", content
    elif kind == "Power":
        for members, labels in _LEGACY.items():
            for member in _members(content, members):
                for label in labels:
                    if label in member:
                        yield member, label, {"Reading": member[label], "ReadingUnits": "W"}
    elif kind:
        for label, unit in _EXCERPTS.items():
            if _is_resource(content.get(label)):
                yield content, label, {**content[label], "ReadingUnits": unit}


def _members(content: Resource, name: str) -> Iterator[Resource]:
    """Members of an array of a resource; one that states no address has that of its place there, a JSON pointer."""
    array = content.get(name)
    of_resource = str(content.get("@odata.id") or "").rstrip("/")
    for place, member in enumerate(array if isinstance(array, list) else ()):
        if _is_resource(member):
            yield (
                member
                if member.get("@odata.id") or not of_resource
                else {
                    **member,
                    "@odata.id": f"{of_resource}#/{name}/{place}",
                }
            )


def _is_resource(content: Any) -> bool:
    return isinstance(content, dict)


def _cells(
    resource: Resource,
    label: str,
    reading: Resource,
    node: str | None,
    taken_at: str | None,
    options: Mapping[str, Any],
) -> Cells:
    place = str(resource.get("@odata.id", "")).removeprefix("/redfish/v1/").strip("/") or None
    status = resource.get("Status")
    state, health = (as_text(status.get(name)) if isinstance(status, dict) else None for name in ("State", "Health"))
    stated = as_text(reading.get("ReadingTime"))
    boundary = next((name for name in _BOUNDARIES if place and _is_one_of(place, options.get(name))), None)
    return (
        *(place, label, as_text(reading.get("Reading")), as_text(reading.get("ReadingUnits")), stated),
        *(stated or taken_at, as_text(resource.get("PhysicalContext")), state, health, node, boundary),
    )


def _is_one_of(place: str, patterns: Any) -> bool:
    return any(fnmatchcase(place, str(pattern)) for pattern in patterns or ())
