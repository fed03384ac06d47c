"""Points of a building management system: a wide CSV, one column a point, and a dictionary that says what each is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from suanheng.flows.sources.reading.labelled_csv import labelled_records
from suanheng.flows.sources.reading.side_files import Row, as_cells, side_file
from suanheng.flows.sources.reading.text import as_text, chunks
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.datasets.points import POINTS

_ABOUT_POINT = ("meter_id", "boundary", "quantity", "unit", "at_least", "at_most")
_ABOUT_INTERVAL = ("interval_s", "stamped_at")
_IN_INTERVALS = ("energy", "water")
_COLUMNS = ("line", "timestamp", "column_name", "value", *_ABOUT_POINT, *_ABOUT_INTERVAL)


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Read every filled cell under a column that the dictionary knows; readings are counted along the lines.

    A column that the dictionary does not know is one unreadable record, at the end, that says how many readings it
    holds. An empty cell is no reading.

    Args:
        path: a CSV file with one line per instant.
        options: ``points``, ``time_column``, ``interval_s`` and ``stamped_at``, ``encoding``.

    Raises:
        UnreadableFile: there is no column of times, the dictionary cannot be used, or it knows quantities that pass in
            an interval and the source does not say how long that is.
    """
    export = _Export(path, options, {row["column_name"]: row for row in side_file(path, options, "points", POINTS)})
    yield from chunks(export.records(), _COLUMNS)


@dataclass
class _Export:
    path: Path
    options: Mapping[str, Any]
    points: Mapping[str, Row]
    unknown: Counter[str] = field(default_factory=Counter)

    def records(self) -> Iterator[tuple[Any, ...] | Unreadable]:
        time_column = str(self.options.get("time_column", "timestamp"))
        interval = self._interval()
        number = count(1)
        do = "Export one line per instant and one column per point; name the column of times with option time_column."
        for record in labelled_records(self.path, self.options, (time_column,), do):
            if isinstance(record, Unreadable):
                yield record._replace(row_number=next(number), message=f"line {record.row_number}: {record.message}")
                continue
            line, cells = record
            timestamp = cells.pop(time_column)
            for column_name, value in cells.items():
                if value and column_name in self.points:
                    about = as_cells(self.points[column_name], _ABOUT_POINT)
                    yield next(number), str(line), timestamp, column_name, value, *about, *interval
                elif value:
                    self.unknown[column_name] += 1
        for column_name, readings in self.unknown.items():
            yield Unreadable(
                next(number),
                "point_is_known",
                f"column {column_name!r} with {readings} readings is not in the dictionary: add it, with quantity none "
                "if it is not to be used",
                column_name,
            )

    def _interval(self) -> tuple[str | None, str | None]:
        length, stamped_at = (self.options.get(name) for name in _ABOUT_INTERVAL)
        passing = [row["column_name"] for row in self.points.values() if row["quantity"] in _IN_INTERVALS]
        known = isinstance(length, int | float) and length > 0 and stamped_at in ("start", "end")
        if passing and not known:
            raise UnreadableFile(
                f"{self.path.name} holds amounts that pass in an interval, e.g. {passing[0]}",
                expected="options interval_s, the seconds it lasts, and stamped_at, start or end",
                got=f"interval_s {length!r} and stamped_at {stamped_at!r}",
                do='Write e.g. interval_s = 900 and stamped_at = "end", or quantity energy_counter for a register.',
            )
        return as_text(length), as_text(stamped_at)
