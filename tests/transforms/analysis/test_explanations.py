"""``scorecards.explanations`` of a built workspace: contributions add up to every composite and to every change."""

import pytest

from suanheng.schemas.tables.scorecards import EXPLANATIONS
from suanheng.transforms.building.build import forget_beyond_spine
from suanheng.warehouse.lake import writing

ENDS = {"contribution": "score", "contribution_low": "score_low", "contribution_high": "score_high"}


def _sums(centre, columns: str) -> dict:
    """Sums of columns by period; none where any contribution is withheld."""
    names = columns.split(", ")
    picked = ", ".join(f"CASE WHEN count({name}) = count(*) THEN sum({name}) END" for name in names)
    rows = centre.ask(f"SELECT period, {picked} FROM scorecards.explanations GROUP BY period")
    return {row[0]: row[1:] for row in rows.iter_rows()}


def _composites(centre) -> dict:
    rows = centre.ask("SELECT period, score, score_low, score_high FROM scorecards.composites")
    return {row[0]: row[1:] for row in rows.iter_rows()}


def test_contributions_add_up_to_every_composite(built_once) -> None:
    found, composites = _sums(built_once, ", ".join(ENDS)), _composites(built_once)
    assert set(found) == set(composites) and len(found) == 9  # six months, two quarters, the year
    for period, ends in composites.items():
        assert found[period] == pytest.approx(ends, abs=1e-9), period


def test_changes_add_up_to_every_change_of_a_composite(built_once) -> None:
    rows = built_once.ask("SELECT DISTINCT period, previous_period FROM scorecards.explanations")
    before = dict(rows.iter_rows())
    months = [f"2023-{month:02}" for month in range(1, 7)]
    # The period of the same kind right before, and nothing where the site has none.
    assert before == dict(zip(months, [None, *months], strict=False)) | {
        "2023Q1": None,
        "2023Q2": "2023Q1",
        "2023": None,
    }
    changes, composites = _sums(built_once, "change, change_low, change_high"), _composites(built_once)
    for period, earlier in before.items():
        if earlier is None:
            assert changes[period] == (None, None, None)
            continue
        differences = tuple(
            None if now is None or then is None else now - then
            for now, then in zip(composites[period], composites[earlier], strict=True)
        )
        assert changes[period] == pytest.approx(differences, abs=1e-9), period


def test_explanations_keep_their_contract(built_once) -> None:
    rows = built_once.ask("SELECT * FROM scorecards.explanations")
    assert EXPLANATIONS.schema.validate(rows, lazy=True).height == 9 * 12
    scored = built_once.ask("SELECT period, indicator FROM scorecards.indicators WHERE dimension IS NOT NULL")
    assert set(rows.select("period", "indicator").iter_rows()) == set(scored.iter_rows())


@pytest.mark.long
def test_a_changed_month_explains_the_month_after_it_anew(built_workspace) -> None:
    training, serving = built_workspace.rows("workload_runs", "2023-03")
    built_workspace.write("workload_runs", "2023-03", [{**training, "productive_s": 16200}, serving])
    built_workspace.night()
    changes, composites = _sums(built_workspace, "change_low"), _composites(built_workspace)
    # April is in another quarter than March, whose productive time was halved.
    assert changes["2023-04"][0] == pytest.approx(composites["2023-04"][1] - composites["2023-03"][1], abs=1e-9)
    assert changes["2023-04"][0] != 0


def test_explanations_beyond_the_spine_are_forgotten(built_workspace) -> None:
    with writing(built_workspace.workspace) as lake:
        lake.execute("DELETE FROM reference.site_periods WHERE period = '2023Q2'")
        forget_beyond_spine(lake)
        periods = lake.frame("SELECT DISTINCT period FROM scorecards.explanations").to_series()
    assert "2023Q2" not in periods.to_list() and len(periods) == 8
