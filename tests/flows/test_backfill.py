"""Backfills and plans: what is built, why, by which stages, and that it comes out the same however it is run."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from filelock import FileLock

from suanheng.config.errors import BadSettings
from suanheng.flows.commands.run import _tell
from suanheng.flows.night import run
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Order, Outcome, Stage
from suanheng.flows.plan import Plan, plan
from suanheng.transforms.building import build
from suanheng.warehouse.lake import Lake
from tests.conftest import NOW, SITE, Centre, write_tiny

BUILT = ("rollups", "indicators", "scorecards")
BILL = f"landing/{SITE}/utility_bills/2023-01.csv"


def fill_back(centre: Centre, *stages: Stage, steps: Steps | None = None, **asked: Any) -> Outcome:
    order = Order("backfill", stages or (Stage.BUILD,), **asked)
    return run(centre.workspace, steps or Steps(), NOW, order)


def planned(centre: Centre, **asked: Any) -> Plan:
    return plan(centre.workspace, NOW, Order("backfill", **asked))


def correct_a_bill(centre: Centre) -> None:
    electricity, water = centre.rows("utility_bills", "2023-01")
    centre.write("utility_bills", "2023-01", [{**electricity, "energy_kwh": 1500}, water])


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that is run."""
    seen: list[str] = []
    open_as_usual = Lake.__init__

    class Listening:
        def __init__(self, connection: Any) -> None:
            self._connection = connection
            # Frames are named by the caller of this connection, not by whom it calls.
            connection.execute("SET python_scan_all_frames = true")

        def execute(self, statement: str, parameters: Any = None) -> Any:
            seen.append(statement)
            return self._connection.execute(statement, parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

    monkeypatch.setattr(Lake, "__init__", lambda self, c, *place: open_as_usual(self, Listening(c), *place))
    return seen


def test_a_night_without_news_asks_as_much_of_two_quarters_as_of_one(
    built_workspace: Centre, tmp_path: Any, statements: list[str]
) -> None:
    one_quarter = write_tiny(tmp_path / "one", months=3)
    assert one_quarter.night().built == ["tiny 2023Q1"]
    counts = []
    for centre in (one_quarter, built_workspace):
        statements.clear()
        assert centre.night().changed_nothing
        counts.append(len(statements))

    assert counts[0] == counts[1] < 80


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 2])
def test_quarters_come_out_the_same_with_any_number_of_workers(built_workspace: Centre, workers: int) -> None:
    before = built_workspace.digests(*BUILT)

    outcome = fill_back(built_workspace, force=True, workers=workers)

    assert outcome.built == ["tiny 2023Q1", "tiny 2023Q2"]
    assert built_workspace.digests(*BUILT) == before


class InterruptedBefore(Steps):
    """Steps that are interrupted before a part."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def run(self, title: str, part: str, work: Callable[[Any], Any], item: Any) -> Any:
        if part == self._part:
            raise KeyboardInterrupt
        return super().run(title, part, work, item)


def test_an_interrupted_backfill_by_force_goes_on_where_it_stopped(built_workspace: Centre) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill_back(built_workspace, force=True, steps=InterruptedBefore("tiny 2023Q2"))
    run_id = built_workspace.value("SELECT run_id FROM ops.builds WHERE quarter_start = DATE '2023-01-01'")

    assert [part.part for part in planned(built_workspace, resume=run_id).build] == ["tiny 2023Q2"]
    outcome = fill_back(built_workspace, resume=run_id)

    assert (outcome.run_id, outcome.built) == (run_id, ["tiny 2023Q2"])
    assert fill_back(built_workspace, resume=run_id).changed_nothing


def test_a_run_that_built_nothing_cannot_be_resumed(built_workspace: Centre) -> None:
    with pytest.raises(BadSettings, match="No quarter was built by a run 'backfill-1'"):
        fill_back(built_workspace, resume="backfill-1")


def test_a_site_that_nobody_knows_is_refused(built_workspace: Centre) -> None:
    with pytest.raises(BadSettings, match=r"has no site tyni\. Known: tiny\."):
        fill_back(built_workspace, sites=["tyni"])


def test_failed_quarters_are_told_keep_their_state_and_end_with_code_4(
    built_workspace: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = built_workspace.digests(*BUILT)

    def fail(*_: Any) -> None:
        raise RuntimeError("this recipe is broken")

    monkeypatch.setattr(build, "score", fail)
    outcome = fill_back(built_workspace, force=True, workers=2)

    assert outcome.built == []
    assert outcome.failures == dict.fromkeys(("tiny 2023Q1", "tiny 2023Q2"), "RuntimeError: this recipe is broken")
    assert built_workspace.digests(*BUILT) == before
    with pytest.raises(SystemExit) as end:
        _tell(outcome.as_dict(), as_json=True)
    assert end.value.code == 4


@pytest.mark.long
def test_each_stage_can_be_done_alone_and_what_is_skipped_is_made_up_for(built_workspace: Centre) -> None:
    correct_a_bill(built_workspace)
    bill = "SELECT bill_kwh FROM rollups.energy_month WHERE month_start = DATE '2023-01-01'"

    ingested = fill_back(built_workspace, Stage.INGEST)
    assert [landing.path for landing in ingested.landings] == [BILL]
    assert (ingested.stagings, ingested.built) == ([], [])

    # Built from what is staged, which is the old bill; so the quarters are stale once the new one is staged.
    assert fill_back(built_workspace, Stage.BUILD, last=date(2023, 1, 1)).built == ["tiny 2023Q1"]
    assert built_workspace.value(bill) == 1310

    assert [staging.dataset for staging in fill_back(built_workspace, Stage.STAGE).stagings] == ["utility_bills"]
    assert fill_back(built_workspace, Stage.BUILD).built == ["tiny 2023Q1", "tiny 2023Q2"]
    assert built_workspace.value(bill) == 1500

    reported = fill_back(built_workspace, Stage.REPORT, first=date(2023, 4, 1))
    names = {path.name for path in reported.reports}
    assert reported.built == []
    assert any("2023Q2" in name for name in names)
    assert not any("2023Q1" in name for name in names)


def test_a_plan_says_why_writes_nothing_and_waits_for_no_writer(built_workspace: Centre) -> None:
    snapshot = built_workspace.snapshot()
    correct_a_bill(built_workspace)
    settings = built_workspace.root / "suanheng.toml"
    settings.write_text('[scoring]\nmethodology = "eu-2024-1364"\n', encoding="utf-8")
    sites = built_workspace.root / "sites.toml"
    sites.write_text(sites.read_text(encoding="utf-8").replace("rack_units = 42.0", "rack_units = 43.0"))
    there = sorted(built_workspace.root.rglob("*"))

    with FileLock(built_workspace.workspace.writer_lock):
        found = planned(built_workspace)

    assert [(part.part, part.why) for part in found.ingest] == [(BILL, "its content changed")]
    assert [(part.part, part.why) for part in found.stage] == [("tiny utility_bills", "it has files to ingest")]
    first, second = found.build
    assert first.part == "tiny 2023Q1"
    assert first.why.startswith("the methodology changed from hqc-2024 ")
    assert "what sites.toml says of the site changed" in first.why
    assert "it looks back on 2023Q1" in second.why
    assert built_workspace.snapshot() == snapshot
    assert sorted(built_workspace.root.rglob("*")) == there


def test_a_plan_names_the_files_a_quarter_would_be_built_for(built_workspace: Centre) -> None:
    correct_a_bill(built_workspace)
    fill_back(built_workspace, Stage.INGEST, Stage.STAGE)

    (first,) = planned(built_workspace, last=date(2023, 3, 31)).build

    assert first.why == f"{BILL} was ingested; {BILL} no longer counts"


def test_a_plan_of_a_workspace_without_a_warehouse_takes_in_everything(tiny_workspace: Centre) -> None:
    found = planned(tiny_workspace)

    assert len(found.ingest) == len(tiny_workspace.files())
    assert {part.why for part in found.ingest} == {"a new file"}
    assert found.build == []
    assert not (tiny_workspace.root / "lake").exists()
