"""The scorecard's page."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from suanheng.flows.reports import scorecard_html
from suanheng.flows.reports.read import Query, load
from suanheng.flows.reports.texts import LANGUAGES
from suanheng.flows.reports.writing import write

PageOf = Callable[[str, str], str]


class Page(HTMLParser):
    """Collects what tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "link", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))


def _all_pages(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.html"))
    assert len(found) > 20
    return found


def test_nothing_on_any_page_comes_from_the_network(reports: Path) -> None:
    for path in _all_pages(reports):
        html = path.read_text(encoding="utf-8")
        page = Page(html)
        loaded = [
            value or ""
            for _, attributes in page.tags
            for name, value in attributes.items()
            if name in {"src", "srcset", "href", "action", "data", "xlink:href", "poster"}
        ]
        assert not [address for address in loaded if re.match(r"(?i)\s*([a-z][a-z0-9+.-]*:|//)", address)], path
        assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "img", "object", "base", "form"}, path
        styles = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
        assert "url(" not in styles
        assert "@import" not in styles


def test_every_link_leads_to_a_file_or_an_element(reports: Path) -> None:
    for path in _all_pages(reports):
        page = Page(path.read_text(encoding="utf-8"))
        ids = {attributes.get("id") for _, attributes in page.tags}
        for tag, attributes in page.tags:
            if tag != "a":
                continue
            target = unquote(attributes["href"] or "")
            assert target[1:] in ids if target.startswith("#") else (path.parent / target).is_file(), (path, target)


def test_ids_are_unique_and_every_chart_has_a_name(reports: Path) -> None:
    for path in _all_pages(reports):
        tags = Page(path.read_text(encoding="utf-8")).tags
        ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
        assert len(ids) == len(set(ids)), path
        images = [attributes for _, attributes in tags if attributes.get("role") == "img"]
        assert all(attributes.get("aria-label") for attributes in images), path
        charts = sum(tag == "svg" for tag, _ in tags)
        assert charts == len(images), path


@pytest.mark.parametrize(("language", "column"), [("zh", "name_zh"), ("en", "name_en")])
def test_every_indicator_is_on_the_page_in_its_language(
    query: Query, page_of: PageOf, language: str, column: str
) -> None:
    card = load(query, "guian", "2023Q2")
    page = Page(page_of("guian", f"2023Q2.{language}.html"))
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert {row["indicator"] for row in card.indicators + card.supplementary} <= ids
    for row in card.indicators + card.supplementary:
        assert row[column] in page.text


def test_a_complete_scorecard_shows_its_score_and_grade(page_of: PageOf) -> None:
    page = Page(page_of("langfang", "2023Q2.en.html"))
    assert "All 12 scored indicators are known." in page.text
    assert re.search(r'class="score">63\.0<', page_of("langfang", "2023Q2.en.html"))
    assert re.search(r"Grade B ", page.text)


def test_withheld_indicators_leave_an_interval_and_a_grade_range(page_of: PageOf) -> None:
    html = page_of("guian", "2023Q2.en.html")
    text = Page(html).text
    # Means of the fixture's scores with the four withheld ones at 0 and at 100.
    assert re.search(r'class="score">44\.3–81\.0<', html)
    assert "Grade range C–A" in text
    assert "8 of 12 scored indicators are known" in text
    assert "No single number is given." in text
    assert text.count("0–100 possible") == 4
    for reason in ("No model evaluation", "No offers", "No bill of materials", "Withheld: coverage too low"):
        assert reason in text


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [
        ("en", "Nothing measured", "None of the 12 scored indicators is known, so there is no score."),
        ("zh", "无实测数据", "12 项评分指标均未知，因此没有得分。"),
    ],
)
def test_nothing_measured_is_said_in_words(page_of: PageOf, language: str, title: str, sentence: str) -> None:
    html = page_of("nothing", f"2023Q2.{language}.html")
    assert f'<span class="score in-words">{title}</span>' in html
    assert sentence in Page(html).text
    assert 'class="grade"' not in html


def test_evaluability_stands_beside_the_composite(page_of: PageOf) -> None:
    html = page_of("langfang", "2023Q2.en.html")
    aside = re.search(r'<aside class="beside".*?</aside>', html, re.DOTALL)
    assert aside is not None
    assert "64.8" in aside.group()
    assert "64.8" not in html.split('<div class="headline">')[1].split("</div>\n<div class=")[0]


def test_origins_and_targets_are_marked_in_words(page_of: PageOf) -> None:
    text = Page(page_of("langfang", "2023Q2.en.html")).text
    # Four of the twelve names are published; the lead sentence names both marks in quotation marks besides.
    assert len(re.findall(r"[^“]Published name", text)) == 4
    assert len(re.findall(r"Declared mapping", text)) == 8 + 1  # 8 scored, 1 supplementary
    assert "✓ met" in text
    assert "✕ not met" in text
    assert "? unknown" in text


@pytest.mark.parametrize(
    ("language", "agrees", "differs"),
    [
        ("en", "April 2023", r"May 2023 Bills and utility meter 500\s?kWh\s?50\s?% Hours without a meter reading"),
        ("zh", "2023年4月", r"2023年5月 账单与关口电表 500\s?kWh\s?50\s?% 部分时段无电表读数"),
    ],
)
def test_differences_of_energy_name_their_likely_cause(
    page_of: PageOf, language: str, agrees: str, differs: str
) -> None:
    text = Page(page_of("guian", f"2023Q2.{language}.html")).text
    assert re.search(differs, text)
    assert agrees not in text
    assert not re.search(differs, Page(page_of("guian", f"2023Q1.{language}.html")).text)


def test_reference_values_and_evidence_of_each_number_are_named(page_of: PageOf) -> None:
    text = Page(page_of("langfang", "2023Q2.en.html")).text
    assert text.count("grid_emission_factors/CN-HE/2023/average") == 3
    assert "Declared" in text
    assert "https://example.org/standard (secondary)" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_simulated_evidence_puts_a_banner_on_every_page_that_shows_it(reports: Path, language: str) -> None:
    for path in ("demo/2023Q2", "compare/2023Q2", "index"):
        page = Page((reports / f"{path}.{language}.html").read_text(encoding="utf-8"))
        assert ("div", {"class": "simulated", "role": "note"}) in page.tags, path
        assert "模拟数据" in page.text
        assert "SIMULATED DATA" in page.text


def test_measured_evidence_has_no_banner(reports: Path) -> None:
    for path in ("langfang/2023Q2", "compare/2022Q1"):
        assert 'class="simulated"' not in (reports / f"{path}.en.html").read_text(encoding="utf-8")


def test_hostile_names_stay_text(reports: Path) -> None:
    for path in _all_pages(reports):
        html = path.read_text(encoding="utf-8")
        assert "<script" not in html.lower()
        assert not [tag for tag, attributes in Page(html).tags if "onmouseover" in attributes]
    text = Page((reports / "hostile" / "2023Q2.zh.html").read_text(encoding="utf-8")).text
    assert "<script>alert(1)</script>" in text


def test_one_period_alone_is_no_trend(page_of: PageOf) -> None:
    assert "there is no trend yet" in page_of("langfang", "2022Q1.en.html")
    assert page_of("langfang", "2022Q2.en.html").count('class="chart"') == 6


def test_a_change_of_methodology_within_the_history_is_said(query: Query, tmp_path: Path) -> None:
    def changed(sql: str) -> object:
        frame = query(sql)
        if "methodology_hash" not in frame.columns:
            return frame
        return frame.with_columns(methodology_hash=frame["period"].replace({"2022Q4": "0" * 64}))

    write(changed, "guian", "2023Q2", tmp_path)  # type: ignore[arg-type]
    assert "another version of the methodology" in (tmp_path / "guian" / "2023Q2.en.html").read_text(encoding="utf-8")


def test_writing_again_gives_the_same_bytes(query: Query, reports: Path, tmp_path: Path) -> None:
    for path in write(query, "guian", "2023Q2", tmp_path):
        assert path.read_bytes() == (reports / path.relative_to(tmp_path)).read_bytes(), path.name


def test_a_page_made_alone_is_the_one_made_among_all(query: Query, page_of: PageOf) -> None:
    pages = scorecard_html.pages(load(query, "guian", "2023Q2"))
    assert pages == {language: page_of("guian", f"2023Q2.{language}.html") for language in LANGUAGES}
