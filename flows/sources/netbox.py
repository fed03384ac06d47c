"""Reader of NetBox exports: the device table as CSV, or lists of the REST API as JSON."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.files import json_document, whole
from suanheng.flows.sources.reading.text import (
    CsvRecords,
    as_text,
    chunks,
    csv_records,
    quotes_do_not_pair,
    refuse_repeated,
    wrong_field_count,
)
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.datasets.assets import asset_class
from suanheng.schemas.raw.netbox import CONTRACT, ENDPOINTS

_FIELDS = ("in_service_from", "in_service_to", "rated_power_w", "accelerator_model", "accelerator_count")
_HEADERS = {
    "id": ("ID", "id"),
    "name": ("Name", "name"),
    "device_type": ("Type", "device_type", "Device type"),
    "manufacturer": ("Manufacturer", "manufacturer"),
    "role": ("Role", "role", "device_role", "Device role"),
    "status": ("Status", "status"),
    "tenant": ("Tenant", "tenant"),
    "site": ("Site", "site"),
    "rack": ("Rack", "rack"),
    "position": ("Position", "Position (U)", "position"),
    "u_height": ("U Height", "u_height"),
    "serial": ("Serial number", "Serial", "serial"),
    "asset_tag": ("Asset tag", "asset_tag"),
}
"""Headers of the table export and of the import form, which differ."""

Row = tuple[Any, ...]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per object; ``row_number`` is its line in CSV, its ordinal in JSON.

    Args:
        path: a CSV export of devices, or what an endpoint of the API answered.
        options: ``in_service_from``, ``fields``, ``asset_classes``, ``skus``, ``encoding``.

    Raises:
        UnreadableFile: the file is neither, or nothing says since when its devices are in service.
    """
    content = whole(path).lstrip(b"\xef\xbb\xbf \r\n\t")
    rows = _of_json(path, options) if content[:1] in (b"{", b"[") else _of_csv(path, options)
    yield from chunks(rows, list(CONTRACT.columns))


def _of_json(path: Path, options: Mapping[str, Any]) -> Iterator[Row | Unreadable]:
    document = json_document(path, partial(_refusal, path))
    objects = document.get("results") if isinstance(document, dict) else document
    if not isinstance(objects, list) or not all(isinstance(entry, dict) for entry in objects):
        raise _refusal(path, "JSON without a list of objects in results")
    for number, entry in enumerate(objects, start=1):
        endpoint = _endpoint(entry)
        if endpoint not in ENDPOINTS:
            raise _refusal(path, f"an object with url {entry.get('url')!r}")
        if number == 1 and endpoint == "devices":
            _refuse_undated(path, options)
        yield _row(number, _flat(entry, endpoint), _object(entry.get("custom_fields")), options)


def _endpoint(entry: Mapping[str, Any]) -> str | None:
    """Name of the list an object is from: ``devices`` of ``…/api/dcim/devices/7/``."""
    steps = [step for step in str(entry.get("url", "")).partition("?")[0].split("/") if step]
    return steps[-2] if len(steps) >= 2 and steps[-1].isdigit() else None


def _flat(entry: Mapping[str, Any], endpoint: str) -> dict[str, str | None]:
    device, kind = _object(entry.get("device")), _object(entry.get("device_type"))
    role = entry.get("role") or entry.get("device_role")
    maker = entry.get("manufacturer") or kind.get("manufacturer")
    is_type = endpoint == "device-types"
    return {
        "endpoint": endpoint,
        "id": as_text(entry.get("id")),
        "name": as_text(entry.get("name")),
        "device": as_text(device.get("name")),
        "device.id": as_text(device.get("id")),
        "device_type": as_text(entry.get("model") if is_type else kind.get("model")),
        "device_type.id": as_text(entry.get("id") if is_type else kind.get("id")),
        "manufacturer": _named(maker),
        "role": _named(role),
        "status": as_text(_object(entry.get("status")).get("value")),
        **{label: _named(entry.get(label)) for label in ("tenant", "site", "rack")},
        **{
            label: as_text(entry.get(label))
            for label in ("position", "u_height", "serial", "asset_tag", "part_id", "allocated_draw", "maximum_draw")
        },
        "last_updated": as_text(entry.get("last_updated")),
    }


def _of_csv(path: Path, options: Mapping[str, Any]) -> Iterator[Row | Unreadable]:
    encoding = str(options.get("encoding", "utf-8"))
    try:
        text = whole(path).decode("utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding)
    except UnicodeDecodeError as error:
        raise _refusal(path, f"text that is not {encoding}: {error.reason}") from None
    records = csv_records(io.StringIO(text, newline=""))
    _, first_line, labels = next(records, (1, "", []))
    header = [first_line] if isinstance(labels, csv.Error) else [label.strip() for label in labels]
    refuse_repeated(path, header)
    at = {name: header.index(label) for name, labels in _HEADERS.items() for label in labels if label in header}
    if missing := {"role", "status", "device_type"} - set(at):
        raise _refusal(path, f"a header without {', '.join(sorted(missing))}: {', '.join(header)}")
    _refuse_undated(path, options)
    yield from _lines(records, header, at, options)


def _lines(
    records: CsvRecords, header: Sequence[str], at: Mapping[str, int], options: Mapping[str, Any]
) -> Iterator[Row | Unreadable]:
    for number, text, cells in records:
        if isinstance(cells, csv.Error):
            yield quotes_do_not_pair(number, text, cells)
        elif len(cells) == len(header):
            known = {name: _cell(cells[position]) for name, position in at.items()}
            known |= {"endpoint": "devices", "status": (known["status"] or "").lower() or None}
            fields = {label.removeprefix("cf_"): _cell(cell) for label, cell in zip(header, cells, strict=True)}
            yield _row(number, known, fields, options)
        elif any(cells):
            yield wrong_field_count(number, cells, len(header), text)


def _cell(text: str) -> str | None:
    """Text of a cell; tables of NetBox show a dash where there is nothing."""
    return None if text.strip() in {"", "—"} else text.strip()


def _row(number: int, known: Mapping[str, str | None], fields: Mapping[str, Any], options: Mapping[str, Any]) -> Row:
    wanted = options.get("fields", {})
    own = {str(word): str(given) for word, given in options.get("asset_classes", {}).items()}
    stated = {name: as_text(fields.get(wanted[name])) for name in _FIELDS if name in wanted}
    if known["endpoint"] == "devices" and not stated.get("in_service_from"):
        stated["in_service_from"] = as_text(options.get("in_service_from"))
    skus = {str(word): str(given) for word, given in options.get("skus", {}).items()}
    models = (known.get(label) for label in ("device_type", "part_id", "name"))
    values = {
        **known,
        **stated,
        "asset_class": asset_class(known.get("role"), own),
        "sku": next((skus[model] for model in models if model in skus), None),
        "accelerator_sku": skus.get(stated.get("accelerator_model") or ""),
    }
    return (number, *(values.get(label) for label in CONTRACT.columns))


def _refuse_undated(path: Path, options: Mapping[str, Any]) -> None:
    if "in_service_from" in options or "in_service_from" in options.get("fields", {}):
        return
    raise UnreadableFile(
        f"{path.name} does not say since when its devices are in service",
        expected="option in_service_from, or a custom field for it in option fields",
        got="neither",
        do="Add options = { fields = { in_service_from = 'commissioned' } } to the source in sources.toml.",
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(value: Any) -> str | None:
    """Name of a related object."""
    return as_text(_object(value).get("name"))


def _refusal(path: Path, got: str) -> UnreadableFile:
    return UnreadableFile(
        f"{path.name} is not a NetBox export this reader knows",
        expected=f"a CSV export of devices, or a JSON list of {', '.join(ENDPOINTS)}",
        got=got,
        do="Export all data of the device list, or save /api/dcim/devices/?limit=0.",
    )
