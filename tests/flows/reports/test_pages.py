"""Templates are filled in whole or not at all."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from suanheng.flows.reports.pages import render
from suanheng.flows.reports.texts import texts

EMPTY_INDEX = {"others": [], "is_simulated": False, "sites": [], "comparisons": {}}


def test_what_a_template_names_and_nobody_gives_is_an_error_and_no_blank() -> None:
    assert "There are no scorecards yet." in render("index", texts("en"), **EMPTY_INDEX)
    for name in EMPTY_INDEX.keys() - {"comparisons"}:
        with pytest.raises(UndefinedError, match=f"'{name}' is undefined"):
            render("index", texts("en"), **{key: value for key, value in EMPTY_INDEX.items() if key != name})


def test_a_template_that_is_not_there_is_named() -> None:
    with pytest.raises(TemplateNotFound, match=r"leaflet\.html\.jinja"):
        render("leaflet", texts("en"))


def test_what_looks_like_markup_is_shown_as_text() -> None:
    site = {"site_id": "<b>", "name_en": "<script>alert(1)</script>", "name_zh": None, "operator": "A & B"}
    page = render("index", texts("en"), **EMPTY_INDEX | {"sites": [{"site": site, "periods": {}}]})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt; · A &amp; B" in page
    assert "<script>alert" not in page
