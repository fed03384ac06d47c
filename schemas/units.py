"""Spellings of units of measure that files use. What they convert to is ``reference.units``, which feeds join."""

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


def in_base_unit(quantity: pl.Expr, unit: pl.Expr, of: str) -> pl.Expr:
    """A quantity in the base unit of what it measures, e.g. kWh of ``"energy"``; unknown where the unit is.

    For rules of contracts that compare quantities of one row. Feeds convert by joining ``reference.units``.
    """
    units = pl.read_csv(_TABLE, infer_schema=False).filter(pl.col("quantity") == of)
    factor = (units["multiplier"].cast(pl.Float64) / units["divisor"].cast(pl.Float64)).to_list()
    return quantity * unit.replace_strict(units["unit"].to_list(), factor, default=None, return_dtype=pl.Float64)
