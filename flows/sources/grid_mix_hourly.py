"""Reader of hourly grid mixes: one CSV file per grid area, generation by source and the intensity that follows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.spreadsheet import find_table
from suanheng.schemas.checking.records import Chunk

_LABELS = ("timestamp", "WND", "SUN", "WAT", "OIL", "NG", "COL", "NUC", "OTH", "avg_CI")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the hours of the file with the grid area beside each.

    Raises:
        UnreadableFile: the columns of the sources or of the intensity are not there.
    """
    table = find_table(path, _LABELS, do="Bind files with one hour per row and one column per source of generation.")
    area = str(options.get("area", path.stem))
    for chunk in table.chunks():
        yield Chunk(chunk.rows.with_columns(area=pl.lit(area)), chunk.unreadable)
