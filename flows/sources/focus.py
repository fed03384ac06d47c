"""Reader of cloud cost and usage in FOCUS 1.0 to 1.2, as CSV or Parquet, in the dialect its source declares."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from suanheng.flows.sources.reading.files import bare_name
from suanheng.flows.sources.reading.text import (
    CHUNK_ROWS,
    chunks,
    csv_records,
    lines,
    quotes_do_not_pair,
    refuse_repeated,
    wrong_field_count,
)
from suanheng.schemas.checking.records import Chunk, Unreadable, UnreadableFile
from suanheng.schemas.raw.focus import (
    COLUMNS,
    CONTRACT,
    DIALECTS,
    MANDATORY,
    NEVER_NULL,
    PLACEHOLDERS,
    PRICES,
    STAMP_FORMS,
    STAMPS,
    Dialect,
)

_NUMBERS = {name for name, dtype in CONTRACT.dtypes().items() if dtype == pl.Float64}

Deviation = tuple[pl.Expr, bool]
"""Words on what differs in a row, or null; and whether the dialect declares it."""


def read(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
    """Yield the charges in chunks of 100,000, with what differs from FOCUS beside each row.

    What the dialect declares is put right and noted in ``deviations``; everything else is left as it is and noted in
    ``undeclared``, for the gate to refuse.

    Args:
        path: a CSV file, compressed or not, or a ``.parquet`` file.
        options: ``dialect``, ``accelerators`` and ``encoding``.

    Raises:
        UnreadableFile: the header is not of FOCUS and not of the dialect, or the dialect is unknown.
    """
    dialect = _dialect(options.get("dialect", "focus"))
    accelerators = _accelerators(options.get("accelerators", {}))
    charges = _parquet(path, dialect) if bare_name(path).endswith(".parquet") else _csv(path, options, dialect)
    for in_the_header, chunk in charges:
        rows = _in_focus(chunk.rows, dialect, in_the_header)
        yield Chunk(rows.with_columns(_rented(rows, accelerators)), chunk.unreadable)


def _dialect(stated: Any) -> Dialect:
    if isinstance(stated, Mapping) and set(stated) <= set(Dialect.__dataclass_fields__):
        rules: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in stated.items()}
        return Dialect(**rules)
    if isinstance(stated, str) and stated in DIALECTS:
        return DIALECTS[stated]
    raise UnreadableFile(
        "The dialect of FOCUS is not known",
        expected=f"one of {', '.join(DIALECTS)}, or a table with {', '.join(Dialect.__dataclass_fields__)}",
        got=repr(stated),
        do="Correct options = { dialect = … } in sources.toml.",
    )


def _accelerators(stated: Any) -> dict[str, tuple[str, int | None]]:
    """Model and number of the accelerators rented, by the identifier of what is charged."""
    try:
        return {key: (str(what["sku"]), what.get("devices")) for key, what in stated.items()}
    except (AttributeError, KeyError, TypeError):
        raise UnreadableFile(
            "Option accelerators cannot be followed",
            expected="a table from an identifier to { sku = '…', devices = 8 }, devices only where the file has none",
            got=repr(stated),
            do="Correct the options of the source in sources.toml.",
        ) from None


def _csv(path: Path, options: Mapping[str, Any], dialect: Dialect) -> Iterator[tuple[str | None, Chunk]]:
    records = csv_records(line for _, line in lines(path, options, newline=""))
    _, text, header = next(records, (1, "", []))
    labels, in_the_header = _labels(path, header if isinstance(header, list) else [text], dialect)
    for chunk in chunks(_fitting(records, len(labels)), labels):
        yield in_the_header, chunk


def _fitting(
    records: Iterable[tuple[int, str, list[str] | csv.Error]], width: int
) -> Iterator[tuple[Any, ...] | Unreadable]:
    for number, text, fields in records:
        if isinstance(fields, csv.Error):
            yield quotes_do_not_pair(number, text, fields)
        elif len(fields) == width:
            yield (number, *fields)
        elif fields:
            yield wrong_field_count(number, fields, width, text)


def _parquet(path: Path, dialect: Dialect) -> Iterator[tuple[str | None, Chunk]]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise UnreadableFile(
            f"{path.name} is not a Parquet file, or not a whole one",
            expected="a complete Parquet file",
            got=str(error),
            do="Export or copy it again.",
        ) from None
    labels, in_the_header = _labels(path, file.schema_arrow.names, dialect)
    first = 1
    for batch in file.iter_batches(CHUNK_ROWS):
        rows = pl.DataFrame({label: _flat(part) for label, part in zip(labels, batch.columns, strict=True)})
        yield in_the_header, Chunk(rows.with_row_index("row_number", offset=first))
        first += rows.height


def _flat(part: pa.Array) -> pl.Series:
    """A column whose maps, lists and structures are JSON, as they are in CSV."""
    if not pa.types.is_nested(part.type):
        return pl.Series(pl.from_arrow(part))
    values = part.to_pylist(maps_as_pydicts="lossy") if pa.types.is_map(part.type) else part.to_pylist()
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return pl.Series(texts, dtype=pl.String)


def _labels(path: Path, header: Sequence[str], dialect: Dialect) -> tuple[list[str], str | None]:
    """The header under the names of FOCUS, and in words what differs in it."""
    labels = [dialect.renamed.get(label, label) for label in header]
    refuse_repeated(path, labels)
    extra = [label for label in labels if label not in COLUMNS and not label.startswith("x_")]
    missing = [label for label in MANDATORY if label not in labels]
    declared = [name for name in extra if any(fnmatchcase(name, pattern) for pattern in dialect.extra_columns)]
    undeclared = {
        "not of FOCUS": [name for name in extra if name not in declared],
        "missing": [name for name in missing if name not in dialect.missing_columns],
    }
    if any(undeclared.values()):
        raise UnreadableFile(
            f"{path.name} does not have the columns of FOCUS",
            expected="every mandatory column of FOCUS 1.0 to 1.2, and no other than those of FOCUS and x_…",
            got="; ".join(f"{words}: {', '.join(names)}" for words, names in undeclared.items() if names),
            do="Name the supplier's dialect in options of the source, if it is declared there; else export it anew.",
        )
    noted = [
        *(f"{new}: is called {old}" for old, new in dialect.renamed.items() if old in header),
        *(f"{name}: extra column" for name in extra),
        *(f"{name}: missing column" for name in missing),
    ]
    return labels, ", ".join(noted) or None


def _in_focus(rows: pl.DataFrame, dialect: Dialect, in_the_header: str | None) -> pl.DataFrame:
    texts = [name for name in COLUMNS if name in rows.columns and rows.schema[name] == pl.String]
    as_written = _notes(rows, [*_placeholders(texts, dialect), *_stamps(texts, dialect)])
    right = rows.with_columns(
        *(_without(name, dialect.placeholders) for name in texts if name not in STAMPS),
        *(_conforming(name, dialect) for name in STAMPS if name in texts),
    )
    as_meant = _notes(right, [*_zero_prices(right, dialect), *_nulls(right, dialect)])
    notes = pl.concat([as_written, as_meant.select(pl.all().name.suffix("_meant"))], how="horizontal").select(
        deviations=_joined([pl.lit(in_the_header, pl.String), pl.col("deviations"), pl.col("deviations_meant")]),
        undeclared=_joined([pl.col("undeclared"), pl.col("undeclared_meant")]),
    )
    return right.with_columns(_priced(right, dialect)).with_columns(notes)


def _notes(rows: pl.DataFrame, deviations: Sequence[Deviation]) -> pl.DataFrame:
    """What differs in each row, apart by whether the dialect declares it."""
    return rows.select(
        deviations=_joined([words for words, is_declared in deviations if is_declared]),
        undeclared=_joined([words for words, is_declared in deviations if not is_declared]),
    )


def _joined(words: Sequence[pl.Expr]) -> pl.Expr:
    text = pl.concat_str([pl.lit(None, pl.String), *words], separator=", ", ignore_nulls=True)
    return pl.when(text != "").then(text)


def _placeholders(texts: Sequence[str], dialect: Dialect) -> Iterator[Deviation]:
    for name in texts:
        known = [text for text in PLACEHOLDERS if name not in _NUMBERS or text != "-2"]
        for is_declared, words in (
            (True, [text for text in known if text in dialect.placeholders]),
            (False, [text for text in known if text not in dialect.placeholders]),
        ):
            written = pl.col(name)
            yield pl.when(written.is_in(words)).then(pl.format(f"{name}: {{}}", written)), is_declared


def _stamps(texts: Sequence[str], dialect: Dialect) -> Iterator[Deviation]:
    for name in (name for name in STAMPS if name in texts):
        for form, pattern in STAMP_FORMS.items():
            yield pl.when(pl.col(name).str.contains(pattern)).then(pl.lit(f"{name}: {form}")), form in dialect.stamps


def _zero_prices(rows: pl.DataFrame, dialect: Dialect) -> Iterator[Deviation]:
    for price in _priced_columns(rows):
        words = pl.when(_is_zero_beside_a_cost(price)).then(pl.lit(f"{price}: 0 beside a cost"))
        yield words, dialect.zero_price_is_null


def _nulls(rows: pl.DataFrame, dialect: Dialect) -> Iterator[Deviation]:
    for name in (name for name in NEVER_NULL if name in rows.columns):
        empty = pl.col(name).is_null() | (pl.col(name).cast(pl.String) == "")
        yield pl.when(empty).then(pl.lit(f"{name}: no value")), name in dialect.without_value


def _without(name: str, placeholders: Sequence[str]) -> pl.Expr:
    texts = [text for text in placeholders if name not in _NUMBERS or text != "-2"]
    return pl.when(~pl.col(name).is_in(texts)).then(pl.col(name)).alias(name)


def _conforming(name: str, dialect: Dialect) -> pl.Expr:
    """A stamp in one of the declared forms, as FOCUS writes it."""
    stamp = pl.col(name)
    for form in dialect.stamps:
        seconds = stamp.str.slice(0, 10) + "T" + stamp.str.slice(11, 5)
        whole = (
            seconds + pl.when(stamp.str.len_chars() > 18).then(stamp.str.slice(16, 3)).otherwise(pl.lit(":00")) + "Z"
        )
        stamp = pl.when(stamp.str.contains(STAMP_FORMS[form])).then(whole).otherwise(stamp)
    return stamp.alias(name)


def _priced_columns(rows: pl.DataFrame) -> list[str]:
    return [price for price, cost in PRICES.items() if {price, cost} <= set(rows.columns)]


def _is_zero_beside_a_cost(price: str) -> pl.Expr:
    stated, cost = (pl.col(name).cast(pl.Float64, strict=False) for name in (price, PRICES[price]))
    return (stated == 0) & (cost != 0)


def _priced(rows: pl.DataFrame, dialect: Dialect) -> list[pl.Expr]:
    if not dialect.zero_price_is_null:
        return []
    return [
        pl.when(~_is_zero_beside_a_cost(p).fill_null(False)).then(pl.col(p)).alias(p) for p in _priced_columns(rows)
    ]


def _rented(rows: pl.DataFrame, accelerators: Mapping[str, tuple[str, int | None]]) -> list[pl.Expr]:
    """Model and number of the accelerators of a row, by the first of its identifiers that the source names."""
    keys = [pl.col(name).cast(pl.String) for name in ("SkuPriceId", "SkuId") if name in rows.columns]
    if "SkuPriceDetails" in rows.columns:
        keys.append(pl.col("SkuPriceDetails").str.extract(r'"InstanceType"\s*:\s*"([^"]*)"'))
    named = pl.coalesce(pl.lit(None, pl.String), *(pl.when(key.is_in(list(accelerators))).then(key) for key in keys))
    models = {key: model for key, (model, _) in accelerators.items()}
    counts = {key: count for key, (_, count) in accelerators.items()}
    return [
        named.replace_strict(models, default=None, return_dtype=pl.String).alias("accelerator_sku"),
        named.replace_strict(counts, default=None, return_dtype=pl.Int64).alias("accelerators"),
    ]
