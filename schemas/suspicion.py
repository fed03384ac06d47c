"""A contract as one quick look at many rows: those that may break it, for the gate to judge. The rest keep it.

The bounds come from the contract itself, so there is one contract and two ways to hold rows to it. The quick look
suspects more rows than the gate rejects, never fewer: also those of which the gate would read a value otherwise.
"""

from collections.abc import Callable, Collection, Mapping
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


class QuickLook:
    """Looks at the rows of one file.

    Args:
        contract: what the rows are held to.
        names: columns that the file has, of the contract's own types.

    Raises:
        NotImplementedError: the contract has a kind of check that is not known here.
    """

    def __init__(self, contract: Contract, names: Collection[str]) -> None:
        given = {name: column for name, column in contract.columns.items() if name in names}
        is_text = {name: column.dtype.type == pl.String for name, column in given.items()}
        breaks = [
            wrong for name, column in given.items() if not is_text[name] for wrong in _of_column(pl.col(name), column)
        ]
        for rule in contract.schema.checks:
            holds = rule.statistics["holds"]
            if set(holds.meta.root_names()) <= given.keys():
                breaks.append(~holds)
        self._rows = pl.any_horizontal(breaks).fill_null(False)
        self._texts = {name: _of_text(column) for name, column in given.items() if is_text[name]}
        self._needed = {name for name, column in given.items() if _must_be_stated(column)}

    def suspects(self, rows: pl.DataFrame) -> pl.Series:
        """Rows of which a number, a time or a rule across columns may break the contract; texts are left out."""
        return rows.select(self._rows).to_series()

    def suspect_texts(self, name: str, texts: pl.Series) -> pl.Series:
        """Which texts of one column the gate may reject or read otherwise, e.g. without the blanks around them."""
        return texts.alias("text").to_frame().select(self._texts[name]).to_series()

    def is_needed(self, name: str) -> bool:
        """Whether a column may not be without a value as it lies."""
        return name in self._needed


def _of_text(column: pa.Column) -> pl.Expr:
    text = pl.col("text")
    return (~reads_as_it_is(text, column) | pl.any_horizontal(_of_checks(text, column))).fill_null(True)


def _of_checks(value: pl.Expr, column: pa.Column) -> list[pl.Expr]:
    for stated in column.checks:
        if stated.name not in _BREAKS:
            raise NotImplementedError(f"no quick look at the check {stated.name}")
    return [_BREAKS[stated.name](value, stated.statistics) for stated in column.checks] or [pl.lit(False)]


def _of_column(value: pl.Expr, column: pa.Column) -> list[pl.Expr]:
    breaks = [value.is_null()] if _must_be_stated(column) else []
    breaks += _of_checks(value, column)
    if column.dtype.type == pl.Float64:
        # What is not a number is unknown to the gate, and infinity is beyond every bound.
        breaks.append(value.is_nan())
    if column.dtype.type == pl.Datetime:
        breaks.append(~value.dt.year().is_between(1900, 9999))
    return breaks


def _must_be_stated(column: pa.Column) -> bool:
    """Whether an empty cell breaks the contract or stands for a default, which a file read as it lies does not have."""
    return not column.nullable or (column.metadata or {}).get("default") is not None
