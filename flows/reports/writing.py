"""From the warehouse to a folder of reports; every function takes ``query``, which runs one SELECT, and nothing else.

All periods of a site ask the same questions, so ``functools.cache`` around ``query`` reads each site once per run.

Layout: ``<site>/<period>.{zh,en}.html``, ``.json`` and ``.xlsx``; ``compare/<period>.{zh,en}.html``;
``index.{zh,en}.html``.
"""

from collections.abc import Iterator
from pathlib import Path

from suanheng.flows.reports import comparison_html, index_html, scorecard_html, scorecard_json, scorecard_xlsx
from suanheng.flows.reports.layout import comparison_file, index_file, scorecard_file, write_text
from suanheng.flows.reports.read import Query, Scorecards, ScorecardView, load, read, view
from suanheng.flows.reports.texts import LANGUAGES


def write(query: Query, site_id: str, period: str, folder: Path) -> list[Path]:
    """Write one scorecard in every form and return the files.

    Raises:
        NoScorecard: there is none for this site and period.
    """
    return _write_scorecard(load(query, site_id, period), folder)


def write_comparison(query: Query, period: str, folder: Path) -> list[Path]:
    """Write the comparison of all sites with a scorecard for the period and return the files."""
    return _write_comparison(read(query, period=period), period, folder)


def write_index(query: Query, folder: Path) -> list[Path]:
    """Write the start page and return the files."""
    return _write_index(read(query), folder)


def write_all(query: Query, folder: Path) -> Iterator[Path]:
    """Write every scorecard, every comparison and the start page from one reading; yield each file as it is done."""
    scorecards = read(query)
    for site_id, period in scorecards.composites.select("site_id", "period").iter_rows():
        yield from _write_scorecard(view(scorecards, site_id, period), folder)
    for period in scorecards.composites["period"].unique(maintain_order=True):
        yield from _write_comparison(scorecards, period, folder)
    yield from _write_index(scorecards, folder)


def _write_scorecard(card: ScorecardView, folder: Path) -> list[Path]:
    site_id, period = card.composite["site_id"], card.composite["period"]
    pages = [
        write_text(scorecard_file(folder, site_id, period, f"{language}.html"), html)
        for language, html in scorecard_html.pages(card).items()
    ]
    return [
        *pages,
        write_text(scorecard_file(folder, site_id, period, "json"), scorecard_json.text(card)),
        scorecard_xlsx.write(card, scorecard_file(folder, site_id, period, "xlsx")),
    ]


def _write_comparison(scorecards: Scorecards, period: str, folder: Path) -> list[Path]:
    sites = scorecards.composites.filter(period=period)["site_id"].to_list()
    cards = [view(scorecards, site_id, period) for site_id in sites]
    return [
        write_text(comparison_file(folder, period, f"{language}.html"), comparison_html.page(cards, period, language))
        for language in LANGUAGES
    ]


def _write_index(scorecards: Scorecards, folder: Path) -> list[Path]:
    return [
        write_text(index_file(folder, f"{language}.html"), index_html.page(scorecards, language))
        for language in LANGUAGES
    ]
