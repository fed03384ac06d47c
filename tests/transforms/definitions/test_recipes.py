"""What holds for every recipe."""

import re

import pytest

from suanheng.schemas.formats import formats, raw_tables
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.definitions import recipes as module
from suanheng.transforms.definitions.catalogue import indicator_recipes
from suanheng.transforms.definitions.recipes import BadRecipe, Recipe, in_build_order, reads_rightwards, recipes

ALL = [recipe for stage in module.STAGES for recipe in recipes(stage)]
GAPS = {
    "no telemetry", "no meter readings", "no bill", "no workload records", "no benchmark", "no model evaluation",
    "no inventory", "no bill of materials", "no software inventory", "no compatibility tests", "no offers",
    "no incidents log", "no certificates", "no factor", "no price", "not applicable",
}  # fmt: skip


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.shown_path)
def test_recipe_reads_only_to_its_left(recipe: Recipe) -> None:
    if recipe.table == "indicators.all":
        assert set(reads_rightwards(recipe)) == {"indicators.monthly_facts", "indicators.period_facts"}
    else:
        assert reads_rightwards(recipe) == []


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.shown_path)
def test_recipe_says_first_what_one_row_is(recipe: Recipe) -> None:
    assert re.match(r"One row per ", recipe.one_row_is), recipe.one_row_is


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.shown_path)
def test_recipe_pastes_into_a_shell(recipe: Recipe) -> None:
    assert "{{" not in recipe.query and "{%" not in recipe.query, "no templating"
    assert not re.search(r"(?<!')\$[a-z]", recipe.query), "parameters come through getvariable"


@pytest.mark.parametrize("recipe", indicator_recipes(), ids=lambda recipe: recipe.name)
def test_indicator_header_is_a_whole_catalogue_entry(recipe: Recipe) -> None:
    missing = {"name", "formula", "unit", "better", "origin", "gap", "source", "grain"} - recipe.header.keys()
    assert not missing
    assert " | " in recipe.header["name"], "English | 中文"
    assert recipe.header["better"] in {"higher", "lower", "neither"}
    assert recipe.header["origin"] in {"published", "declared", "standard"}
    assert recipe.header["gap"] in GAPS
    assert recipe.header.get("window", "period") in {"period", "trailing year"}


def test_four_names_are_published_and_no_more() -> None:
    published = {recipe.name for recipe in indicator_recipes() if recipe.header["origin"] == "published"}
    assert published == {
        "theoretical_efficiency", "measured_performance", "resource_utilisation", "model_compute_efficiency",
    }  # fmt: skip


def test_rollups_are_built_after_those_they_read() -> None:
    order = [recipe.table for recipe in in_build_order("rollups")]
    for recipe in recipes("rollups"):
        for table in recipe.reads & set(order):
            assert order.index(table) < order.index(recipe.table)


@pytest.mark.parametrize("recipe", [recipe for recipe in ALL if recipe.is_view], ids=lambda recipe: recipe.name)
def test_a_view_holds_for_every_site_and_month(recipe: Recipe) -> None:
    assert recipe.stage == "rollups"
    assert "getvariable" not in recipe.query, "who asks a view has set no variables"


def test_a_rollup_that_is_kept_has_a_reader() -> None:
    made_by = {recipe.table: recipe for recipe in recipes("rollups")}
    waiting = [recipe for stage in ("indicators", "scorecards") for recipe in recipes(stage)]
    waiting.append(made_by["rollups.telemetry_findings_month"])  # suanheng explain
    reached = {recipe.table for recipe in waiting}
    while waiting:
        behind = waiting.pop().reads & made_by.keys() - reached
        reached |= behind
        waiting += [made_by[table] for table in behind]
    assert (
        sorted(recipe.table for recipe in recipes("rollups") if not recipe.is_view and recipe.table not in reached)
        == []
    )


def test_every_format_has_a_feed_for_each_dataset_it_names() -> None:
    there = {
        (recipe.folder, table) for recipe in recipes("staged") for table in recipe.reads if table.startswith("raw.")
    }
    assert there == {(dataset, f"raw.{form.name}") for form in formats().values() for dataset in form.feeds}


def test_every_dataset_has_a_template_and_its_key_exists() -> None:
    for name, contract in DATASETS.items():
        assert f"template_{name}" in raw_tables()
        assert set(contract.key) <= set(contract.columns)


def test_a_recipe_that_is_no_select_is_refused(tmp_path) -> None:
    path = tmp_path / "bad.sql"
    for text in ("DROP TABLE raw.x", "SELECT 1; SELECT 2", "SELEC 1"):
        with pytest.raises(BadRecipe, match=r"bad\.sql is not one SELECT"):
            module.tables_read(path, text)


def test_tables_are_read_off_the_parse_tree_not_the_text() -> None:
    query = """-- FROM staged.not_this
    WITH raw AS (SELECT * FROM staged.a)
    SELECT 'FROM staged.nor_this' FROM raw JOIN reference.b USING (x)
    """
    assert module.tables_read(module.FOLDER, query) == {"staged.a", "reference.b"}
