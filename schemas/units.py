"""Spellings of units that sources use. What they convert to is ``reference.units``, which feeds join."""

from functools import cache
from pathlib import Path

import polars as pl

import suanheng.config

_TABLE = Path(next(iter(suanheng.config.__path__))) / "reference" / "units.csv"


@cache
def spellings(*quantities: str) -> tuple[str, ...]:
    """Every known spelling of a unit of the quantities, e.g. ``spellings("energy", "power")``, for ``one_of``."""
    units = pl.read_csv(_TABLE, infer_schema=False)
    return tuple(units.filter(pl.col("quantity").is_in(quantities))["unit"])
