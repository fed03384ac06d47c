"""Closing a period: every site's last ended month or quarter is published once, or withheld with the reason."""

import shutil
from datetime import UTC, date, datetime

import pytest

from suanheng.config.errors import BadSettings
from suanheng.flows.close import close, last_month, last_quarter
from suanheng.flows.orchestration.steps import Steps
from tests.conftest import write_tiny

FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)
MIDNIGHT_IN_CHINA = datetime(2023, 1, 31, 16, tzinfo=UTC)
"""The first instant of February 2023 there."""


@pytest.mark.parametrize(
    ("today", "month", "quarter"),
    [
        (date(2023, 7, 1), "2023-06", "2023Q2"),
        (date(2023, 6, 30), "2023-05", "2023Q1"),
        (date(2024, 1, 31), "2023-12", "2023Q4"),
        (date(2024, 2, 29), "2024-01", "2023Q4"),
    ],
)
def test_the_last_ended_period_is_that_before_the_days_own(today, month, quarter) -> None:
    assert (last_month(today), last_quarter(today)) == (month, quarter)


@pytest.fixture
def centre(tmp_path):
    """The files of January 2023; nothing is ingested yet."""
    return write_tiny(tmp_path / "tiny", months=1)


def closed(centre, *sites: str) -> dict:
    """What came of closing the month that had ended when February began in China."""
    return close(centre.workspace, Steps(), FEBRUARY, MIDNIGHT_IN_CHINA, last_month, sites)


@pytest.mark.long
def test_a_month_is_built_and_closed_once_in_the_time_zone_of_the_site(centre) -> None:
    first, again = closed(centre), closed(centre)
    assert (first["built"], again["built"]) == (["tiny 2023Q1"], [])
    expected = {"site_id": "tiny", "period": "2023-01", "publication_id": "tiny/2023-01/r1", "why": None}
    assert first["closings"] == [{**expected, "result": "published"}]
    assert again["closings"] == [{**expected, "result": "stands"}]
    assert first["failures"] == again["failures"] == {}
    assert centre.value("SELECT count(*) FROM scorecards.publications") == 1


def test_what_cannot_be_published_is_withheld_and_fails(tmp_path) -> None:
    silent = write_tiny(tmp_path / "silent", months=0)
    shutil.rmtree(silent.root / "landing")
    done = closed(silent)
    assert [(one["period"], one["result"], one["publication_id"]) for one in done["closings"]] == [
        ("2023-01", "withheld", None)
    ]
    assert list(done["failures"]) == ["tiny 2023-01 is withheld"]
    assert done["failures"]["tiny 2023-01 is withheld"].startswith("tiny has no scorecard for 2023-01.")


def test_a_site_that_does_not_exist_cannot_be_closed(centre) -> None:
    with pytest.raises(BadSettings, match=r"There is no site elsewhere\. There are: tiny\."):
        closed(centre, "elsewhere")
