"""Pages that recipes and the methodologies decide: indicators, methodology."""

from collections.abc import Iterator

from generators.markdown import escaped, page, table

from suanheng.schemas.tables.indicators import STATUSES
from suanheng.transforms.definitions.catalogue import catalogue, indicator_recipes
from suanheng.transforms.definitions.recipes import Recipe
from suanheng.transforms.scoring.aggregate import Aggregation
from suanheng.transforms.scoring.methodology import Goalpost, Methodology, ScoredIndicator, load, shipped

METHODOLOGY = "hqc-2024"
_CONFIDENCE = {"secondary": "secondary source", "primary": "primary source", "natural limit": "natural limit"}
_OURS = "derived or chosen by this project"


def indicators_page() -> str:
    """Every indicator: its catalogue entry, and how the default methodology scores it."""
    methodology = load(METHODOLOGY)
    return page(
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
    return page(
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


def _overview(methodology: Methodology) -> str:
    entries = {entry["indicator"]: entry for entry in catalogue().iter_rows(named=True)}
    titles = {dimension.dimension: f"{dimension.name_zh} {dimension.name_en}" for dimension in methodology.dimensions}
    return table(
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
    yield table(("what", "is"), list(facts.items()))


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
    yield escaped(" ".join(methodology.origin_note.split()))
    bands = ", ".join(f"{band.grade} from {band.lowest_score:g}" for band in methodology.grades)
    yield (
        f"Indicators become dimensions by {_mean(methodology.of_indicators)}, dimensions the composite by "
        f"{_mean(methodology.of_dimensions)}. Grades: {bands}."
    )
    yield table(
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
            yield table(("what", "is"), list(facts.items()))


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
    return escaped(" ".join(line for line in comment if not line.startswith(keys)))
