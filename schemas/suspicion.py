"""A contract as one quick look at many rows: those that may break it, for the gate to judge. The rest keep it.

The bounds come from the contract itself, so there is one contract and two ways to hold rows to it. The quick look
suspects more rows than the gate rejects, never fewer: also those of which the gate would read a value otherwise.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandera.polars as pandera
import polars as pl
import pyarrow as pa

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
        numbers = {name: column for name, column in given.items() if column.dtype.type != pl.String}
        self._bounds = {name: _bounds(column) for name, column in numbers.items()}
        self._wrong = {name: pl.any_horizontal(_of_column(pl.col(name), column)) for name, column in numbers.items()}
        holding = [rule.statistics["holds"] for rule in contract.schema.checks]
        self._rules = [~holds for holds in holding if set(holds.meta.root_names()) <= given.keys()]
        self._texts = {name: _of_text(column) for name, column in given.items() if column.dtype.type == pl.String}
        self._needed = {name for name, column in given.items() if _must_be_stated(column)}

    def suspects(self, rows: pa.RecordBatch) -> pl.Series:
        """Rows of which a number, a time or a rule across columns may break the contract; texts are left out."""
        wrong = [self._wrong[name] for name in self._wrong if not self._is_fine(name, rows[name])]
        read = sorted({name for expression in (*wrong, *self._rules) for name in expression.meta.root_names()})
        if not read:
            return pl.repeat(False, rows.num_rows, eager=True)
        suspected = pl.any_horizontal(*wrong, *self._rules).fill_null(False)
        return pl.DataFrame(rows.select(read)).select(suspected).to_series()

    def _is_fine(self, name: str, values: pa.Array) -> bool:
        """Whether all values of a column lie within its bounds; what has gaps is looked at row by row."""
        if (
            values.null_count
            or not len(values)
            or not pa.types.is_floating(values.type) | pa.types.is_integer(values.type)
        ):
            return False
        lowest, highest = self._bounds[name]
        numbers = values.to_numpy()
        # Where one is not a number, neither comparison holds.
        return bool(numbers.min() >= lowest and numbers.max() <= highest)

    def suspect_texts(self, name: str, texts: pl.Series) -> pl.Series:
        """Which texts of one column the gate may reject or read otherwise, e.g. without the blanks around them."""
        return texts.alias("text").to_frame().select(self._texts[name]).to_series()

    def is_needed(self, name: str) -> bool:
        """Whether a column may not be without a value as it lies."""
        return name in self._needed


def _bounds(column: pandera.Column) -> tuple[float, float]:
    stated = {check.name: check.statistics for check in column.checks}
    lowest = stated.get("greater_than_or_equal_to", {}).get("min_value", -math.inf)
    return lowest, stated.get("less_than_or_equal_to", {}).get("max_value", math.inf)


def _of_text(column: pandera.Column) -> pl.Expr:
    text = pl.col("text")
    return (~reads_as_it_is(text, column) | pl.any_horizontal(_of_checks(text, column))).fill_null(True)


def _of_checks(value: pl.Expr, column: pandera.Column) -> list[pl.Expr]:
    for stated in column.checks:
        if stated.name not in _BREAKS:
            raise NotImplementedError(f"no quick look at the check {stated.name}")
    return [_BREAKS[stated.name](value, stated.statistics) for stated in column.checks] or [pl.lit(False)]


def _of_column(value: pl.Expr, column: pandera.Column) -> list[pl.Expr]:
    breaks = [value.is_null()] if _must_be_stated(column) else []
    breaks += _of_checks(value, column)
    if column.dtype.type == pl.Float64:
        # What is not a number is unknown to the gate, and infinity is beyond every bound.
        breaks.append(value.is_nan())
    if column.dtype.type == pl.Datetime:
        breaks.append(~value.dt.year().is_between(1900, 9999))
    return breaks


def _must_be_stated(column: pandera.Column) -> bool:
    """Whether an empty cell breaks the contract or stands for a default, which a file read as it lies does not have."""
    return not column.nullable or (column.metadata or {}).get("default") is not None
