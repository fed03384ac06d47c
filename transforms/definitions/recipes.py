"""Recipes: one plain SELECT per file. The path is the table's name, the header its catalogue entry."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from suanheng.config.errors import ExitCode, SuanhengError

FOLDER = Path(__file__).parents[1]
STAGES = ("raw", "staged", "rollups", "indicators", "scorecards")
"""Stages from left to right."""


class BadRecipe(SuanhengError):
    """Raised when a recipe cannot be built: it reads to its right, in a circle, or is not one SELECT."""

    exit_code = ExitCode.ERROR


@dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
        path: its file.
        stage: stage of the table it makes.
        name: name of that table.
        folder: folder between stage and name: the dataset of a feed, the dimension of an indicator, else empty.
        one_row_is: first line of the header.
        header: the ``key: value`` lines of the header.
        query: the SELECT.
        reads: tables it reads, as ``stage.table``.
    """

    path: Path
    stage: str
    name: str
    folder: str
    one_row_is: str
    header: dict[str, str]
    query: str
    reads: frozenset[str]

    @property
    def table(self) -> str:
        """Table it makes, as ``stage.table``."""
        return f"{self.stage}.{self.name}"

    @property
    def is_view(self) -> bool:
        """Whether its rows are made when somebody asks for them, and not kept: its header says ``as a view``."""
        return "as a view" in self.header

    @property
    def looks_across_files(self) -> bool:
        """Whether what a feed makes of a file depends on other files, too: its header says ``across files``."""
        return "across files" in self.header

    @property
    def shown_path(self) -> str:
        """Its file, from the folder of the recipes."""
        return self.path.relative_to(FOLDER.parent).as_posix()


@cache
def recipes(stage: str) -> tuple[Recipe, ...]:
    """All recipes of a stage, by path."""
    return tuple(_read(path) for path in sorted((FOLDER / stage).rglob("*.sql")))


def in_build_order(stage: str) -> list[Recipe]:
    """Recipes of a stage, each after those it reads.

    Raises:
        BadRecipe: two recipes read each other.
    """
    by_table = {recipe.table: recipe for recipe in recipes(stage)}
    graph = {table: recipe.reads & by_table.keys() for table, recipe in by_table.items()}
    try:
        return [by_table[table] for table in TopologicalSorter(dict(sorted(graph.items()))).static_order()]
    except CycleError as error:
        raise BadRecipe(f"recipes read each other: {' reads '.join(error.args[1])}") from None


def kept_rollups() -> list[Recipe]:
    """Recipes of the rollups whose rows are kept, each after those it reads; the others are views."""
    return [recipe for recipe in in_build_order("rollups") if not recipe.is_view]


def feeds(dataset: str) -> list[Recipe]:
    """Recipes that turn raw tables into a dataset, one per format."""
    return [recipe for recipe in recipes("staged") if recipe.folder == dataset]


def recipes_hash() -> str:
    """Hash of every recipe, feeds included."""
    digest = hashlib.sha256()
    for stage in STAGES[1:]:
        for recipe in recipes(stage):
            digest.update(recipe.shown_path.encode() + b"\0" + recipe.query.encode() + b"\0")
    return digest.hexdigest()


def _read(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    comment = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    stage, *folders = path.relative_to(FOLDER).parts[:-1]
    stated = (re.fullmatch(r"([a-z_ ]+): (.+)", line) for line in comment[1:])
    header: dict[str, str] = {match[1]: match[2] for match in stated if match}
    return Recipe(
        path=path,
        stage=stage,
        name=path.stem,
        folder="/".join(folders),
        one_row_is=comment[0] if comment else "",
        header=header,
        query=text.strip().rstrip(";"),
        reads=tables_read(path, text),
    )


def tables_read(path: Path, query: str) -> frozenset[str]:
    """Tables a SELECT reads, from DuckDB's own parse tree.

    Raises:
        BadRecipe: the text is not exactly one SELECT.
    """
    found: set[str] = set()

    def note(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            found.add(f"{node['schema_name']}.{node['table_name']}")
        return node

    row = duckdb.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    tree: dict[str, Any] = json.loads(row[0], object_hook=note) if row else {"error": True}
    if tree.get("error") or len(tree["statements"]) != 1:
        raise BadRecipe(f"{path} is not one SELECT: {tree.get('error_message', 'several statements')}")
    return frozenset(found)


def reads_rightwards(recipe: Recipe) -> list[str]:
    """Tables a recipe must not read: stages to its right, bookkeeping, and its own stage where it has no order."""
    own = STAGES.index(recipe.stage)
    same_stage = recipe.stage in {"rollups", "scorecards"}
    allowed = {"reference", *STAGES[:own], *({recipe.stage} if same_stage else ())}
    return sorted(table for table in recipe.reads if table.split(".")[0] not in allowed)
