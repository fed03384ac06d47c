"""Reading scorecards through SQL."""

import polars as pl
import pytest

from suanheng.flows.reports.read import NoScorecard, Query, load, read, view
from suanheng.schemas.tables.scorecards import SCORECARDS


def test_the_fixture_keeps_the_contracts(scorecards: dict[str, pl.DataFrame]) -> None:
    assert scorecards.keys() == SCORECARDS.keys() - {"explanations"}  # which no report shows
    for table, rows in scorecards.items():
        assert SCORECARDS[table].schema.validate(rows).height > 0, table


def test_withheld_indicators_stay_with_their_dimension(query: Query) -> None:
    card = load(query, "guian", "2023Q2")
    assert len(card.indicators) == 12
    assert [row["indicator"] for row in card.supplementary] == ["pue", "wue", "cue", "job_mtbf"]
    assert [row["indicator"] for row in card.indicators][:3] == [
        "theoretical_efficiency",
        "measured_performance",
        "resource_utilisation",
    ]


def test_history_is_of_the_same_kind_and_ends_with_the_period(query: Query) -> None:
    card = load(query, "langfang", "2022Q4")
    assert card.history["period"].to_list() == ["2022Q1", "2022Q2", "2022Q3", "2022Q4"]
    assert card.dimension_history.height == 4 * 5


def test_one_reading_of_all_gives_what_reading_one_gives(query: Query) -> None:
    alone, picked = load(query, "guian", "2023Q2"), view(read(query), "guian", "2023Q2")
    assert alone.composite == picked.composite
    assert alone.indicators == picked.indicators
    assert alone.history.equals(picked.history)


def test_all_periods_of_a_site_ask_the_same_questions(query: Query) -> None:
    """A caller that writes many pages can put ``functools.cache`` around its query and read each site once."""
    asked: list[str] = []

    def noting(sql: str) -> pl.DataFrame:
        asked.append(sql)
        return query(sql)

    load(noting, "langfang", "2022Q1")
    first = set(asked)
    load(noting, "langfang", "2022")
    assert len(asked) == 2 * len(first)
    assert set(asked) == first


def test_a_missing_scorecard_says_which_exist(query: Query) -> None:
    with pytest.raises(NoScorecard, match=r"'guian' and period '1999'.*2022Q4, 2023Q1, 2023Q2.*suanheng backfill"):
        load(query, "guian", "1999")


def test_a_site_id_is_never_read_as_sql(query: Query) -> None:
    with pytest.raises(NoScorecard, match="with a scorecard: none"):
        load(query, "x' OR '1'='1", "2023Q2")


def test_simulated_evidence_behind_an_unscored_indicator_marks_the_scorecard(query: Query) -> None:
    def with_simulated_pue(sql: str) -> pl.DataFrame:
        return query(
            sql.replace(
                "scorecards.indicators",
                "(SELECT * REPLACE (CASE WHEN indicator = 'pue' THEN 'simulated' ELSE evidence_class END"
                " AS evidence_class) FROM scorecards.indicators)",
            )
        )

    assert load(query, "langfang", "2023Q2").composite["is_simulated"] is False
    assert load(with_simulated_pue, "langfang", "2023Q2").composite["is_simulated"] is True


def test_nan_is_unknown(query: Query) -> None:
    def with_nan(sql: str) -> pl.DataFrame:
        frame = query(sql)
        return frame.with_columns(coverage=pl.lit(float("nan"))) if "coverage" in frame.columns else frame

    assert load(with_nan, "langfang", "2023Q2").composite["coverage"] is None
