"""A contract as one quick look at many rows: those that may break it, for the gate to judge. The rest keep it.

The bounds come from the contract itself, so there is one contract and two ways to hold rows to it. The quick look
suspects more rows than the gate rejects, never fewer: also those of which the gate would read a value otherwise.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandera.polars as pa
import polars as pl

from suanheng.schemas.contract import Contract
from suanheng.schemas.gate import reads_as_it_is

_BREAKS: Mapping[str, Callable[[pl.Expr, Mapping[str, Any]], pl.Expr]] = {
    "greater_than_or_equal_to": lambda value, stated: value < stated["min_value"],
    "less_than_or_equal_to": lambda value, stated: value > stated["max_value"],
    "isin": lambda value, stated: ~value.is_in(stated["allowed_values"]),
    "str_matches": lambda value, stated: ~value.str.contains(stated["pattern"]),
}


def suspects(rows: pl.DataFrame, contract: Contract) -> pl.Series:
    """Rows of which a number, a time or a rule across columns may break the contract; texts are left out.

    Args:
        rows: columns of the contract, of the contract's own types; which are there may differ.
        contract: what the rows are held to.

    Raises:
        NotImplementedError: the contract has a kind of check that is not known here.
    """
    given = {
        name: column
        for name, column in contract.columns.items()
        if name in rows.columns and column.dtype.type != pl.String
    }
    breaks = [expression for name, column in given.items() for expression in _of_column(name, column)]
    for rule in contract.schema.checks:
        holds = rule.statistics["holds"]
        if set(holds.meta.root_names()) <= set(rows.columns):
            breaks.append(~holds)
    return rows.select(pl.any_horizontal(breaks).fill_null(False)).to_series()


def suspect_texts(texts: pl.Series, contract: Contract, name: str) -> pl.Series:
    """Which texts of one column the gate may reject or read otherwise, e.g. without the blanks around them."""
    column = contract.columns[name]
    text = pl.col(texts.name)
    return (
        texts.to_frame()
        .select((~reads_as_it_is(text, column) | pl.any_horizontal(_of_checks(text, column))).fill_null(True))
        .to_series()
    )


def _of_checks(value: pl.Expr, column: pa.Column) -> list[pl.Expr]:
    for stated in column.checks:
        if stated.name not in _BREAKS:
            raise NotImplementedError(f"no quick look at the check {stated.name}")
    return [_BREAKS[stated.name](value, stated.statistics) for stated in column.checks] or [pl.lit(False)]


def _of_column(name: str, column: pa.Column) -> list[pl.Expr]:
    value = pl.col(name)
    has_default = (column.metadata or {}).get("default") is not None
    breaks = [value.is_null()] if has_default or not column.nullable else []
    breaks += _of_checks(value, column)
    if column.dtype.type == pl.Float64:
        # What is not a number is unknown to the gate, and infinity is beyond every bound.
        breaks.append(value.is_nan())
    if column.dtype.type == pl.Datetime:
        breaks.append(~value.dt.year().is_between(1900, 9999))
    return breaks
