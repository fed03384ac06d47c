"""The documents say what is so: generated pages are up to date, verbs and exit codes are described, links resolve."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from suanheng.config.errors import ExitCode
from suanheng.flows import commands
from suanheng.schemas.formats import formats
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.definitions.catalogue import indicator_recipes
from suanheng.transforms.scoring.methodology import shipped

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
PAGES = [ROOT / name for name in (*READMES, "CHANGELOG.md")] + sorted((ROOT / "docs").rglob("*.md"))
EXIT_CODES = tuple(ExitCode)

_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _prose(path: Path) -> str:
    return _CODE_BLOCK.sub("", path.read_text(encoding="utf-8"))


def _headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", _prose(path), re.MULTILINE)


def _anchor(heading: str) -> str:
    """Anchor of a heading as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _verbs(command: Any, path: tuple[str, ...] = ()) -> list[str]:
    parts = getattr(command, "commands", {})
    return [verb for name, part in parts.items() for verb in _verbs(part, (*path, name))] or [" ".join(path)]


VERBS = _verbs(typer.main.get_command(commands.app))


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("generate")


GENERATED = [
    "formats.md",
    *(f"formats/{name}.md" for name in formats()),
    "datasets.md",
    "indicators.md",
    "methodology.md",
    *(f"schemas/{name}.json" for name in ("suanheng", "sites", "sources", "pulls")),
]


@pytest.mark.parametrize("page", GENERATED)
def test_generated_page_is_up_to_date(generate: ModuleType, page: str) -> None:
    assert _text(f"docs/{page}") == generate.PAGES[page](), f"docs/{page} is out of date. Write it with: make docs"


def test_generated_pages_leave_nothing_out() -> None:
    assert {path.stem for path in (ROOT / "docs" / "formats").iterdir()} == set(formats())
    sections = {
        "docs/datasets.md": set(DATASETS),
        "docs/indicators.md": {recipe.name for recipe in indicator_recipes()},
    }
    for page, names in sections.items():
        assert set(re.findall(r"^## (.+)$", _text(page), re.MULTILINE)) == names


def test_the_methodology_page_has_every_scored_indicator_and_claims_no_official_table() -> None:
    page = _text("docs/methodology.md")
    scored = [each.indicator for methodology in shipped() for each in methodology.indicators]
    assert sorted(re.findall(r"^### (.+)$", page, re.MULTILINE)) == sorted(scored)
    assert "does not claim that the indicators scored here are the twelve of the September 2024 report" in page


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("verb", VERBS)
def test_readme_shows_every_verb(readme: str, verb: str) -> None:
    assert f"suanheng {verb}" in _text(readme)


@pytest.mark.parametrize("readme", READMES)
def test_readme_names_both_commands(readme: str) -> None:
    text = _text(readme)
    assert re.search(r"^make demo\b", text, re.MULTILINE)
    assert re.search(r"^make test\b", text, re.MULTILINE)


@pytest.mark.parametrize("readme", READMES)
def test_readme_documents_every_exit_code(readme: str) -> None:
    documented = [int(code) for code in re.findall(r"^\| (\d) \|", _text(readme), re.MULTILINE)]
    assert documented == sorted(EXIT_CODES)


def test_both_readmes_have_the_same_structure() -> None:
    levels = [re.findall(r"^(#+) ", _prose(ROOT / readme), re.MULTILINE) for readme in READMES]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in {_anchor(heading) for heading in _headings(target)}):
            broken.append(link)
    assert broken == []


def test_pictures_are_small_enough_to_clone() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert {"scorecard.en.png", "scorecard.zh.png"} <= sizes.keys()
    assert {name: size for name, size in sizes.items() if size >= 300_000} == {}


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    version = tomllib.loads(_text("pyproject.toml"))["project"]["version"]
    assert re.search(r"^## \[(.+?)\]", _text("CHANGELOG.md"), re.MULTILINE)[1] == version
