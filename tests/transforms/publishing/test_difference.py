"""The difference of two composites in parts: they add up, for revisions, periods and sites."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from suanheng.flows.commands import app
from suanheng.transforms.publishing.difference import difference, state_of

ENDS = {"contribution": "score", "contribution_low": "score_low", "contribution_high": "score_high"}


def assert_adds_up(workspace, before: str, after: str) -> list:
    found = difference(workspace, before, after)
    assert found.unexplained is None
    first, second = (state_of(workspace, name).numbers.composite for name in (before, after))
    for part, end in ENDS.items():
        shares = [getattr(contribution, part) for contribution in found.contributions]
        if first[end] is None or second[end] is None:
            assert shares == [None] * 12
        else:
            assert sum(shares) == pytest.approx(second[end] - first[end], abs=1e-9)
    return found.contributions


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tiny/2023Q1/r1", "tiny/2023Q1/r2"),
        ("tiny/2023Q1/r1", "tiny/2023Q1"),
        ("tiny/2023-01", "tiny/2023-02"),
        ("tiny/2023Q1", "tiny/2023"),
        ("tiny/2023Q2", "tiny/2023Q1/r1"),
    ],
)
def test_contributions_add_up_to_the_difference(restated, before, after) -> None:
    contributions = assert_adds_up(restated[0].workspace, before, after)
    assert sorted({part.cause for part in contributions}) == ["score"]


@pytest.mark.long
def test_contributions_of_a_revision_come_from_what_was_published(restated_copy) -> None:
    workspace = restated_copy.workspace
    stated = difference(workspace, "tiny/2023Q1/r1", "tiny/2023Q1/r2").contributions
    # The second quarter as known now, and the first as published, whatever the first is now.
    restated_copy.write("workload_runs", "2023-01", restated_copy.rows("workload_runs", "2023-02"))
    restated_copy.night()
    assert difference(workspace, "tiny/2023Q1/r1", "tiny/2023Q1/r2").contributions == stated
    assert_adds_up(workspace, "tiny/2023Q1/r2", "tiny/2023Q1")


def test_a_scorecard_of_a_methodology_the_workspace_left_is_not_explained(restated) -> None:
    workspace = replace(restated[0].workspace, methodology="eu-2024-1364")
    found = difference(workspace, "tiny/2023Q1/r1", "tiny/2023Q2")
    assert found.contributions == []
    assert "tiny/2023Q2 was built with hqc-2024" in found.unexplained


def test_the_verb_tells_the_contributions_in_json_and_in_words(restated) -> None:
    centre, *_ = restated
    asked = ["diff", "tiny/2023-01", "tiny/2023-02", "--workspace", str(centre.root)]
    found = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    low = {part["name"]: part["contribution_low"] for part in found["contributions"]}
    fell = {part["name"] for part in found["contributions"] if (part["score_after"] or 0) < (part["score_before"] or 0)}
    assert len(low) == 12 and {name for name, share in low.items() if share < 0} == fell != set()
    words = CliRunner().invoke(app, asked).stdout
    assert f"The ends of the score's interval move by {sum(low.values()):+.6g} and" in words
    assert "Contributions, in points" in words
