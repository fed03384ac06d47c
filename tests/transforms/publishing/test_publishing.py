"""Publish, let late data come, restate: every change is explained, and the first publication stays as it was."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from suanheng.flows import night
from suanheng.flows.commands import app
from suanheng.flows.orchestration.steps import Steps
from suanheng.transforms.analysis.lineage import NotThere
from suanheng.transforms.definitions import reference
from suanheng.transforms.publishing.difference import as_published_on, difference
from suanheng.transforms.publishing.publish import NotPublished, state_on
from suanheng.transforms.publishing.reproduce import reproduce
from suanheng.warehouse.lake import writing
from suanheng.warehouse.retention import expire
from tests.transforms.publishing.publications import FEBRUARY, MARCH, correct_a_bill, publish

BILL = "landing/tiny/utility_bills/2023-01.csv"


def test_a_first_publication_is_a_copy_of_the_scorecard(built_workspace) -> None:
    made = publish(built_workspace, note="first quarter")
    assert (made.is_new, made.reasons, made.row["publication_id"]) == (True, [], "tiny/2023Q1/r1")
    columns = "COLUMNS(c -> c NOT IN ('publication_id', 'run_id'))"
    for table in ("composites", "dimensions", "indicators"):
        now = f"SELECT {columns} FROM scorecards.{table} WHERE site_id = 'tiny' AND period = '2023Q1' ORDER BY ALL"
        then = f"SELECT {columns} FROM scorecards.published_{table} ORDER BY ALL"
        assert built_workspace.ask(now).equals(built_workspace.ask(then))
        assert built_workspace.ask(then).height > 0


def test_the_same_numbers_are_not_published_twice(built_workspace) -> None:
    first = publish(built_workspace)
    again = publish(built_workspace, now=MARCH)
    assert not again.is_new
    assert again.row == first.row
    assert built_workspace.value("SELECT count(*) FROM scorecards.publications") == 1


@pytest.mark.parametrize(
    ("today", "was_final", "state"),
    [
        # A quarter that ends with 30 June, final after 90 days: 1 July + 90 days is 29 September.
        (date(2023, 7, 1), False, "provisional"),
        (date(2023, 9, 28), False, "provisional"),
        (date(2023, 9, 29), False, "final"),
        (date(2023, 9, 29), True, "restated"),
    ],
)
def test_a_state_follows_the_calendar(today, was_final, state) -> None:
    assert state_on(today, date(2023, 7, 1), 90, was_final) == state


@pytest.mark.long
def test_a_provisional_scorecard_becomes_final_as_a_revision_of_its_own(built_workspace) -> None:
    revisions = []
    for day in (datetime(2023, 7, 2, tzinfo=UTC), FEBRUARY):
        built_workspace.night(day)
        revisions.append(publish(built_workspace, "2023Q2", day))
    assert [(made.row["revision"], made.row["state"]) for made in revisions] == [(1, "provisional"), (2, "final")]
    assert revisions[1].reasons == []


def test_a_period_that_is_not_over_is_too_early(built_workspace) -> None:
    with pytest.raises(NotPublished, match=r"2023Q2 is too early .* ends on 2023-06-30, and today is 2023-06-15"):
        publish(built_workspace, "2023Q2", datetime(2023, 6, 15, tzinfo=UTC))


def test_what_is_not_built_yet_is_not_published(built_workspace) -> None:
    correct_a_bill(built_workspace)
    night.ingest(built_workspace.workspace, Steps(), FEBRUARY)
    with pytest.raises(NotPublished, match=r"2023Q1 changed since it was built.*suanheng nightly"):
        publish(built_workspace)


def test_what_does_not_exist_is_named(restated) -> None:
    centre, *_ = restated
    with pytest.raises(NotThere, match="tiny has no scorecard for 2019Q1"):
        publish(centre, "2019Q1")
    with pytest.raises(NotThere, match=r"no publication 'tiny/2023Q1/r9'\. Known: tiny/2023Q1/r1, tiny/2023Q1/r2"):
        reproduce(centre.workspace, "tiny/2023Q1/r9")
    with pytest.raises(NotThere, match="no scorecard 'tiny/2019'"):
        difference(centre.workspace, "tiny/2019", "tiny/2023Q1")


def test_late_data_restates_and_says_why(restated) -> None:
    centre, first, second = restated
    assert (first.row["state"], second.row["state"]) == ("final", "restated")
    assert second.row["publication_id"] == "tiny/2023Q1/r2"
    assert [(reason.cause, reason.subject) for reason in second.reasons] == [("file replaced", BILL)]
    (reason,) = second.reasons
    assert {"pue", "cue", "operational_carbon_intensity"} <= set(reason.indicators)
    assert "theoretical_efficiency" not in reason.indicators
    stored = centre.ask("SELECT publication_id, cause, subject FROM scorecards.publication_reasons").rows()
    assert stored == [("tiny/2023Q1/r2", "file replaced", BILL)]


@pytest.mark.parametrize("after", ["tiny/2023Q1/r2", "tiny/2023Q1"])
def test_a_difference_names_every_changed_number_and_what_moved_it(restated, after) -> None:
    centre, *_ = restated
    found = difference(centre.workspace, "tiny/2023Q1/r1", after)
    changes = {(change.level, change.name, change.figure): change for change in found.changes}
    pue = changes["indicators", "pue", "numerator"]
    # Electricity of the quarter rises by what the bill of January rose: 1500 - 1310 kWh.
    assert pue.after - pue.before == 190
    assert pue.causes == (BILL,)
    assert all(change.causes for change in found.changes)
    assert [cause.cause for cause in found.causes] == ["file replaced"]
    assert ("indicators", "theoretical_efficiency", "value") not in changes


def test_every_publication_is_reproduced_exactly_after_a_restatement(restated) -> None:
    centre, *_ = restated
    for name, publication_id in (("tiny/2023Q1/r1", "tiny/2023Q1/r1"), ("tiny/2023Q1", "tiny/2023Q1/r2")):
        proof = reproduce(centre.workspace, name)
        assert proof.publication_id == publication_id
        assert proof.is_exact and proof.code_is_the_same
        assert proof.figures > 500


def test_published_snapshots_survive_expiry(restated_copy) -> None:
    published = set(restated_copy.ask("SELECT snapshot_id FROM scorecards.publications").to_series())
    with writing(restated_copy.workspace) as lake:
        gone = expire(lake, sorted(published), datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1))
    left = set(restated_copy.ask("SELECT snapshot_id FROM ducklake_snapshots('lake')").to_series())
    assert gone
    assert not published & set(gone)
    assert published < left and len(left) == len(published) + 1
    for name in ("tiny/2023Q1/r1", "tiny/2023Q1/r2"):
        assert reproduce(restated_copy.workspace, name).is_exact
    assert restated_copy.night(MARCH).changed_nothing


def test_a_number_that_was_tampered_with_is_found(restated_copy) -> None:
    with writing(restated_copy.workspace) as lake, lake.transaction("improve"):
        lake.execute("UPDATE scorecards.published_indicators SET value = value * 0.9 WHERE indicator = 'pue'")
    proof = reproduce(restated_copy.workspace, "tiny/2023Q1/r1")
    assert not proof.signature_holds and not proof.is_exact
    assert [(row["name"], row["figure"]) for row in proof.differing] == [("pue", "value")]


def test_what_was_in_force_on_a_day_is_answered(restated) -> None:
    workspace = restated[0].workspace
    asked = [datetime(2024, 2, 15), datetime(2024, 3, 2)]
    assert [as_published_on(workspace, day, "tiny", "2023Q1")["revision"] for day in asked] == [1, 2]
    with pytest.raises(NotThere, match="Nothing of tiny 2023Q1 was published by 2024-01-15"):
        as_published_on(workspace, datetime(2024, 1, 15), "tiny", "2023Q1")


@pytest.mark.long
def test_p01_a_newer_factor_moves_no_published_score_and_is_the_reason_of_the_next(
    built_workspace, tmp_path, monkeypatch
) -> None:
    first = publish(built_workspace)
    frozen = built_workspace.ask("SELECT * FROM scorecards.published_indicators ORDER BY ALL")
    facts = tmp_path / "reference"
    shutil.copytree(reference.PACKAGED, facts)
    table = facts / "grid_emission_factors.csv"
    text = table.read_text(encoding="utf-8")
    # The factor of Hebei in 2023, 0.6516 kgCO2/kWh, as a later notice might correct it.
    assert text.count(",2023,average,0.6516,") == 1
    table.write_text(text.replace(",2023,average,0.6516,", ",2023,average,0.6500,"), encoding="utf-8")
    monkeypatch.setattr(reference, "PACKAGED", facts)
    built_workspace.night(MARCH)
    second = publish(built_workspace, now=MARCH)
    assert second.row["revision"] == first.row["revision"] + 1
    (reason,) = second.reasons
    assert reason.cause == "reference fact changed"
    assert reason.subject.startswith("grid_emission_factors/") and "0.6516" in reason.before and "0.65" in reason.after
    then = "SELECT * FROM scorecards.published_indicators WHERE publication_id = 'tiny/2023Q1/r1' ORDER BY ALL"
    assert built_workspace.ask(then).equals(frozen)


def test_the_verbs_tell_the_same(restated) -> None:
    centre, *_ = restated
    run = CliRunner()
    place = ["--workspace", str(centre.root), "--json"]
    listed = json.loads(run.invoke(app, ["publications", *place]).stdout)
    assert [(row["publication_id"], row["state"]) for row in listed] == [
        ("tiny/2023Q1/r1", "final"),
        ("tiny/2023Q1/r2", "restated"),
    ]
    then = json.loads(run.invoke(app, ["as-of", "2024-02-15", "tiny", "2023Q1", *place]).stdout)
    assert then["as published on 2024-02-15"]["scorecard"] == "tiny/2023Q1/r1"
    found = json.loads(run.invoke(app, ["diff", "tiny/2023Q1/r1", "tiny/2023Q1/r2", *place]).stdout)
    assert {cause["subject"] for cause in found["causes"]} == {BILL}
    proof = run.invoke(app, ["reproduce", "tiny/2023Q1/r1", *place])
    assert proof.exit_code == 0 and json.loads(proof.stdout)["is_exact"]
