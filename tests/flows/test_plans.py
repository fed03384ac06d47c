"""What a run would do, by command: every part with its reason. And what a run says where there is no screen."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from suanheng.flows.commands import app, console
from suanheng.flows.commands.console import ProgressLines
from suanheng.transforms.building import staleness
from tests.conftest import Centre

FACT = (
    "reference_id,name,value,text_value,unit,meaning,valid_from,valid_to,source,confidence,is_usable\n"
    "parameters/declared_currency,declared_currency,,USD,,Currency of prices.,2000-01-01,9999-12-31,ours,high,true\n"
)


def verb(centre: Centre, *arguments: str) -> str:
    answer = CliRunner().invoke(app, [*arguments, "--workspace", str(centre.root)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def planned(centre: Centre, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    return json.loads(verb(centre, *arguments, "--dry-run", "--json"))


def test_a_plan_says_why_and_writes_nothing(built_workspace: Centre) -> None:
    bills = [{**bill, "amount": "1"} for bill in built_workspace.rows("utility_bills", "2023-01")]
    late = built_workspace.write("utility_bills", "late", bills)
    before = built_workspace.snapshot()

    lines = verb(built_workspace, "nightly", "--dry-run").splitlines()

    shown = late.relative_to(built_workspace.root).as_posix()
    assert lines[lines.index("ingest: 1") + 1] == f"  {shown}: a new file"
    assert lines[lines.index("stage: 1") + 1] == "  tiny utility_bills: it has files to ingest"
    assert lines[-1].startswith("Which quarters new files cover is known once they are ingested")
    assert built_workspace.snapshot() == before


def test_nothing_to_do_is_four_times_none(built_workspace: Centre) -> None:
    assert verb(built_workspace, "nightly", "--dry-run").splitlines() == [
        "pull: 0",
        "ingest: 0",
        "stage: 0",
        "build: 0",
    ]


def test_a_changed_fact_is_a_reason_to_build_what_is_made_with_it(built_workspace: Centre) -> None:
    folder = built_workspace.workspace.reference_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parameters.csv").write_text(FACT, encoding="utf-8")

    build = planned(built_workspace, "backfill", "--from", "2023Q1", "--to", "2023Q1")["build"]

    assert [(part["part"], part["why"]) for part in build] == [
        ("tiny 2023Q1", "the reference table parameters changed")
    ]


def test_a_changed_recipe_is_a_reason_too(built_workspace: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = "transforms/rollups/site_day.sql"
    hashes = {**staleness._recipe_hashes(), recipe: "as it is in another version"}
    monkeypatch.setattr(staleness, "_recipe_hashes", lambda: hashes)

    build = planned(built_workspace, "nightly")["build"]

    assert {part["part"]: part["why"] for part in build}["tiny 2023Q1"] == f"the recipe {recipe} changed"


def test_progress_without_a_screen_is_one_line_per_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 60.0, 80.0, 100.0])
    monkeypatch.setattr(console, "monotonic", lambda: next(clock))
    monkeypatch.setattr(console, "progress_words", console.Console(stderr=True, highlight=False))
    watcher = ProgressLines()

    watcher.started("backfill-1")
    watcher.begin("build", 3)
    for part in ("site-a 2023Q1", "site-a 2023Q2", "site-a 2023Q3"):
        watcher.advance(part)

    # 60 s for the first of three: two more take 120 s; 80 s for two: the third takes 40 s.
    assert capsys.readouterr().err.splitlines() == [
        "backfill-1",
        "build 1/3 site-a 2023Q1, about 120 s left",
        "build 2/3 site-a 2023Q2, about 40 s left",
        "build 3/3 site-a 2023Q3",
    ]
