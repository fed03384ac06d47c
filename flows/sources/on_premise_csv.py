"""On-premise machines in the CSV that Cloud Carbon Footprint reads."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.text import (
    CsvRecords,
    chunks,
    csv_records,
    lines,
    quotes_do_not_pair,
    refuse_repeated,
    wrong_field_count,
)
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.datasets.assets import asset_class

_NEEDED = {"machineName", "cpuDescription", "machineType", "startTime"}
_CLASSES = {"desktop": "other", "laptop": "other"}


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per machine and reporting period; a row is counted as its line.

    Columns are selected by name: the documentation and the sample list them in different orders.

    Args:
        path: a CSV file.
        options: ``memory_unit``, ``asset_classes``, ``encoding``.

    Raises:
        UnreadableFile: the header lacks a needed column, or has one twice.
    """
    records = csv_records(line for _, line in lines(path, options, newline=""))
    _, first_line, labels = next(records, (1, "", []))
    header = [first_line] if isinstance(labels, csv.Error) else [label.strip() for label in labels]
    if missing := _NEEDED - set(header):
        raise UnreadableFile(
            f"{path.name} lacks {', '.join(sorted(missing))}",
            expected=f"a header with {', '.join(sorted(_NEEDED))}",
            got=", ".join(header) or "an empty file",
            do="Name the machines and their processors; earlier samples of the format do neither.",
        )
    refuse_repeated(path, header)
    own = {**_CLASSES, **{str(word): str(known) for word, known in options.get("asset_classes", {}).items()}}
    unit = str(options.get("memory_unit", "GB"))
    yield from chunks(_records(records, header, own, unit), [*header, "memory_unit", "asset_class"])


def _records(
    records: CsvRecords, header: Sequence[str], own: Mapping[str, str], unit: str
) -> Iterator[tuple[Any, ...] | Unreadable]:
    kind = header.index("machineType")
    for number, text, cells in records:
        if isinstance(cells, csv.Error):
            yield quotes_do_not_pair(number, text, cells)
        elif len(cells) == len(header):
            yield (number, *cells, unit, asset_class(cells[kind], own))
        elif any(cells):
            yield wrong_field_count(number, cells, len(header), text)
