"""The gate: Great Expectations before a publication. What fails withholds it and is named, to the row."""

import json
from datetime import date

import polars as pl
import pytest

from suanheng.flows.publish import Withheld, publish_scorecard
from suanheng.transforms.definitions.recipes import recipes
from suanheng.transforms.publishing import expectations as gate_module
from suanheng.transforms.publishing.expectations import hold_to_expectations
from suanheng.transforms.publishing.numbers import of_scorecards
from suanheng.transforms.publishing.publish import Request
from suanheng.warehouse.lake import reading, writing
from tests.transforms.publishing.publications import FEBRUARY


@pytest.fixture
def held(built_once, monkeypatch):
    """``held(table=rows, …)``: what the gate says where some of its tables hold these rows instead."""

    def run(**tables: list[dict]) -> dict[str, gate_module.Finding]:
        with reading(built_once.workspace) as lake:
            composite = of_scorecards(lake, "tiny", "2023Q2").composite
            checked = [recipe for recipe in recipes("gate") if recipe.name in tables]
            made_up = {recipe.query: pl.DataFrame(tables[recipe.name]) for recipe in checked}
            ask = lake.frame
            monkeypatch.setattr(lake, "frame", lambda query: made_up[query] if query in made_up else ask(query))
            found = hold_to_expectations(lake, composite)
        return {f"{finding.table} {finding.expectation.split(' ')[0]}": finding for finding in found.findings}

    return run


def test_a_sound_quarter_passes(held) -> None:
    findings = held()
    assert {key.split(" ")[0] for key in findings} == {
        "completeness", "volume", "drift", "freshness", "reference_integrity"
    }  # fmt: skip
    assert all(finding.holds for finding in findings.values())


@pytest.mark.parametrize(("ratio", "holds"), [(1.01, True), (1.31, False), (0.69, False), (0.0, False), (None, True)])
def test_p17_volume_one_percent_more_passes_and_thirty_one_stops(held, ratio, holds) -> None:
    rows = [{"dataset": "utility_bills", "ratio": 1.0}, {"dataset": "workload_runs", "ratio": ratio}]
    finding = held(volume=rows)["volume expect_column_values_to_be_between"]
    assert (finding.holds, finding.severity) == (holds, "critical")
    assert finding.rows == ([] if holds else [{"ratio": ratio, "dataset": "workload_runs"}])


def test_a_missing_indicator_a_late_dataset_and_a_lost_fact_are_named(held) -> None:
    findings = held(
        completeness=[{"indicator": "pue", "rows": 1}, {"indicator": "wue", "rows": 0}],
        freshness=[{"dataset": "utility_bills", "last_day": date(2023, 5, 1), "days_before_end": 61}],
        reference_integrity=[{"reference_id": "parameters/gone", "holds": False}],
    )
    broken = {key: finding.rows for key, finding in findings.items() if not finding.holds}
    assert broken == {
        "completeness expect_column_values_to_be_in_set": [{"rows": 0, "indicator": "wue"}],
        "freshness expect_column_values_to_be_between": [{"days_before_end": 61, "dataset": "utility_bills"}],
        "reference_integrity expect_column_values_to_be_in_set": [{"holds": False, "reference_id": "parameters/gone"}],
    }


def test_drift_is_said_and_does_not_withhold(held) -> None:
    finding = held(drift=[{"indicator": "pue", "ratio": 4.0}])["drift expect_column_values_to_be_between"]
    assert (finding.holds, finding.severity) == (False, "warning")


def test_a_failing_gate_withholds_until_somebody_accepts_it_and_says_why(built_workspace) -> None:
    with writing(built_workspace.workspace) as lake, lake.transaction("lose an indicator"):
        lake.execute("DELETE FROM scorecards.indicators WHERE period = '2023Q2' AND indicator = 'wue'")
    with pytest.raises(
        Withheld, match=r'(?s)completeness: expected .*"indicator": "wue".*--accept "REASON"'
    ) as withheld:
        publish_scorecard(built_workspace.workspace, Request("tiny", "2023Q2", FEBRUARY))
    assert [finding.table for finding in withheld.value.failing] == ["completeness"]
    assert built_workspace.value("SELECT count(*) FROM scorecards.publications") == 0
    assert (built_workspace.root / "publications/tiny/2023Q2/withheld.html").exists()

    published = publish_scorecard(
        built_workspace.workspace, Request("tiny", "2023Q2", FEBRUARY, accept="meter under repair")
    )
    assert published.publication.is_new
    failed = (
        "SELECT publication_id, rows, accepted_because FROM ops.expectations WHERE NOT holds ORDER BY 1 NULLS FIRST"
    )
    first, second = built_workspace.ask(failed).rows()
    assert (first[0], first[2]) == (None, None)
    assert (second[0], second[2]) == ("tiny/2023Q2/r1", "meter under repair")
    assert json.loads(second[1]) == [{"rows": 0, "indicator": "wue"}]


def test_the_gates_page_is_kept_with_the_publication_and_needs_no_network(built_workspace) -> None:
    published = publish_scorecard(built_workspace.workspace, Request("tiny", "2023Q2", FEBRUARY))
    folder = built_workspace.root / "publications" / "tiny" / "2023Q2" / "r1"
    assert set(published.files) == {path for path in folder.rglob("*") if path.is_file()}
    page = (folder / "gate.html").read_text(encoding="utf-8")
    assert "reference integrity" in page and "days_before_end" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert "<script" not in page
