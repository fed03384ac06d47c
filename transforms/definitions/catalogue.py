"""The catalogue of indicators: what there is, as the headers of the recipes state it."""

import polars as pl

from suanheng.transforms.definitions.recipes import Recipe, recipes


def indicator_recipes() -> list[Recipe]:
    """Recipes of the indicators, by dimension and name; the fill that joins them to the spine is not one."""
    return [recipe for recipe in recipes("indicators") if recipe.folder]


def fill() -> Recipe:
    """The recipe that joins the facts of all indicators to the spine."""
    return next(recipe for recipe in recipes("indicators") if not recipe.folder)


def catalogue() -> pl.DataFrame:
    """One row per indicator, from the headers of the recipes: what it is, its unit and its source."""
    rows = []
    for recipe in indicator_recipes():
        name_en, _, name_zh = recipe.header.get("name", recipe.name).partition(" | ")
        header = recipe.header
        rows.append(
            {
                "indicator": recipe.name,
                "dimension": None if recipe.folder == "supplementary" else recipe.folder,
                "name_en": name_en,
                "name_zh": name_zh or name_en,
                **{key: header.get(key) for key in ("formula", "unit", "better", "origin", "source", "gap")},
                "window": header.get("window", "period"),
                "recipe": recipe.shown_path,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"dimension": pl.String})


def indicator_views() -> dict[str, str]:
    """Statements that make one view per indicator over the table of all, by ``stage.view``."""
    return {
        f"indicators.{recipe.name}": f'CREATE VIEW indicators."{recipe.name}" AS '
        f"SELECT * FROM indicators.\"all\" WHERE indicator = '{recipe.name}'"
        for recipe in indicator_recipes()
    }
