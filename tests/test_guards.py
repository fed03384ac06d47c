"""Guards of the tests: nothing is added to a catalogue without a test that asks it something."""

import ast
from collections.abc import Iterator
from pathlib import Path

import suanheng.flows.reports
from suanheng.transforms.definitions.catalogue import indicator_recipes

TESTS = Path(__file__).parent
REPORTS = Path(suanheng.flows.reports.__file__).parent


def nodes_of(folder: Path) -> Iterator[ast.AST]:
    """All nodes of the test modules in a folder, but for their docstrings."""
    for path in sorted(folder.glob("test_*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                yield from ast.walk(statement)


def untested_indicators(tests: Path = TESTS / "transforms" / "indicators") -> list[str]:
    """Indicators that no test runs: their tests name them whole, alone or at the end of the recipe's path."""
    named = {Path(node.value).stem for node in nodes_of(tests) if _is_text(node) and "\n" not in node.value}
    return [recipe.shown_path for recipe in indicator_recipes() if recipe.name not in named]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def untested_reports(reports: Path = REPORTS, tests: Path = TESTS / "flows" / "reports") -> list[str]:
    """Modules of the reports from which no test takes anything."""
    imports = [node for node in nodes_of(tests) if isinstance(node, ast.ImportFrom) and node.module]
    imported = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    imported |= {node.module for node in imports}
    modules = sorted(path.stem for path in reports.glob("*.py") if path.stem != "__init__")
    return [module for module in modules if f"suanheng.flows.reports.{module}" not in imported]


def test_every_indicator_has_a_test() -> None:
    assert untested_indicators() == []


def test_every_report_has_a_test() -> None:
    assert untested_reports() == []


ONE_TEST = """\
'''Of pue and of layout.'''
from suanheng.flows.reports import charts
from suanheng.flows.reports.texts import LANGUAGES
RECIPE = "indicators/supplementary/wue.sql"
def test_one():
    run("erf")
"""


def test_an_indicator_and_a_report_without_a_test_are_named(tmp_path: Path) -> None:
    tests, reports = tmp_path / "tests", tmp_path / "reports"
    for folder in (tests, reports):
        folder.mkdir()
    (tests / "test_one.py").write_text(ONE_TEST)
    every = {recipe.shown_path for recipe in indicator_recipes()}
    tested = {f"transforms/indicators/supplementary/{name}.sql" for name in ("wue", "erf")}
    assert tested < every
    assert set(untested_indicators(tests)) == every - tested
    for name in ("charts", "layout", "texts"):
        (reports / f"{name}.py").touch()
    assert untested_reports(reports, tests) == ["layout"]
