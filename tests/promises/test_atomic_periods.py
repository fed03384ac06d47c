"""Promise 4: a reader sees a period before or after, never half. A failed period keeps its previous state."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from suanheng.transforms.building import build

LATER = datetime(2024, 2, 2, tzinfo=UTC)

WITHOUT_MONTHS = 4
"""Indicators that are no sums of months: three quantiles of waiting times and a Gini index."""


def test_atomic_periods_a_reader_never_sees_a_half_built_quarter(built_workspace, correct_a_bill, watched) -> None:
    old = built_workspace.value("SELECT DISTINCT run_id FROM ops.builds")
    correct_a_bill(built_workspace)

    with watched(built_workspace) as looks:
        outcome = built_workspace.night(now=LATER)

    assert outcome.built == ["tiny 2023Q1", "tiny 2023Q2"]
    seen = {quarter["period"]: [] for quarter in looks[0]["quarters"]}
    for look in looks:
        assert [quarter["period"] for quarter in look["quarters"]] == ["2023Q1", "2023Q2"]
        for quarter in look["quarters"]:
            # Rollups, indicators, scores and ledger change together: one run made all of a quarter, and three months
            # and the quarter make four scorecards.
            assert quarter["is_sum_of_months"]
            assert quarter["run_ids"] == [quarter["built_by"]]
            assert quarter["scorecards"] == 4
            assert quarter["scored"] == quarter["indicators"] + WITHOUT_MONTHS
            seen[quarter["period"]].append(quarter["built_by"])
    for runs in seen.values():
        assert runs[0] == old
        assert sorted(runs, key=[old, outcome.run_id].index) == runs


@pytest.fixture
def failing_first_quarter(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Scoring, the last recipe but two, fails for 2023Q1 after everything before it was replaced; call to repair."""
    score = build.score

    def fail(indicators: Any, *others: Any) -> Any:
        if "2023Q1" in indicators["period"].to_list():
            raise RuntimeError("this recipe is broken")
        return score(indicators, *others)

    monkeypatch.setattr(build, "score", fail)
    return lambda: monkeypatch.setattr(build, "score", score)


@pytest.mark.long
def test_atomic_periods_a_failed_quarter_keeps_its_state_and_the_others_finish(
    built_workspace, correct_a_bill, failing_first_quarter
) -> None:
    first_quarter = "period IN ('2023-01', '2023-02', '2023-03', '2023Q1')"
    before = built_workspace.digests("indicators", "scorecards", where=first_quarter)
    bill = "SELECT bill_kwh FROM rollups.energy_month WHERE month_start = DATE '2023-01-01'"
    correct_a_bill(built_workspace)

    outcome = built_workspace.night(now=LATER)

    assert outcome.failures == {"tiny 2023Q1": "RuntimeError: this recipe is broken"}
    assert outcome.built == ["tiny 2023Q2"]
    assert built_workspace.value("SELECT quarters_failed FROM ops.runs ORDER BY run_id DESC LIMIT 1") == 1
    assert built_workspace.digests("indicators", "scorecards", where=first_quarter) == before
    assert built_workspace.value(bill) == 1310

    failing_first_quarter()
    repaired = built_workspace.night()

    # The second quarter was built upon the old first one: its trailing year is summed anew.
    assert repaired.built == ["tiny 2023Q1", "tiny 2023Q2"]
    assert built_workspace.value(bill) == 1500
    # Six bills of 1310 kWh, of which one is 190 kWh higher now, are 8050 kWh of grid electricity; 6 × 1100 kWh of IT.
    pue = "SELECT window_numerator, window_denominator FROM indicators.pue WHERE period = '2023Q2'"
    assert built_workspace.ask(pue).row(0) == (8050, 6600)
    assert built_workspace.night().changed_nothing
