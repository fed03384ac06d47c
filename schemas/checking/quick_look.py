"""A contract as one quick look at many rows of a file as they are: those that may break it, for ``records`` to check.

Suspected are also rows of which ``records.check`` would read a value otherwise than it is stored.
"""

import math
import sys
from collections.abc import Collection
from itertools import permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from suanheng.schemas.checking import breaches
from suanheng.schemas.checking.calendar import FIRST_US, LAST_US, is_of_our_time
from suanheng.schemas.checking.compiled import compiled
from suanheng.schemas.checking.records import reads_as_it_is
from suanheng.schemas.contract import Column, Contract


class _Bounds(NamedTuple):
    """Values that a column may hold, the ends among them."""

    lowest: float
    highest: float


class _Ordered(NamedTuple):
    """Two columns of which a rule states that the first is at most the second, and nothing else."""

    low: str
    high: str


class QuickLook:
    """Looks at the rows of one file.

    Args:
        contract: what the rows are held to.
        names: columns that the file has, of the contract's own types.
    """

    def __init__(self, contract: Contract, names: Collection[str]) -> None:
        given = {name: column for name, column in contract.columns.items() if name in names}
        numbers = {name: column for name, column in given.items() if column.dtype != pl.String}
        self._bounds = {name: _bounds(column) for name, column in numbers.items() if _is_bounded(column)}
        self._wrong = {name: pl.any_horizontal(_of_column(pl.col(name), column)) for name, column in numbers.items()}
        rules = [holds for holds in breaches.rules(contract) if set(holds.meta.root_names()) <= given.keys()]
        self._rules = [(~holds, _ordered(holds)) for holds in rules]
        self._texts = {name: _of_text(column) for name, column in given.items() if column.dtype == pl.String}
        self._needed = {name for name, column in given.items() if _must_be_stated(column)}

    def suspects(self, rows: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Rows of which a number, a time or a rule across columns may break the contract; texts are left out."""
        is_suspect = np.zeros(rows.num_rows, np.bool_)
        slowly = []
        for is_broken, ordered in self._rules:
            if ordered is None or any(rows[name].null_count for name in ordered):
                slowly.append(is_broken)
            else:
                _suspect_beyond(
                    numbers=_numbers(rows[ordered.low]), highest=_numbers(rows[ordered.high]), is_suspect=is_suspect
                )
        for name, wrong in self._wrong.items():
            if name not in self._bounds or rows[name].null_count:
                slowly.append(wrong)
            else:
                within = self._bounds[name]
                _suspect_outside(
                    numbers=_numbers(rows[name]), lowest=within.lowest, highest=within.highest, is_suspect=is_suspect
                )
        if slowly:
            read = sorted({name for expression in slowly for name in expression.meta.root_names()})
            suspected = pl.DataFrame(rows.select(read)).select(pl.any_horizontal(slowly).fill_null(False))
            is_suspect |= suspected.to_series().to_numpy()
        return is_suspect

    def suspect_texts(self, name: str, texts: pl.Series) -> npt.NDArray[np.bool_]:
        """Which texts of one column ``records.check`` may reject or change, e.g. by taking off the blanks around them.

        Returns:
            One flag for each text, and one more for none.
        """
        wrong = texts.alias("text").to_frame().select(self._texts[name]).to_series()
        return np.append(wrong.to_numpy(), name in self._needed)


def _numbers(values: pa.Array) -> npt.NDArray:
    numbers = values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values
    return numbers.to_numpy()


@compiled
def _suspect_outside(numbers, lowest, highest, is_suspect):
    """Mark what is not within bounds, or not a number."""
    for row in range(len(numbers)):
        is_suspect[row] |= not lowest <= numbers[row] <= highest


@compiled
def _suspect_beyond(numbers, highest, is_suspect):
    """Mark what is not at most what stands beside it, or not a number."""
    for row in range(len(numbers)):
        is_suspect[row] |= not numbers[row] <= highest[row]


def _ordered(holds: pl.Expr) -> _Ordered | None:
    """The two columns that a rule orders, where that is all it states."""
    names = holds.meta.root_names()
    pairs = (_Ordered(low=low, high=high) for low, high in permutations(names, 2))
    return next((pair for pair in pairs if holds.meta.eq(pl.col(pair.low) <= pl.col(pair.high))), None)


def _is_bounded(column: Column) -> bool:
    """Whether all that is asked of a value is that it is within bounds."""
    return column.one_of is None and column.matches is None


def _bounds(column: Column) -> _Bounds:
    """Lowest and highest value, times in microseconds since 1970, whole numbers where values are."""
    if column.dtype == pl.Datetime:
        return _Bounds(lowest=FIRST_US, highest=LAST_US)
    lowest = -math.inf if column.at_least is None else column.at_least
    highest = math.inf if column.at_most is None else column.at_most
    if column.dtype == pl.Float64:
        # Infinity is beyond every bound.
        return _Bounds(lowest=max(float(lowest), -sys.float_info.max), highest=min(float(highest), sys.float_info.max))
    return _Bounds(lowest=max(lowest, -(2**63)), highest=min(highest, 2**63 - 1))


def _of_text(column: Column) -> pl.Expr:
    text = pl.col("text")
    wrong = [~reads_as_it_is(text, column), *breaches.of_column(text, column)]
    return pl.any_horizontal(wrong).fill_null(True)


def _of_column(value: pl.Expr, column: Column) -> list[pl.Expr]:
    wrong = breaches.of_column(value, column)
    if _must_be_stated(column):
        wrong.append(value.is_null())
    if column.dtype == pl.Float64:
        # What is not a number counts as unknown, and infinity is beyond every bound.
        wrong.append(value.is_nan() | value.is_infinite())
    if column.dtype == pl.Datetime:
        wrong.append(~is_of_our_time(value, pl.Datetime("us")))
    return wrong or [pl.lit(False)]


def _must_be_stated(column: Column) -> bool:
    """Whether an empty cell breaks the contract or stands for a default, which a file that is not copied lacks."""
    return column.required or column.default is not None
