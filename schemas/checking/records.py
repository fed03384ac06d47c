"""The record checks: what a reader found is split into rows that keep the contract and records that do not."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl
from pandera.errors import SchemaErrors

from suanheng.config.errors import ExitCode, SuanhengError
from suanheng.schemas.checking import calendar
from suanheng.schemas.checking.breaches import may_break
from suanheng.schemas.checking.sentinels import NO_READING, NO_READING_AS_FLOAT
from suanheng.schemas.columns import EPOCH
from suanheng.schemas.contract import Column, Contract

REJECTED_SCHEMA = {
    "row_number": pl.Int64,
    "rule": pl.String,
    "column_name": pl.String,
    "value": pl.String,
    "message": pl.String,
    "record": pl.String,
}
"""One row per rejected record: the first rule it broke, everything that is wrong with it, and the record as JSON."""

_GROUPED = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_SHOWN_CONTROL = "�"
"""Shown in place of characters that could steer the terminal a message is read on."""

_SHOWN_CHARACTERS = 1000
_TRUE = ("true", "yes", "y", "1", "是")
_FALSE = ("false", "no", "n", "0", "否")


class Unreadable(NamedTuple):
    """A record that could not even be split into columns."""

    row_number: int
    rule: str
    message: str
    record: str


class UnreadableFile(SuanhengError):
    """Raised when a file as a whole is not what its ``[[source]]`` says it is.

    Args:
        what: what is wrong, in one sentence.
        expected: what was looked for.
        got: what was found instead.
        do: what the person who configured the source can do.
    """

    exit_code = ExitCode.ERROR

    def __init__(self, what: str, expected: str, got: str, do: str) -> None:
        message = f"{_shortened(what)}. Expected {expected}; got {_shortened(got)}. {do}"
        super().__init__(re.sub(_CONTROL, _SHOWN_CONTROL, message))


def _shortened(text: str) -> str:
    """What a file says of itself may be a megabyte; nobody reads on after a thousand characters."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"


@dataclass(frozen=True)
class Chunk:
    """A bounded part of a file: ``row_number`` plus columns under the source's labels, mostly text."""

    rows: pl.DataFrame
    unreadable: Sequence[Unreadable] = field(default_factory=tuple)


@dataclass(frozen=True)
class Checked:
    """A checked chunk: typed rows that keep the contract, and the records that do not."""

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def check(chunk: Chunk, contract: Contract, time_zone: str | None = None) -> Checked:
    """Type the columns of a chunk and hold every row to its contract.

    Args:
        chunk: what the reader found.
        contract: the contract of the raw or staged table.
        time_zone: IANA zone of local times in the source.

    Returns:
        ``accepted`` with ``row_number`` and the contract's columns, typed; ``rejected`` with one row per record.

    Raises:
        UnreadableFile: a column holds local times and the source declares no time zone.
    """
    possible, impossible = _without_impossible_times(chunk.rows, contract)
    rows = _readable(possible, contract)
    if time_zone is None:
        _refuse_local_times(rows, contract)
    typed = rows.select(
        pl.col("row_number").cast(pl.Int64),
        *(_typed(rows, name, column, time_zone).alias(name) for name, column in _own_columns(contract)),
    )
    faults = pl.concat(
        [impossible, _type_faults(rows, typed, contract), _character_faults(typed), _contract_faults(typed, contract)]
    )
    if faults.is_empty() and not chunk.unreadable:
        return Checked(typed, pl.DataFrame(schema=REJECTED_SCHEMA))
    rejected = _one_row_per_record(faults, rows)
    accepted = typed.join(rejected.select("row_number"), on="row_number", how="anti", maintain_order="left")
    return Checked(accepted, _safe_to_show(pl.concat([rejected, _as_rejected(chunk.unreadable)])))


def _own_columns(contract: Contract) -> list[tuple[str, Column]]:
    return [(name, column) for name, column in contract.columns.items() if name != "row_number"]


def _readable(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Columns of another kind than the contract's, as text: the number 20230131 is no day, the text '2023-01-31' is."""
    return rows.with_columns(
        pl.col(name).cast(pl.String)
        for name, column in _own_columns(contract)
        if name in rows.columns and not _is_of_kind(rows.schema[name], column.dtype)
    )


def _without_impossible_times(rows: pl.DataFrame, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows without the times that no calendar has, so that none of them reaches a cast; and the faults these are."""
    wrong = calendar.impossible_times(rows)
    found = _where_any(wrong)
    faults = [
        _type_fault(rows.filter(wrong[name]), name, contract.columns[name], calendar.as_stored(name, rows.schema[name]))
        for name in found
        if name in contract.columns
    ]
    possible = (pl.when(~wrong[name]).then(pl.col(name)).alias(name) for name in found)
    return rows.with_columns(possible), pl.concat([_no_faults(), *faults])


def _is_of_kind(given: pl.DataType, wanted: pl.DataType) -> bool:
    days_or_instants = (pl.Date, pl.Datetime)
    return (
        given == wanted
        or (given.is_numeric() and wanted.is_float())
        or (given.is_integer() and wanted.is_integer())
        or (given in days_or_instants and wanted in days_or_instants)
    )


def _typed(rows: pl.DataFrame, name: str, column: Column, time_zone: str | None) -> pl.Expr:
    dtype = column.dtype
    if name not in rows.columns:
        return pl.lit(column.default, dtype)
    if rows.schema[name] == pl.String:
        typed = _from_text(_cleaned(pl.col(name), column), column, time_zone)
    else:
        typed = pl.when(~_is_unknown(rows, name)).then(pl.col(name)).cast(dtype, strict=False)
    if dtype == pl.Float64:
        typed = pl.when(typed.is_finite()).then(typed)
    if dtype in (pl.Date, pl.Datetime):
        typed = pl.when(calendar.is_of_our_time(typed, dtype)).then(typed)
    if column.default is None:
        return typed
    return pl.when(_is_empty(rows, name, column)).then(pl.lit(column.default, dtype)).otherwise(typed)


def _cleaned(text: pl.Expr, column: Column) -> pl.Expr:
    stripped = text.str.strip_chars()
    known = pl.when(stripped.is_in([*NO_READING, *column.nulls])).then(None).otherwise(stripped)
    return known.str.strip_suffix(column.strip).str.strip_chars() if column.strip else known


def reads_as_it_is(text: pl.Expr, column: Column) -> pl.Expr:
    """Whether a text is neither trimmed, nor read as unknown, nor refused for its characters."""
    return (_cleaned(text, column) == text) & ~text.str.contains(_CONTROL)


def _is_empty(rows: pl.DataFrame, name: str, column: Column) -> pl.Expr:
    return _cleaned(pl.col(name), column).is_null() if rows.schema[name] == pl.String else _is_unknown(rows, name)


def _is_unknown(rows: pl.DataFrame, name: str) -> pl.Expr:
    value = pl.col(name)
    if not rows.schema[name].is_numeric():
        return value.is_null()
    number = value.cast(pl.Float64)
    return number.is_null() | number.is_nan() | number.is_in(NO_READING_AS_FLOAT)


def _from_text(text: pl.Expr, column: Column, time_zone: str | None) -> pl.Expr:
    dtype = column.dtype
    if dtype == pl.String:
        return text
    if dtype == pl.Boolean:
        lowered = text.str.to_lowercase()
        return pl.when(lowered.is_in(_TRUE)).then(True).when(lowered.is_in(_FALSE)).then(False)
    if dtype == pl.Date:
        return pl.coalesce(*(text.str.to_date(form, strict=False) for form in column.time_formats))
    if isinstance(dtype, pl.Datetime) or dtype == pl.Datetime:
        return pl.coalesce(*(_instant(text, form, time_zone) for form in column.time_formats))
    if dtype == pl.Int64:
        number = _ungrouped(text).cast(pl.Float64, strict=False)
        whole = pl.when((number == number.round()) & (number.abs() < 2**53)).then(number)
        return pl.coalesce(text.cast(pl.Int64, strict=False), whole.cast(pl.Int64, strict=False))
    return _ungrouped(text).cast(dtype, strict=False)


def _ungrouped(text: pl.Expr) -> pl.Expr:
    """Numbers without the commas between thousands. Any other comma stays: 1,5 is no number, least of all 15."""
    return pl.when(text.str.contains(_GROUPED)).then(text.str.replace_all(",", "", literal=True)).otherwise(text)


def _instant(text: pl.Expr, form: str, time_zone: str | None) -> pl.Expr:
    if form == EPOCH:
        return calendar.since_1970(text)
    if "%z" in form or "%#z" in form:
        aware = text.str.replace("Z$", "+00:00").str.to_datetime(form, time_unit="us", strict=False, time_zone="UTC")
        return aware.dt.replace_time_zone(None)
    local = text.str.to_datetime(form, time_unit="us", strict=False)
    if time_zone is None:
        return local
    return (
        local.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
        .dt.replace_time_zone(None)
    )


def _refuse_local_times(rows: pl.DataFrame, contract: Contract) -> None:
    for name, column in _own_columns(contract):
        if name not in rows.columns or rows.schema[name] != pl.String or column.dtype != pl.Datetime:
            continue
        stamps = rows.select(_cleaned(pl.col(name), column)).to_series()
        for form in (form for form in column.time_formats if form != EPOCH and not form.endswith("z")):
            parsed = stamps.str.to_datetime(form, time_unit="us", strict=False)
            if parsed.null_count() < len(parsed):
                raise UnreadableFile(
                    f"Column {name} holds times without a zone",
                    expected="an offset in every time, or time_zone in its [[source]]",
                    got=f"{parsed.drop_nulls()[0]} and no time_zone",
                    do='Add time_zone = "Area/City" to the [[source]] in sources.toml.',
                )


def _type_faults(rows: pl.DataFrame, typed: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    given = {name: column for name, column in _own_columns(contract) if name in rows.columns}
    wrong = rows.select(
        (_is_empty(rows, name, column).not_() & typed[name].is_null()).alias(name) for name, column in given.items()
    )
    faults = [
        _type_fault(rows.filter(wrong[name]), name, given[name], pl.col(name).cast(pl.String))
        for name in _where_any(wrong)
    ]
    return pl.concat([_no_faults(), *faults])


def _type_fault(rows: pl.DataFrame, name: str, column: Column, value: pl.Expr) -> pl.DataFrame:
    message = pl.format(f"{name} should be {_type_in_words(column)}, but is '{{}}'", value)
    return rows.select(
        pl.col("row_number").cast(pl.Int64),
        rule=pl.lit("type"),
        column_name=pl.lit(name),
        value=value,
        message=message,
    )


def _where_any(wrong: pl.DataFrame) -> list[str]:
    """Columns in which something is true."""
    if wrong.width == 0:
        return []
    return [name for name, found in wrong.select(pl.all().any()).row(0, named=True).items() if found]


def _character_faults(typed: pl.DataFrame) -> pl.DataFrame:
    """Texts that could steer a terminal, or that some programs would read only a part of."""
    wrong = typed.select(pl.col(pl.String).str.contains(_CONTROL).fill_null(False))
    faults = [
        typed.filter(wrong[name]).select(
            "row_number",
            rule=pl.lit("control_character"),
            column_name=pl.lit(name),
            value=pl.col(name),
            message=pl.lit(f"{name} holds a control character, shown as {_SHOWN_CONTROL}"),
        )
        for name in _where_any(wrong)
    ]
    return pl.concat([_no_faults(), *faults])


def _type_in_words(column: Column) -> str:
    dtype, unit = column.dtype, column.unit
    if dtype == pl.Date:
        return f"a date since {calendar.FIRST_DAY.year}"
    if dtype == pl.Datetime:
        return f"a time from {calendar.FIRST_DAY.year} to {calendar.LAST_INSTANT.year}"
    if dtype == pl.Boolean:
        return "true or false"
    return f"a number in {unit}" if unit and unit != "1" else "a number"


def _contract_faults(typed: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    # pandera looks at every column of every file by itself, which takes longer than everything else here.
    if not typed.select(may_break(contract).any()).item():
        return _no_faults()
    try:
        contract.schema.validate(typed.with_row_index("__index"), lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return _no_faults()
    unplaced = cases.filter(pl.col("index").is_null())
    if unplaced.height:
        raise RuntimeError(f"contract {contract.name}: a check failed without naming its rows: {unplaced.rows()}")
    messages = {check.name: check.error for check in contract.rules}
    located = cases.select(
        pl.col("index").cast(pl.UInt32).alias("__index"), "column", "check", "failure_case", "schema_context"
    )
    return (
        located.join(typed.select("row_number").with_row_index("__index"), on="__index", how="left")
        .with_columns(
            pl.col("check").map_elements(lambda rule: rule.split("(")[0], return_dtype=pl.String).alias("rule")
        )
        .with_columns(
            across=pl.col("rule").is_in(list(messages)) | pl.col("check").is_in([m for m in messages.values() if m]),
        )
        .select(
            "row_number",
            rule=pl.when("across").then(_rule_name(messages)).otherwise("rule"),
            column_name=pl.when("across").then(None).otherwise(pl.col("column")),
            value=pl.when("across").then(None).otherwise(pl.col("failure_case").cast(pl.String)),
            message=pl.when("across")
            .then(_rule_message(messages))
            .when(pl.col("rule") == "not_nullable")
            .then(pl.format("{} is required, but is empty", pl.col("column")))
            .otherwise(
                pl.format(
                    "{} = '{}' breaks {}", pl.col("column"), pl.col("failure_case").cast(pl.String), pl.col("check")
                )
            ),
        )
    )


def _rule_name(messages: dict) -> pl.Expr:
    by_message = {message: name for name, message in messages.items() if message}
    return pl.col("check").replace(by_message)


def _rule_message(messages: dict) -> pl.Expr:
    return pl.col("check").replace({name: message or name for name, message in messages.items()})


def _no_faults() -> pl.DataFrame:
    return pl.DataFrame(schema={name: dtype for name, dtype in REJECTED_SCHEMA.items() if name != "record"})


def _one_row_per_record(faults: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    first = faults.group_by("row_number", maintain_order=True).agg(
        pl.col("rule", "column_name", "value").first(),
        message=pl.col("message").unique(maintain_order=True).str.join("; "),
    )
    broken = rows.filter(pl.col("row_number").cast(pl.Int64).is_in(first["row_number"].implode())).with_columns(
        pl.col(pl.Datetime).dt.to_string("%Y-%m-%d %H:%M:%S%.f"), pl.col(pl.Date).dt.to_string("%Y-%m-%d")
    )
    records = pl.DataFrame(
        {
            "row_number": broken["row_number"].cast(pl.Int64),
            "record": [
                json.dumps(row, ensure_ascii=False, default=str) for row in broken.drop("row_number").to_dicts()
            ],
        },
        schema={"row_number": pl.Int64, "record": pl.String},
    )
    return first.join(records, on="row_number", how="left").select(list(REJECTED_SCHEMA))


def _safe_to_show(rejected: pl.DataFrame) -> pl.DataFrame:
    return rejected.with_columns(pl.col("value", "message", "record").str.replace_all(_CONTROL, _SHOWN_CONTROL))


def _as_rejected(unreadable: Sequence[Unreadable]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "row_number": u.row_number,
                "rule": u.rule,
                "column_name": None,
                "value": None,
                "message": u.message,
                "record": u.record,
            }
            for u in unreadable
        ],
        schema=REJECTED_SCHEMA,
    )
