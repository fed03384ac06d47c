"""What the reference tables have in common: a key, where each fact was read, how sure we are of it, and when it holds.

Rows that may not be used (disputed, unsourced, of unknown year, without a value) are kept and marked: ``is_usable`` is
false.
"""

import pandera.polars as pa
import polars as pl

from suanheng.schemas.columns import choice, day, flag, text
from suanheng.schemas.contract import Column, Contract, rule

CONFIDENCES = ("high", "medium", "low", "disputed", "unsourced")
"""How sure we are that a value was copied rightly and belongs to the named thing."""


def _identified() -> dict[str, Column]:
    return {
        "reference_id": Column(
            pl.String,
            "Key of the fact, as scorecards cite it: table/readable key.",
            matches=r"[a-z_]+/.+",
            required=True,
        )
    }


def _trusted() -> dict[str, Column]:
    return {
        "source": Column(pl.String, "Where the fact was read.", required=True),
        "confidence": choice(CONFIDENCES, "How sure we are of it.", required=True),
        "is_usable": flag("Whether a figure may rest on it.", required=True),
    }


def validity() -> dict[str, Column]:
    """Columns of the days for which a fact holds, both included."""
    return {
        "valid_from": day("First day for which the fact holds."),
        "valid_to": day("Last day for which the fact holds; 9999-12-31 where no end is known."),
    }


_UNIQUE_ID = rule("reference_id_is_unique", pl.len().over("reference_id") == 1, "another row has the same reference_id")
_TRUSTED = rule(
    "usable_is_trusted",
    ~pl.col("is_usable") | ~pl.col("confidence").is_in(["disputed", "unsourced"]),
    "a disputed or unsourced fact may not be used: set is_usable to false",
)
_IN_ORDER = rule(
    "validity_not_reversed", pl.col("valid_from") <= pl.col("valid_to"), "the validity ends before it starts"
)


def has_value(*columns: str) -> pa.Check:
    """A fact that may be used states these columns."""
    known = pl.all_horizontal(pl.col(columns).is_not_null())
    return rule("usable_has_a_value", ~pl.col("is_usable") | known, "a fact without a value may not be used")


def one_value(value: str, *key: str) -> pa.Check:
    """Facts of the same key, where it is stated whole, agree on a value."""
    keyed = pl.all_horizontal(pl.col(key).is_not_null())
    return rule(
        "one_value_per_key",
        ~keyed | (pl.col(value).n_unique().over(*key) == 1),
        f"two rows have the same {', '.join(key)} and different values: find out which one holds",
    )


def reference_table(name: str, one_row_is: str, columns: dict[str, Column], *rules: pa.Check) -> Contract:
    """Contract of a table of facts: its own columns between the key and what every fact says of itself."""
    dated = [_IN_ORDER] if "valid_from" in columns else []
    return Contract(
        name,
        one_row_is,
        key=("reference_id",),
        columns={**_identified(), **columns, **_trusted(), "notes": text("What else to know.")},
        rules=[_UNIQUE_ID, _TRUSTED, *dated, *rules],
    )
