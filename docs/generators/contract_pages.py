"""Pages that the contracts decide: formats, each format, datasets."""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from generators.markdown import as_code, escaped, lower_first, page, table

from suanheng.flows.sources.reading.files import WHOLE_FILE_BYTES
from suanheng.schemas.checking.records import check
from suanheng.schemas.columns import IDENTIFIER, provenance
from suanheng.schemas.contract import Column, Contract
from suanheng.schemas.formats import Format, formats
from suanheng.schemas.staged import DATASETS

TESTS = Path(__file__).parents[2] / "tests"
EXAMPLE_LINES = 12
EXAMPLE_WIDTH = 160

TIMES = {
    "local": "times are local and the source must say `time_zone`",
    "stated": "every time carries its zone",
    "days": "days, no times",
}
HOLDS = {
    "chunks": "the reader holds at most 100,000 records at a time, whatever the size of the file",
    "document": f"the reader holds the whole document, which may be at most {WHOLE_FILE_BYTES // 2**20} MiB unpacked",
}

_TYPES = {
    pl.String: "text",
    pl.Float64: "number",
    pl.Int64: "whole number",
    pl.Boolean: "true or false",
    pl.Date: "day",
    pl.Datetime: "time",
}


def formats_page() -> str:
    """The table of every format: what it feeds, how it treats time and memory, and what it does not read."""
    known = formats().values()
    return page(
        "Formats",
        f"The {len(known)} formats that suanheng reads besides its own templates. A `[[source]]` in `sources.toml` "
        "names one of them. Each has a page: a source, an example, what is refused and why, options and columns. "
        "`suanheng sources list` shows the same table, `suanheng sources check` tries your own files.",
        "Our own templates have the format name `template` and the columns of [datasets](datasets.md); "
        "`suanheng template DATASET` writes an empty one.",
        "**times**: " + "; ".join(f"`{name}` {meaning}" for name, meaning in TIMES.items()) + ". "
        "**memory**: " + "; ".join(f"`{name}` {meaning}" for name, meaning in HOLDS.items()) + ". "
        "Files may be compressed with gzip, bzip2, xz or zstd; archives of several files are not unpacked.",
        table(
            ("format", "what it is", "feeds", "times", "memory", "tested sample", "known limits"),
            [
                (
                    f"[`{form.name}`](formats/{form.name}.md)",
                    form.title,
                    _feeds(form),
                    form.times,
                    form.holds,
                    f"[{Path(form.sample).name}](../tests/{form.sample})",
                    " ".join(form.limits),
                )
                for form in known
            ],
        ),
    )


def format_page(form: Format) -> str:
    """One format: a source, an example, what is refused, its options and its columns."""
    own = form.contract
    return page(
        form.name,
        f"{form.title}. One record is {own.one_row_is}. Feeds {_feeds(form, '../')}.",
        "## Source",
        as_code(_sample_source(form), "toml"),
        *([_options(form)] if form.options else []),
        f"Times: `{form.times}`, {TIMES[form.times]}. Memory: `{form.holds}`, {HOLDS[form.holds]}.",
        "## Example",
        *_example(form),
        "## What is refused, and why",
        "The whole file:",
        "\n".join(f"- {escaped(sentence)}" for sentence in form.refuses),
        "A record goes to quarantine when a required value is missing, or a value is not of its type or not allowed.",
        *_rules(own),
        "## Columns",
        "Columns keep the source's own labels in `raw." + form.name + "`. Columns that are not listed are ignored.",
        _columns(own),
        *_nulls(own),
        "## Known limits",
        "\n".join(f"- {escaped(sentence)}" for sentence in form.limits),
    )


def datasets_page() -> str:
    """The datasets: what a row is, its key, and every column."""
    return page(
        "Datasets",
        f"The {len(DATASETS)} datasets. Every file becomes rows of these, whatever format it came in. "
        "`suanheng template DATASET` writes an empty file with these columns; a header may use the name or any of "
        "its other spellings, in any order. Times are ISO 8601; without an offset they are UTC under a header that "
        "ends in `_utc`, else in the `time_zone` of the source. Days are `2023-05-31`, `2023/05/31` or "
        "`2023年05月31日`.",
        "A record goes to quarantine when a required value is missing, a value is not of its type or not allowed, or "
        "one of the rules below the table is broken. Everything else of the file stays.",
        "Every row of the warehouse also begins with "
        + ", ".join(f"`{name}` ({lower_first(column.meaning)})" for name, column in provenance().items())
        + ".",
        table(
            ("dataset", "one row is", "fed by"),
            [
                (f"[`{name}`](#{name})", contract.one_row_is, ", ".join(f"`{form}`" for form in _fed_by(name)))
                for name, contract in DATASETS.items()
            ],
        ),
        *(section for contract in DATASETS.values() for section in _dataset_sections(contract)),
    )


def _sample_source(form: Format) -> str:
    ending = Path(form.sample).suffix
    stated = {
        "format": form.name,
        "files": f"landing/{{site}}/{form.name}/*{ending}",
        **{name: value for name, value in form.sample_source.items() if name != "options"},
    }
    lines = [f"{name} = {_as_toml(value)}" for name, value in stated.items()]
    if options := form.sample_source.get("options"):
        lines.append(f"options = {_as_toml(options)}")
    return "\n".join(["[[source]]", *lines])


def _as_toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_toml_key(name)} = {_as_toml(inner)}" for name, inner in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _options(form: Format) -> str:
    return table(("option", "meaning"), [(f"`{name}`", meaning) for name, meaning in form.options.items()])


def _example(form: Format) -> Iterator[str]:
    """How the sample begins, and what the gate makes of it: run, not stated."""
    path = TESTS / form.sample
    options = {**form.sample_source.get("options", {}), "encoding": form.sample_source.get("encoding", "utf-8")}
    reader = importlib.import_module(f"suanheng.flows.sources.{form.name}")
    parts = [check(chunk, form.contract, form.sample_source.get("time_zone")) for chunk in reader.read(path, options)]
    accepted = sum(part.accepted.height for part in parts)
    rejected = [row for part in parts for row in part.rejected.sort("row_number").iter_rows(named=True)]
    try:
        lines = path.read_text(encoding=options["encoding"]).splitlines()
    except UnicodeDecodeError:
        yield f"`tests/{form.sample}` is a workbook."
    else:
        more = ["…"] if len(lines) > EXAMPLE_LINES else []
        yield f"`tests/{form.sample}` begins:" if more else f"`tests/{form.sample}`:"
        yield as_code("\n".join([*(_cut(line) for line in lines[:EXAMPLE_LINES]), *more]))
    yield f"Read with this source: {accepted} records accepted, {len(rejected)} quarantined" + (
        ":" if rejected else "."
    )
    if rejected:
        yield "\n".join(f"- row {row['row_number']}: {escaped(row['message'])} (`{row['rule']}`)" for row in rejected)


def _cut(line: str) -> str:
    return line if len(line) <= EXAMPLE_WIDTH else line[:EXAMPLE_WIDTH] + " …"


def _columns(own: Contract) -> str:
    header = ["column", "type", "unit", "required", "allowed", "meaning"]
    rows = [
        [f"`{label}`", _type(column), column.unit or "", _required(column), _allowed(column), column.meaning]
        for label, column in own.columns.items()
    ]
    if any(column.spellings for column in own.columns.values()):
        header.append("also accepted as")
        for row, column in zip(rows, own.columns.values(), strict=True):
            row.append(", ".join(column.spellings))
    return table(header, rows)


def _nulls(own: Contract) -> Iterator[str]:
    if nulls := list(dict.fromkeys(text for column in own.columns.values() for text in column.nulls)):
        yield "Read as unknown: " + ", ".join(f"`{text}`" for text in nulls) + "."


def _dataset_sections(contract: Contract) -> Iterator[str]:
    columns = {name: column for name, column in contract.columns.items() if name not in provenance()}
    yield f"## {contract.name}"
    yield f"One row is {contract.one_row_is}. Key within a site: {', '.join(f'`{name}`' for name in contract.key)}."
    yield table(
        ("column", "type", "unit", "required", "allowed", "meaning", "also accepted as"),
        [
            (
                f"`{name}`",
                _type(column),
                column.unit or "",
                _required(column),
                _allowed(column),
                column.meaning,
                ", ".join(column.spellings),
            )
            for name, column in columns.items()
        ],
    )
    yield from _rules(contract)


def _rules(contract: Contract) -> Iterator[str]:
    if contract.rules:
        yield "Also quarantined:"
        yield "\n".join(f"- {check.error} (`{check.name}`)" for check in contract.rules)


def _feeds(form: Format, up: str = "") -> str:
    if not form.feeds:
        return "no dataset: rollups read its raw table"
    return ", ".join(f"[`{dataset}`]({up}datasets.md#{dataset})" for dataset in form.feeds)


def _fed_by(dataset: str) -> list[str]:
    return ["template", *(form.name for form in formats().values() if dataset in form.feeds)]


def _type(column: Column) -> str:
    return next(words for dtype, words in _TYPES.items() if column.dtype == dtype)


def _required(column: Column) -> str:
    if column.default is not None:
        return f"else `{column.default}`" if column.default != "" else "else empty"
    return "yes" if column.required else ""


def _allowed(column: Column) -> str:
    words = []
    if column.at_least is not None and column.at_most is not None:
        words.append(f"{column.at_least:g} … {column.at_most:g}")
    elif column.at_least is not None:
        words.append(f"≥ {column.at_least:g}")
    elif column.at_most is not None:
        words.append(f"≤ {column.at_most:g}")
    words += [f"`{value}`" for value in column.one_of or ()]
    if column.matches == IDENTIFIER:
        words.append("a name")
    elif column.matches:
        words.append(f"`{column.matches}`")
    return ", ".join(words)
