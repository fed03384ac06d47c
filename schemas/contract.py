"""What a contract is: a pandera schema that knows its grain, its key and the meaning of each column."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl

UTC = pl.Datetime("us")
"""A point in time: UTC, without a zone attached, microseconds."""


class Column(pa.Column):
    """A column of a contract. It does not change, so that a copy of it may share what it checks.

    pandera copies every column deeply for every schema and every file it validates, in most of the time either takes.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "Column":
        return copy(self)

    @classmethod
    def get_backend(cls, *asked: Any, **asked_by_name: Any) -> Any:
        """What validates it: pandera looks for that by the exact class."""
        return pa.Column.get_backend(*asked, **asked_by_name)


@dataclass(frozen=True)
class Contract:
    """The promise a table makes.

    Attributes:
        name: table name without its stage, e.g. ``utility_bills``.
        one_row_is: the grain in words.
        key: columns that identify a row within a site.
        happened: columns that hold the start and the end of what the row tells of (the same column twice for an
            instant); ``None`` where a row describes a state, as an inventory does.
        schema: the pandera schema, columns in table order.
    """

    name: str
    one_row_is: str
    key: tuple[str, ...]
    happened: tuple[str, str] | None
    schema: pa.DataFrameSchema

    @property
    def columns(self) -> dict[str, pa.Column]:
        """Column name to pandera column, in table order."""
        return self.schema.columns

    def dtypes(self) -> dict[str, pl.DataType]:
        """Column name to Polars type, in table order."""
        return {name: column.dtype.type for name, column in self.columns.items()}


def column(
    dtype: Any,
    meaning: str,
    *,
    unit: str | None = None,
    spellings: Sequence[str] = (),
    at_least: float | None = None,
    at_most: float | None = None,
    one_of: Sequence[str] | None = None,
    matches: str | None = None,
    required: bool = False,
    nulls: Sequence[str] = (),
    time_formats: Sequence[str] = (),
    strip: str = "",
    default: Any = None,
) -> Column:
    """Describe one column once: type, unit, meaning, accepted header spellings and the values that may occur.

    Args:
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
    checks = []
    if at_least is not None:
        checks.append(pa.Check.ge(at_least))
    if at_most is not None:
        checks.append(pa.Check.le(at_most))
    if one_of is not None:
        checks.append(pa.Check.isin(list(one_of)))
    if matches is not None:
        checks.append(pa.Check.str_matches(f"^(?:{matches})$"))
    metadata = {
        "unit": unit,
        "spellings": tuple(spellings),
        "nulls": tuple(nulls),
        "time_formats": tuple(time_formats),
        "strip": strip,
        "default": default,
    }
    return Column(dtype, checks, nullable=not required, description=meaning, metadata=metadata)


def rule(name: str, holds: pl.Expr, message: str) -> pa.Check:
    """A rule across columns of one row. A row breaks it when the expression is false; unknown does not break it.

    Args:
        name: short name that the quarantine shows.
        holds: expression that is true for a good row.
        message: what to tell the person who has to repair the row.
    """

    def check(data: Any) -> pl.LazyFrame:
        return data.lazyframe.select(holds.fill_null(True))

    return pa.Check(check, name=name, error=message, statistics={"holds": holds})


def contract(
    name: str,
    one_row_is: str,
    *,
    columns: dict[str, pa.Column],
    key: Sequence[str] = (),
    happened: tuple[str, str] | None = None,
    rules: Sequence[pa.Check] = (),
) -> Contract:
    """Build a contract; columns keep the order in which they are given."""
    schema = pa.DataFrameSchema(columns, checks=list(rules), name=name, title=one_row_is, strict=False)
    return Contract(name, one_row_is, tuple(key), happened, schema)
