"""Pages over several sites."""

from pathlib import Path

from suanheng.flows.reports import comparison_html, index_html
from suanheng.flows.reports.read import Query, read
from suanheng.flows.reports.writing import write_comparison, write_index


def test_a_comparison_shows_every_site_and_indicator_of_the_period(query: Query, tmp_path: Path) -> None:
    zh, en = write_comparison(query, "2023Q2", tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in (zh, en)] == [
        "compare/2023Q2.zh.html",
        "compare/2023Q2.en.html",
    ]
    text = zh.read_text(encoding="utf-8")
    for site in ("廊坊智算中心", "贵安智算中心", "未报数中心", "示例中心"):
        assert site in text
    for name in read(query, period="2023Q2").indicators["name_zh"].unique():
        assert name in text


def test_a_comparison_does_not_rank_and_says_why(query: Query, tmp_path: Path) -> None:
    _, page = write_comparison(query, "2023Q2", tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "ordered by identifier" in text
    order = [
        text.index(f'href="../{site}/2023Q2.en.html"') for site in ("demo", "guian", "hostile", "langfang", "nothing")
    ]
    assert order == sorted(order)


def test_a_period_without_scorecards_says_so(query: Query, tmp_path: Path) -> None:
    _, page = write_comparison(query, "1999", tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "No centre has a scorecard for 1999." in text
    assert comparison_html.page([], "1999", "en") == text


def test_the_start_page_links_every_scorecard(query: Query, reports: Path) -> None:
    text = (reports / "index.en.html").read_text(encoding="utf-8")
    for site, period in read(query).composites.select("site_id", "period").iter_rows():
        assert f'href="{site}/{period}.en.html"' in text
    assert "not scored" in text
    assert index_html.page(read(query), "en") == text


def test_a_start_page_without_scorecards_says_so(query: Query, tmp_path: Path) -> None:
    _, page = write_index(lambda sql: query(sql).clear(), tmp_path)
    assert "There are no scorecards yet." in page.read_text(encoding="utf-8")
