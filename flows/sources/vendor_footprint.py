"""Table of vendors' product carbon footprints, as Boavizta publishes it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.spreadsheet import find_table
from suanheng.schemas.checking.records import Chunk

_LABELS = ("manufacturer", "name", "gwp_total", "gwp_manufacturing_ratio")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per declaration.

    Args:
        path: a CSV file.
        options: ``skus``, ``encoding``.

    Raises:
        UnreadableFile: the file holds no such table.
    """
    advice = "Bind boavizta-data-us.csv; the -eu file writes decimal commas."
    table = find_table(path, _LABELS, do=advice, encoding=options.get("encoding", "utf-8"))
    skus = {str(product): str(sku) for product, sku in options.get("skus", {}).items()}
    for chunk in table.chunks():
        sku = pl.col("name").replace_strict(skus, default=None, return_dtype=pl.String)
        yield Chunk(chunk.rows.with_columns(sku=sku), chunk.unreadable)
