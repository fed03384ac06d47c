"""Writes the pages that contracts, recipes and the methodology decide, and the JSON Schemas of the settings files.

Run it with ``make docs``. A test compares the pages with what is written here, so they cannot go out of date.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from generators.contract_pages import datasets_page, format_page, formats_page
from generators.scoring_pages import indicators_page, methodology_page
from generators.settings_schemas import settings_schema

from suanheng.config.pulls import PullsFile
from suanheng.config.sites import SitesFile
from suanheng.config.sources import SourcesFile
from suanheng.config.suanheng_toml import SuanhengToml
from suanheng.schemas.formats import formats

FOLDER = Path(__file__).parent

PAGES: dict[str, Callable[[], str]] = {
    "formats.md": formats_page,
    **{f"formats/{form.name}.md": partial(format_page, form) for form in formats().values()},
    "datasets.md": datasets_page,
    "indicators.md": indicators_page,
    "methodology.md": methodology_page,
    "schemas/suanheng.json": partial(settings_schema, SuanhengToml),
    "schemas/sites.json": partial(settings_schema, SitesFile),
    "schemas/sources.json": partial(settings_schema, SourcesFile),
    "schemas/pulls.json": partial(settings_schema, PullsFile),
}
"""File name to what it should hold."""


def write(folder: Path = FOLDER) -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
