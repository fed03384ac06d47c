"""The words of the reports: complete in both languages, and every word used."""

import re
import string
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from suanheng.flows.reports.texts import LANGUAGES, texts
from suanheng.schemas.columns import EVIDENCE_CLASSES
from suanheng.schemas.tables.indicators import PERIOD_KINDS, STATUSES
from suanheng.schemas.tables.scorecards import (
    AVERAGE_TARGET,
    COMPARED_SIDES,
    DIFFERENCE_CAUSES,
    RECONCILIATION_STATUSES,
    TARGET_REASONS,
)

REPORTS = Path(__file__).parents[3] / "flows" / "reports"


def _leaves(words: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(words, dict):
        return {path: words}
    return {key: leaf for name, part in words.items() for key, leaf in _leaves(part, f"{path}.{name}").items()}


def _placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    zh, en = (_leaves(texts(language).words) for language in LANGUAGES)
    assert zh.keys() == en.keys()


def test_both_languages_put_in_the_same_values() -> None:
    zh, en = (_leaves(texts(language).words) for language in LANGUAGES)
    assert {key: _placeholders(str(zh[key])) for key in zh} == {key: _placeholders(str(en[key])) for key in en}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("vocabulary", "codes"),
    [
        ("status", STATUSES),
        ("evidence", EVIDENCE_CLASSES),
        ("evidence_meaning", EVIDENCE_CLASSES),
        ("reason", (*TARGET_REASONS, AVERAGE_TARGET)),
        ("reconciliation", RECONCILIATION_STATUSES),
        ("pair", COMPARED_SIDES),
        ("cause", DIFFERENCE_CAUSES),
    ],
)
def test_every_code_of_a_closed_list_has_a_word(language: str, vocabulary: str, codes: tuple[str, ...]) -> None:
    assert set(texts(language).words["word"][vocabulary]) == set(codes)


def test_every_text_is_used() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for folder in (REPORTS, REPORTS / "templates") for path in folder.glob("*.*")
    )
    built = {f"energy.{name}" for name in ("unexplained_ratio", "status")} | {f"index.{kind}s" for kind in PERIOD_KINDS}
    keys = {
        f"{section}.{name}"
        for section, names in texts("en").words.items()
        if section not in {"word", "period"}
        for name in names
    }
    unused = {key for key in keys if not re.search(rf'"{re.escape(key)}"', sources)} - built
    assert unused == {"energy.bill_kwh", "energy.meter_kwh", "energy.device_kwh"}  # looked up by the column's name


def test_periods_are_called_as_people_call_them() -> None:
    assert texts("zh").period("quarter", date(2023, 4, 1)) == "2023年第2季度"
    assert texts("zh").period("month", date(2023, 12, 1)) == "2023年12月"
    assert texts("en").period("month", date(2023, 5, 1)) == "May 2023"
    assert texts("en").period("year", date(2023, 1, 1)) == "2023"


def test_an_unknown_code_stands_for_itself() -> None:
    assert texts("en").word("unit", "furlong") == "furlong"
    assert texts("zh").word("unit", None) == "未知"


def test_a_site_without_a_name_in_the_language_is_called_by_the_other() -> None:
    assert texts("zh").name({"name_zh": None, "name_en": "Somewhere"}, otherwise="s1") == "Somewhere"
    assert texts("zh").name({"name_zh": None, "name_en": None}, otherwise="s1") == "s1"
