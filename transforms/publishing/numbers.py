"""The numbers of one scorecard, wherever they are: as known now, as known at a snapshot, or as published."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from suanheng.schemas.tables.publications import PUBLISHED
from suanheng.schemas.tables.scorecards import SCORECARDS
from suanheng.warehouse.lake import Lake

_KEYS = {"composites": (), "dimensions": ("dimension",), "indicators": ("indicator",)}
TABLES = tuple(_KEYS)
"""The tables whose numbers are published."""

_BESIDE = ("publication_id", "run_id", "site_id", "period")


@dataclass(frozen=True)
class Numbers:
    """Every number of one scorecard.

    Attributes:
        tables: the rows of ``composites``, ``dimensions`` and ``indicators``, in the columns of their contracts.
    """

    tables: dict[str, pl.DataFrame]

    @property
    def composite(self) -> dict[str, Any]:
        """The one row of the composite."""
        return self.tables["composites"].row(0, named=True)

    def figures(self) -> dict[tuple[str, str, str], Any]:
        """Every figure by level, name and column: ``("indicators", "pue", "value")``."""
        return {
            (table, "/".join(str(row[key]) for key in _KEYS[table]), name): value
            for table, rows in self.tables.items()
            for row in rows.iter_rows(named=True)
            for name, value in row.items()
            if name not in (*_BESIDE, *_KEYS[table])
        }

    def signature(self) -> str:
        """SHA-256 over every figure, each written so that reading it back gives the same number."""
        figures = [[*place, _written(value)] for place, value in sorted(self.figures().items())]
        return hashlib.sha256(json.dumps(figures, ensure_ascii=False).encode()).hexdigest()


def of_scorecards(lake: Lake, site_id: str, period: str) -> Numbers | None:
    """Numbers of a scorecard as this lake knows it; ``None`` where there is none."""
    where = "site_id = ? AND period = ?"
    return _read(lake, {table: (f"scorecards.{table}", where) for table in _KEYS}, [site_id, period])


def of_publication(lake: Lake, publication_id: str) -> Numbers | None:
    """Numbers of a scorecard as they were published; ``None`` where there is no such publication."""
    tables = {table: (f"scorecards.{PUBLISHED[table].name}", "publication_id = ?") for table in _KEYS}
    return _read(lake, tables, [publication_id])


def _read(lake: Lake, tables: dict[str, tuple[str, str]], parameters: list[str]) -> Numbers | None:
    rows = {}
    for table, (name, where) in tables.items():
        columns = ", ".join(f'"{column}"' for column in SCORECARDS[table].columns)
        rows[table] = lake.frame(f"SELECT {columns} FROM {name} WHERE {where} ORDER BY ALL", parameters)
    return None if rows["composites"].is_empty() else Numbers(rows)


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value if value is None or isinstance(value, bool | int | str) else repr(value)
