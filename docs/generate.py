"""Writes the pages that contracts, recipes and the methodology decide: formats, datasets, indicators, methodology.

Run it with ``make docs``. A test compares the pages with what is written here, so they cannot go out of date.
"""

import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from suanheng.flows.sources.reading.files import WHOLE_FILE_BYTES
from suanheng.schemas.checking.records import check
from suanheng.schemas.columns import IDENTIFIER, provenance
from suanheng.schemas.contract import Column, Contract
from suanheng.schemas.formats import Format, formats
from suanheng.schemas.staged import DATASETS
from suanheng.schemas.tables.indicators import STATUSES
from suanheng.transforms.definitions.catalogue import catalogue, indicator_recipes
from suanheng.transforms.definitions.recipes import Recipe
from suanheng.transforms.scoring.aggregate import Aggregation
from suanheng.transforms.scoring.methodology import Goalpost, Methodology, ScoredIndicator, load, shipped

FOLDER = Path(__file__).parent
METHODOLOGY = "hqc-2024"
MADE_FROM = "<!-- Made by docs/generate.py. Change what it reads, then: make docs -->"

TESTS = FOLDER.parent / "tests"
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

_CONFIDENCE = {"secondary": "secondary source", "primary": "primary source", "natural limit": "natural limit"}
_OURS = "derived or chosen by this project"

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
    return _page(
        "Formats",
        f"The {len(known)} formats that suanheng reads besides its own templates. A `[[source]]` in `sources.toml` "
        "names one of them. Each has a page: a source, an example, what is refused and why, options and columns. "
        "`suanheng sources list` shows the same table, `suanheng sources check` tries your own files.",
        "Our own templates have the format name `template` and the columns of [datasets](datasets.md); "
        "`suanheng template DATASET` writes an empty one.",
        "**times**: " + "; ".join(f"`{name}` {meaning}" for name, meaning in TIMES.items()) + ". "
        "**memory**: " + "; ".join(f"`{name}` {meaning}" for name, meaning in HOLDS.items()) + ". "
        "Files may be compressed with gzip, bzip2, xz or zstd; archives of several files are not unpacked.",
        _table(
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
    return _page(
        form.name,
        f"{form.title}. One record is {own.one_row_is}. Feeds {_feeds(form, '../')}.",
        "## Binding",
        _as_code(_sample_source(form), "toml"),
        *([_options(form)] if form.options else []),
        f"Times: `{form.times}`, {TIMES[form.times]}. Memory: `{form.holds}`, {HOLDS[form.holds]}.",
        "## Example",
        *_example(form),
        "## What is refused, and why",
        "The whole file:",
        "\n".join(f"- {_escaped(sentence)}" for sentence in form.refuses),
        "A record goes to quarantine when a required value is missing, or a value is not of its type or not allowed.",
        *_rules(own),
        "## Columns",
        "Columns keep the source's own labels in `raw." + form.name + "`. Columns that are not listed are ignored.",
        _columns(own),
        *_nulls(own),
        "## Known limits",
        "\n".join(f"- {_escaped(sentence)}" for sentence in form.limits),
    )


def datasets_page() -> str:
    """The datasets: what a row is, its key, and every column."""
    return _page(
        "Datasets",
        f"The {len(DATASETS)} datasets. Every file becomes rows of these, whatever format it came in. "
        "`suanheng template DATASET` writes an empty file with these columns; a header may use the name or any of "
        "its other spellings, in any order. Times are ISO 8601; without an offset they are UTC under a header that "
        "ends in `_utc`, else in the `time_zone` of the source. Days are `2023-05-31`, `2023/05/31` or "
        "`2023年05月31日`.",
        "A record goes to quarantine when a required value is missing, a value is not of its type or not allowed, or "
        "one of the rules below the table is broken. Everything else of the file stays.",
        "Every row of the warehouse also begins with "
        + ", ".join(f"`{name}` ({_lower_first(column.meaning)})" for name, column in provenance().items())
        + ".",
        _table(
            ("dataset", "one row is", "fed by"),
            [
                (f"[`{name}`](#{name})", contract.one_row_is, ", ".join(f"`{form}`" for form in _fed_by(name)))
                for name, contract in DATASETS.items()
            ],
        ),
        *(section for contract in DATASETS.values() for section in _dataset_sections(contract)),
    )


def indicators_page() -> str:
    """Every indicator: its catalogue entry, and how the default methodology scores it."""
    methodology = load(METHODOLOGY)
    return _page(
        "Indicators",
        f"The indicators and how the methodology `{METHODOLOGY}` scores them. "
        + " ".join(methodology.origin_note.split()),
        "Every value is a sum of numerators over a sum of denominators, so three months add up to the quarter; "
        "quantiles and the Gini coefficient are taken over the runs of the whole period. "
        "A value without enough coverage is withheld, never scored as zero. "
        "`trailing year` means the twelve months up to the end of the period.",
        "**origin** says where the name comes from: `published` in the 2024 report, `standard` in a standard, "
        "`declared` by this project. Goalposts are the values that score 0 and 100; each says why.",
        "A value has one of these statuses: " + ", ".join(f"`{status}`" for status in STATUSES) + ".",
        _overview(methodology),
        *(section for recipe in _in_order(methodology) for section in _indicator_sections(recipe, methodology)),
    )


def methodology_page() -> str:
    """Every methodology that ships: how it scores, each indicator, and what is declared rather than published."""
    methodologies = sorted(shipped(), key=lambda each: each.methodology != METHODOLOGY)
    return _page(
        "Methodology",
        "How centres are scored, from the methodology files that ship. "
        + ", ".join(f"[`{each.methodology}`](#{each.methodology})" for each in methodologies)
        + f"; `{METHODOLOGY}` is the default, and `[scoring] methodology` in `suanheng.toml` names another or a file "
        "of your own. `suanheng whatif METHODOLOGY` shows what that would change.",
        "**This project does not claim that the indicators scored here are the twelve of the September 2024 report "
        "《人工智能算力高质量发展评估体系报告》; no score here is a score of that report.** "
        "Five names of dimensions and four of indicators "
        "are public; its other names and all its formulas, weights and goalposts are not. What stands in their place "
        "is declared by this project, is marked so below, and can be replaced without code.",
        "A value becomes points on the straight line from the goalpost of 0 points to that of 100, and stays within "
        "0 to 100. Goalposts are frozen: another site or another quarter moves no score. An indicator that is "
        "withheld has no points; the composite then has an interval, from that indicator at 0 to at 100, and no score. "
        "What an indicator contributes to a composite and to its change is in `scorecards.explanations`.",
        "**declared** names what of an indicator this project decided. **confidence** says what a goalpost rests on, "
        "in the words of its own source: "
        + ", ".join(f"*{grade}*" for grade in _CONFIDENCE.values())
        + f", or *{_OURS}*.",
        *(section for each in methodologies for section in _methodology_sections(each)),
    )


PAGES: dict[str, Callable[[], str]] = {
    "formats.md": formats_page,
    **{f"formats/{form.name}.md": partial(format_page, form) for form in formats().values()},
    "datasets.md": datasets_page,
    "indicators.md": indicators_page,
    "methodology.md": methodology_page,
}
"""File name to what it should hold."""


def write(folder: Path = FOLDER) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(page(), encoding="utf-8")


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
    return _table(("option", "meaning"), [(f"`{name}`", meaning) for name, meaning in form.options.items()])


def _example(form: Format) -> Iterator[str]:
    """How the sample begins, and what the gate makes of it: run, not told."""
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
        yield _as_code("\n".join([*(_cut(line) for line in lines[:EXAMPLE_LINES]), *more]))
    yield f"Read with this source: {accepted} records accepted, {len(rejected)} quarantined" + (
        ":" if rejected else "."
    )
    if rejected:
        yield "\n".join(f"- row {row['row_number']}: {_escaped(row['message'])} (`{row['rule']}`)" for row in rejected)


def _cut(line: str) -> str:
    return line if len(line) <= EXAMPLE_WIDTH else line[:EXAMPLE_WIDTH] + " …"


def _as_code(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"


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
    return _table(header, rows)


def _nulls(own: Contract) -> Iterator[str]:
    if nulls := list(dict.fromkeys(text for column in own.columns.values() for text in column.nulls)):
        yield "Read as unknown: " + ", ".join(f"`{text}`" for text in nulls) + "."


def _dataset_sections(contract: Contract) -> Iterator[str]:
    columns = {name: column for name, column in contract.columns.items() if name not in provenance()}
    yield f"## {contract.name}"
    yield f"One row is {contract.one_row_is}. Key within a site: {', '.join(f'`{name}`' for name in contract.key)}."
    yield _table(
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


def _overview(methodology: Methodology) -> str:
    entries = {entry["indicator"]: entry for entry in catalogue().iter_rows(named=True)}
    titles = {dimension.dimension: f"{dimension.name_zh} {dimension.name_en}" for dimension in methodology.dimensions}
    return _table(
        ("indicator", "name", "dimension", "unit", "better", "origin"),
        [
            (
                f"[`{name}`](#{name})",
                f"{entry['name_zh']} {entry['name_en']}",
                titles.get(entry["dimension"] or "", "supplementary"),
                entry["unit"],
                entry["better"],
                entry["origin"],
            )
            for name, entry in ((recipe.name, entries[recipe.name]) for recipe in _in_order(methodology))
        ],
    )


def _in_order(methodology: Methodology) -> list[Recipe]:
    """Recipes as a scorecard shows them: scored, then supplementary, then those the methodology does not name."""
    named = [*(scored.indicator for scored in methodology.indicators), *methodology.supplementary]
    recipes = {recipe.name: recipe for recipe in indicator_recipes()}
    return [recipes[name] for name in dict.fromkeys([*(name for name in named if name in recipes), *recipes])]


def _indicator_sections(recipe: Recipe, methodology: Methodology) -> Iterator[str]:
    name_en, _, name_zh = recipe.header["name"].partition(" | ")
    yield f"## {recipe.name}"
    yield f"**{name_zh} · {name_en}**"
    yield _prose(recipe)
    scored = next((one for one in methodology.indicators if one.indicator == recipe.name), None)
    facts = {
        "formula": recipe.header["formula"],
        "unit": recipe.header["unit"],
        "better": recipe.header["better"],
        "window": recipe.header.get("window", "period"),
        "origin": recipe.header["origin"],
        "source": recipe.header["source"],
        "without facts": f"`{recipe.header['gap']}`",
        "recipe": f"[`{recipe.shown_path}`](../{recipe.shown_path})",
        **(_how_scored(scored, methodology) if scored else {"scored": "no, reported beside the score"}),
    }
    yield _table(("what", "is"), list(facts.items()))


def _how_scored(scored: ScoredIndicator, methodology: Methodology) -> dict[str, str]:
    dimension = next(one for one in methodology.dimensions if scored in one.indicators)
    return {
        "dimension": f"{dimension.name_zh} {dimension.name_en} (`{dimension.dimension}`, {dimension.origin})",
        "weight in the dimension": f"{scored.weight:g} of {sum(one.weight for one in dimension.indicators):g}",
        "minimum coverage": f"{scored.minimum_coverage:g}",
        "0 points at": _goalpost(scored.at_0),
        "100 points at": _goalpost(scored.at_100),
    }


def _methodology_sections(methodology: Methodology) -> Iterator[str]:
    yield f"## {methodology.methodology}"
    path = f"config/methodology/{methodology.methodology}.yaml"
    yield f"**{methodology.name_zh} · {methodology.name_en}**, version {methodology.version}, [`{path}`](../{path})."
    yield _escaped(" ".join(methodology.origin_note.split()))
    bands = ", ".join(f"{band.grade} from {band.lowest_score:g}" for band in methodology.grades)
    yield (
        f"Indicators become dimensions by {_mean(methodology.of_indicators)}, dimensions the composite by "
        f"{_mean(methodology.of_dimensions)}. Grades: {bands}."
    )
    yield _table(
        ("dimension", "weight", "name", "indicators (weight)"),
        [
            (
                f"{dimension.name_zh} {dimension.name_en}",
                f"{dimension.weight:g}",
                dimension.origin,
                ", ".join(f"[`{one.indicator}`](#{one.indicator}) ({one.weight:g})" for one in dimension.indicators),
            )
            for dimension in methodology.dimensions
        ],
    )
    recipes = {recipe.name: recipe for recipe in indicator_recipes()}
    for dimension in methodology.dimensions:
        for scored in dimension.indicators:
            yield f"### {scored.indicator}"
            yield f"**{scored.name_zh} · {scored.name_en}**"
            facts = _judged_by(scored, recipes[scored.indicator])
            yield _table(("what", "is"), list(facts.items()))


def _judged_by(scored: ScoredIndicator, recipe: Recipe) -> dict[str, str]:
    return {
        "formula": recipe.header["formula"],
        "unit": scored.unit,
        "better": scored.better,
        "source of the formula": recipe.header["source"],
        "minimum coverage": f"{scored.minimum_coverage:g}",
        "0 points at": _goalpost(scored.at_0),
        "confidence in it": _confidence(scored.at_0),
        "100 points at": _goalpost(scored.at_100),
        "confidence in that": _confidence(scored.at_100),
        "declared": ", ".join(_declared(scored)),
        "defined by": f"[`{recipe.name}`](indicators.md#{recipe.name})",
    }


def _declared(scored: ScoredIndicator) -> Iterator[str]:
    """What of an indicator is neither published nor in a standard. No methodology publishes weights or limits."""
    if scored.origin == "declared":
        yield "name"
    if scored.origin != "standard":
        yield "formula"
    yield from ("weight", "minimum coverage")
    if scored.at_0.origin == "declared":
        yield "0 points"
    if scored.at_100.origin == "declared":
        yield "100 points"


def _confidence(goalpost: Goalpost) -> str:
    source = goalpost.source.casefold()
    return next((grade for words, grade in _CONFIDENCE.items() if words in source), _OURS)


def _mean(how: Aggregation) -> str:
    exponent = "" if how.exponent is None else f" with exponent {how.exponent:g}"
    moved = f", taken on {how.lowest:g} to 100" if how.lowest else ""
    return f"their weighted {how.method} mean{exponent}{moved}"


def _goalpost(goalpost: Goalpost) -> str:
    return f"{goalpost.value:g} ({goalpost.origin}): {' '.join(goalpost.source.split())}"


def _prose(recipe: Recipe) -> str:
    """The header without its catalogue lines: what one row is, and why it is made so."""
    comment = [line[2:].strip() for line in recipe.query.splitlines() if line.startswith("--")]
    keys = tuple(f"{key}: " for key in recipe.header)
    return _escaped(" ".join(line for line in comment if not line.startswith(keys)))


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


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str | None) -> str:
    """Text as Markdown shows it: no cell ends early, no < begins a tag, no * begins emphasis."""
    parts = (text or "").replace("|", "\\|").split("`")
    outside = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    return "`".join(
        part for pair in zip(outside, [*parts[1::2], None], strict=False) for part in pair if part is not None
    )


def _lower_first(sentence: str | None) -> str:
    text = (sentence or "").rstrip(".")
    return text if text[:2].isupper() or text.startswith("SHA") else text[:1].lower() + text[1:]


def _page(title: str, *sections: str) -> str:
    return "\n\n".join([MADE_FROM, f"# {title}", *sections]) + "\n"


if __name__ == "__main__":
    write()
