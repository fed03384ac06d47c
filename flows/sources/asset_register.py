"""Asset registers that people keep by hand: XLSX or CSV, Chinese or English headers, below any title."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.headers import find_labelled, with_unit
from suanheng.schemas.checking.records import Chunk
from suanheng.schemas.datasets.assets import asset_class
from suanheng.schemas.raw.asset_register import CONTRACT

_NEEDED = (("model",), ("asset_number", "serial_number"))
_IDS = ("asset_number", "serial_number")
_DAYS = ("in_service_from", "withdrawn_on", "scrapped_on")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield one row per line of the register.

    Args:
        path: an XLSX, XLS or CSV file.
        options: ``columns``, ``asset_classes``, ``asset_class``, ``skus``, ``rated_power_unit``, ``encoding``.

    Raises:
        UnreadableFile: no table with such a header, or two labels that mean one column.
    """
    register = find_labelled(
        path, CONTRACT, _NEEDED, options, do="Bind the list of assets; option columns names headers of your own."
    ).repaired(_IDS, _DAYS)
    own = {str(word): str(known) for word, known in options.get("asset_classes", {}).items()}
    skus = {str(word): str(known) for word, known in options.get("skus", {}).items()}
    power_unit = register.units.get("rated_power") or options.get("rated_power_unit")
    for chunk in register.chunks():
        rows = with_unit(chunk.rows, "rated_power", power_unit)
        if not register.has("quantity"):
            rows = rows.with_columns(quantity=pl.lit("1"))
        rows = rows.with_columns(
            _translated(rows, "model", skus).alias("sku"),
            _translated(rows, "accelerator_model", skus).alias("accelerator_sku"),
            _classes(rows, options.get("asset_class"), own).alias("asset_class"),
        )
        yield Chunk(rows, chunk.unreadable)


def _classes(rows: pl.DataFrame, every: str | None, own: Mapping[str, str]) -> pl.Series:
    if "category" not in rows.columns:
        return pl.Series([every] * rows.height, dtype=pl.String)
    return pl.Series([asset_class(word, own) or every for word in rows["category"]], dtype=pl.String)


def _translated(rows: pl.DataFrame, name: str, words: Mapping[str, str]) -> pl.Series:
    given = rows[name] if name in rows.columns else [None] * rows.height
    return pl.Series([words.get(word) if word else None for word in given], dtype=pl.String)
