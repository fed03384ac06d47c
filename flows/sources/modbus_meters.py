"""Readings of Modbus meters as a long CSV: one row per panel, device, metric and instant."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.labelled_csv import labelled_records
from suanheng.flows.sources.reading.side_files import Row, side_file
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.datasets.points import METERS

_LABELS = ("timestamp", "panel", "device", "metric", "value")
_STATED = ("dialect", "meter_id", "device_boundary", "metric_boundary")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read the readings of a file; a row is counted as its line.

    Args:
        path: a CSV file whose header holds timestamp, panel, device, metric and value.
        options: ``dialect``, ``meters``, ``encoding``.

    Raises:
        UnreadableFile: the header is another one, no dialect is named, or the meters cannot be used.
    """
    if not options.get("dialect"):
        raise UnreadableFile(
            f"{path.name} cannot be read without knowing whose metrics it holds",
            expected="option dialect, as in reference.meter_metrics",
            got="no such option",
            do='Write e.g. dialect = "cineca_logics"; metrics of other systems go to reference/meter_metrics.csv.',
        )
    yield from chunks(_records(path, options), (*_LABELS, *_STATED))


def _records(path: Path, options: Mapping[str, Any]) -> Iterator[tuple[Any, ...] | Unreadable]:
    meters = _meters(path, options)
    dialect = as_text(options["dialect"])
    do = "Export one reading per row, with the columns timestamp, panel, device, metric and value."
    for record in labelled_records(path, options, _LABELS, do):
        if isinstance(record, Unreadable):
            yield record
        else:
            line, cells = record
            panel, device, metric = cells["panel"], cells["device"], cells["metric"]
            of_device, of_metric = meters.get((panel, device, None), {}), meters.get((panel, device, metric), {})
            meter_id = of_metric.get("meter_id") or of_device.get("meter_id")
            places = (of_device.get("boundary"), of_metric.get("boundary"))
            yield line, *(cells[label] for label in _LABELS), dialect, meter_id, *places


def _meters(path: Path, options: Mapping[str, Any]) -> dict[tuple[str, str, str | None], Row]:
    if options.get("meters") is None:
        return {}
    rows = side_file(path, options, "meters", METERS)
    return {(row["panel"], row["device"], row["metric"]): row for row in rows}
