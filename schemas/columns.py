"""Columns that several datasets share, each described once."""

from dataclasses import replace

import polars as pl

from suanheng.schemas.contract import UTC, Column

EVIDENCE_CLASSES = ("metered", "measured", "declared", "estimated", "simulated")
"""Kinds of evidence, strongest first."""

PRECISIONS = ("FP64", "FP32", "TF32", "BF16", "FP16", "FP8", "FP4", "INT8")
"""Number formats in which compute is stated. INT8 counts operations, the others floating-point operations."""

IDENTIFIER = r"[^\s<>\"'`;=+@|\\./-][^<>\"`;|\\\x00-\x1f\x7f]{0,199}"
"""Text that may name a thing: no mark-up, no quoting, no spreadsheet formula, no path, no control character."""

COMMODITIES = ("electricity", "natural_gas", "diesel", "heat", "cooling", "water")

CURRENCY = r"[A-Z]{3}"

EPOCH = "%s"
"""A time as whole seconds, or milliseconds, since 1970 (UTC), as a whole text of 10 or 13 digits: from 2001 to 2286."""

ISO_TIMES = (
    *("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f"),
    EPOCH,
)
ISO_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日")

LARGEST_AMOUNT = 1e18
"""No centre deals in more of anything, whatever the unit: it is a broken counter, and would burst the exact sums."""

MOST_THINGS = 10**9
"""No centre has more of what is counted one by one; the product of two such counts is still a whole number in SQL."""

LONGEST_S = 100 * 366 * 86_400
"""A century: nothing that is recorded lasted longer, and a time that far from another can still be written."""

EMPTY_BY_HAND = ("-", "--", "—", "/", "无", "N/A", "n/a")
"""What people write where there is nothing to write."""


def name(meaning: str, *spellings: str, required: bool = False) -> Column:
    """A text that names a thing: no longer than 200 characters, nothing in it that could be executed."""
    return Column(pl.String, meaning, spellings=spellings, matches=IDENTIFIER, required=required)


def text(meaning: str, *spellings: str) -> Column:
    """Free text, never used as a name."""
    return Column(pl.String, meaning, spellings=spellings)


def choice(
    options: tuple[str, ...], meaning: str, *spellings: str, required: bool = False, default: str | None = None
) -> Column:
    """One value of a closed list."""
    return Column(pl.String, meaning, spellings=spellings, one_of=options, required=required, default=default)


def instant(meaning: str, *spellings: str, required: bool = False) -> Column:
    """A point in time, stored as UTC; in a file ISO 8601, with an offset or in the source's zone, or epoch time."""
    return Column(UTC, meaning, unit="UTC", spellings=spellings, required=required, time_formats=ISO_TIMES)


def day(meaning: str, *spellings: str, required: bool = False) -> Column:
    """A calendar day at the site."""
    return Column(pl.Date, meaning, spellings=spellings, required=required, time_formats=ISO_DATES)


def amount(unit: str, meaning: str, *spellings: str, at_most: float = LARGEST_AMOUNT, required: bool = False) -> Column:
    """A quantity that cannot be negative."""
    return Column(pl.Float64, meaning, unit=unit, spellings=spellings, at_least=0, at_most=at_most, required=required)


def balance(unit: str, meaning: str, *spellings: str) -> Column:
    """A quantity that is negative where something is given back."""
    return Column(pl.Float64, meaning, unit=unit, spellings=spellings, at_least=-LARGEST_AMOUNT, at_most=LARGEST_AMOUNT)


def count(
    meaning: str,
    *spellings: str,
    at_least: int = 0,
    at_most: int = MOST_THINGS,
    required: bool = False,
    default: int | None = None,
) -> Column:
    """A whole number."""
    return Column(
        pl.Int64,
        meaning,
        unit="1",
        spellings=spellings,
        at_least=at_least,
        at_most=at_most,
        required=required,
        default=default,
    )


def duration(meaning: str, *spellings: str, required: bool = False) -> Column:
    """A length of time in seconds, which added to an instant gives another."""
    return amount("s", meaning, *spellings, at_most=LONGEST_S, required=required)


def ratio(meaning: str, *spellings: str, required: bool = False) -> Column:
    """A share between 0 and 1."""
    return amount("1", meaning, *spellings, at_most=1, required=required)


def flag(meaning: str, *spellings: str, required: bool = False, default: bool | None = None) -> Column:
    """True or false."""
    return Column(pl.Boolean, meaning, spellings=spellings, required=required, default=default)


def kept_by_hand(columns: dict[str, Column]) -> dict[str, Column]:
    """The columns of a table that people fill in, where a dash or 无 stands for an empty cell."""
    return {name: replace(column, nulls=(*column.nulls, *EMPTY_BY_HAND)) for name, column in columns.items()}


def provenance() -> dict[str, Column]:
    """Where a row comes from; every staged row begins with these columns."""
    return {
        "site_id": Column(pl.String, "Site the row belongs to.", matches=r"[a-z0-9][a-z0-9_-]{0,62}", required=True),
        "file_id": Column(pl.String, "SHA-256 of the file the row was read from.", required=True),
        "row_number": Column(pl.Int64, "Row in that file, counted as a person would.", at_least=1, required=True),
        "evidence_class": choice(EVIDENCE_CLASSES, "Kind of evidence behind the row.", required=True),
    }
