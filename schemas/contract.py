"""What a contract is: a table's grain, its key, and for each column its type, unit, meaning and possible values."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any

import pandera.polars as pa
import polars as pl

UTC = pl.Datetime("us")
"""A point in time: UTC, without a zone attached, microseconds."""


@dataclass(frozen=True)
class Column:
    """One column, described once.

    Attributes:
        dtype: Polars type.
        meaning: what the value says, in one sentence.
        unit: unit of the value; ``None`` for text, dates and codes.
        spellings: other headers, Chinese and English, under which the column is accepted. Matched exactly.
        at_least: smallest allowed value.
        at_most: largest allowed value.
        one_of: the closed list of allowed values.
        matches: regular expression the whole text must match.
        required: whether the column may not be empty.
        nulls: texts that mean "unknown" in this column besides the empty cell.
        time_formats: for times and dates, the accepted ``strptime`` formats, first match wins.
        strip: unit that follows the number in the text, e.g. ``" W"``.
        default: value that an empty cell stands for.
    """

    dtype: Any
    meaning: str = field(repr=False)
    _: KW_ONLY
    unit: str | None = None
    spellings: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[str, ...] | None = None
    matches: str | None = None
    required: bool = False
    nulls: tuple[str, ...] = ()
    time_formats: tuple[str, ...] = ()
    strip: str = ""
    default: Any = None

    @property
    def must_be_given(self) -> bool:
        """Whether a record without a value breaks the contract: there is no default to stand in for it."""
        return self.required and self.default is None

    @cached_property
    def checks(self) -> list[pa.Check]:
        """What pandera checks of a value that is there."""
        checks = []
        if self.at_least is not None:
            checks.append(pa.Check.ge(self.at_least))
        if self.at_most is not None:
            checks.append(pa.Check.le(self.at_most))
        if self.one_of is not None:
            checks.append(pa.Check.isin(list(self.one_of)))
        if self.matches is not None:
            checks.append(pa.Check.str_matches(f"^(?:{self.matches})$"))
        return checks


@dataclass(frozen=True)
class Contract:
    """The promise a table makes.

    Attributes:
        name: table name without its stage, e.g. ``utility_bills``.
        one_row_is: the grain in words.
        columns: columns by name, in table order.
        key: columns that identify a row within a site.
        happened: columns that hold the start and the end of what the row covers (the same column twice for an
            instant); ``None`` where a row describes a state, as an inventory does.
        may_begin: other columns than the first of ``happened`` by which feeds may date a row.
        may_begin_before: column with the seconds by which a row may begin before that: its time may be the end of an
            interval.
        rules: what must hold across the columns of a row.
        is_large: whether a site has so many rows that recipes read them where they are stored; all other datasets are
            copied into memory, site by site.
        is_seen_by_all_sites: whether the recipes of a site see the rows of every site, because what one site claims no
            other can.
        is_dated: whether all rows begin and end on stated days, so that a quarter is made from the files of the days
            around it; files of other datasets count for every quarter.
        is_staged_by_day: whether it is staged day by day (UTC), by the first of ``happened``, so that a night touches
            only the days its files cover; all other datasets are staged whole.
        span_rank: how well it states how long a site has been at work. Of a site's datasets, those of the lowest rank
            count; where none of them has a rank, all do.
    """

    name: str
    one_row_is: str
    _: KW_ONLY
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    happened: tuple[str, str] | None = None
    may_begin: tuple[str, ...] = ()
    may_begin_before: str | None = None
    rules: Sequence[pa.Check] = ()
    is_large: bool = False
    is_seen_by_all_sites: bool = False
    is_dated: bool = False
    is_staged_by_day: bool = False
    span_rank: int | None = None

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The same for pandera: what validates rows."""
        columns = {
            name: _PanderaColumn(column.dtype, column.checks, nullable=not column.required, description=column.meaning)
            for name, column in self.columns.items()
        }
        return pa.DataFrameSchema(columns, checks=list(self.rules), name=self.name, title=self.one_row_is, strict=False)

    @property
    def begins(self) -> str:
        """Column that holds the start of what a row covers.

        Raises:
            ValueError: its rows describe a state.
        """
        if self.happened is None:
            raise ValueError(f"rows of {self.name} describe a state, not a time")
        return self.happened[0]

    def dtypes(self) -> dict[str, pl.DataType]:
        """Column name to Polars type, in table order."""
        return {name: column.dtype for name, column in self.columns.items()}

    def names_by_label(self) -> dict[str, str]:
        """Column name by every label the column is accepted under: its own name and its spellings."""
        return {label: name for name, column in self.columns.items() for label in (name, *column.spellings)}


class _PanderaColumn(pa.Column):
    """A column that does not change, so that a copy of it may share what it checks.

    pandera copies every column deeply for every schema and every file it validates, in most of the time either takes.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "_PanderaColumn":
        return copy(self)

    @classmethod
    def get_backend(cls, *asked: Any, **asked_by_name: Any) -> Any:
        """What validates it: pandera looks for that by the exact class."""
        return pa.Column.get_backend(*asked, **asked_by_name)


def rule(name: str, holds: pl.Expr, message: str) -> pa.Check:
    """A rule across columns of one row. A row breaks it when the expression is false; unknown does not break it.

    Args:
        name: short name that the quarantine shows.
        holds: expression that is true for a good row.
        message: what to say to the person who has to repair the row.
    """

    def check(data: Any) -> pl.LazyFrame:
        return data.lazyframe.select(holds.fill_null(True))

    return pa.Check(check, name=name, error=message, statistics={"holds": holds})
