"""What breaks a contract, as Polars expressions: one look at many rows finds those that may, for pandera to judge.

The bounds come from the contract itself, so there is one contract and two ways to hold rows to it. The quick look
suspects more rows than pandera rejects, never fewer: a check that is not known here makes every row suspect.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pandera.polars as pandera
import polars as pl

from suanheng.schemas.contract import Column, Contract

_BREAKS: Mapping[str, Callable[[pl.Expr, Mapping[str, Any]], pl.Expr]] = {
    "greater_than_or_equal_to": lambda value, stated: value < stated["min_value"],
    "less_than_or_equal_to": lambda value, stated: value > stated["max_value"],
    "isin": lambda value, stated: ~value.is_in(stated["allowed_values"]),
    "str_matches": lambda value, stated: ~value.str.contains(f"^(?:{stated['pattern']})"),
}


def may_break(contract: Contract) -> pl.Expr:
    """Whether a row of typed columns, all that the contract has, may break it."""
    columns = [breach for name, column in contract.columns.items() for breach in of_column(pl.col(name), column)]
    return pl.any_horizontal(pl.lit(False), *columns, *(~holds for holds in rules(contract))).fill_null(False)


def of_column(value: pl.Expr, column: Column) -> list[pl.Expr]:
    """What breaks the checks of a column; null is unknown, and breaks none but that there be a value."""
    required = [value.is_null()] if column.required else []
    return required + [_broken(value, check) for check in column.checks]


def _broken(value: pl.Expr, check: pandera.Check) -> pl.Expr:
    breaks = _BREAKS.get(check.name or "")
    return breaks(value, check.statistics or {}) if breaks else pl.lit(True)


def rules(contract: Contract) -> list[pl.Expr]:
    """What holds for each row of a contract across columns; nothing does by a rule that is not about single rows."""
    return [(rule.statistics or {}).get("holds", pl.lit(False)) for rule in contract.rules]
