"""The deployments, run for real: a Prefect server on loopback, a worker of a pool, and a serving process.

Everything is in one module, so that one server and one worker do for all.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling
from typer.testing import CliRunner

from suanheng.config.errors import BadSettings, ExitCode
from suanheng.flows.commands import app
from suanheng.transforms.publishing.reproduce import reproduce
from tests.deployments.conftest import eventually

pytestmark = pytest.mark.long

DATA = ("raw", "staged", "rollups", "indicators", "scorecards", "quarantine", "reference")
IMPATIENT = Path(__file__).with_name("impatient.py")


def deploy(server, centre, *more: str) -> dict:
    """Deploy a workspace with the verb."""
    with temporary_settings({PREFECT_API_URL: server.url}):
        command = ["deploy", "--workspace", str(centre.root), "--json", *more]
        return json.loads(CliRunner().invoke(app, command, catch_exceptions=False).stdout)


def planned_nights(server, deployment: str) -> list[FlowRun]:
    """Runs that the server's scheduler has made, soonest first; waits for them."""
    flow, _, name = deployment.partition("/")
    this = {
        "flow_filter": FlowFilter(name=FlowFilterName(any_=[flow])),
        "deployment_filter": DeploymentFilter(name=DeploymentFilterName(any_=[name])),
    }
    runs = eventually(
        f"nights of {deployment}",
        lambda: [run for run in server.client.read_flow_runs(**this, limit=200) if run.auto_scheduled],
    )
    return sorted(runs, key=lambda run: run.expected_start_time)


# What is asked for at the beginning runs while other tests look at what has ended.


@pytest.fixture(scope="module")
def history(server, pool, new_centre):
    """A workspace, and a backfill of its one quarter."""
    centre = new_centre("history")
    deploy(server, centre)
    days = {"first": "2023-01-01", "last": "2023-03-31"}
    return centre, server.ask_for("backfill/history", **days, sites=["tiny"], stages=["ingest", "stage", "build"])


@pytest.fixture(scope="module")
def rough(server, pool, new_centre, new_prometheus):
    """A workspace that pulls from a server which comes back and from one that refuses, and a night of it."""
    centre = new_centre("rough")
    pulls = {"late": new_prometheus(503).url, "closed": new_prometheus(*[401] * 9).url}
    (centre.root / "pulls.toml").write_text(
        "\n".join(
            f"[[pull]]\nname = '{name}'\nsite = 'tiny'\nurl = '{url}'\nexporter = 'dcgm'\nstep = '60s'\n"
            "window = '1h'\nstart = 2023-01-01T00:00:00Z\nend = 2023-01-01T01:00:00Z\n"
            for name, url in pulls.items()
        )
    )
    server.client.create_deployment(
        flow_id=server.client.create_flow_from_name("nightly"),
        name="rough",
        entrypoint=f"{IMPATIENT}:nightly",
        parameters={"workspace": str(centre.root)},
        work_pool_name=pool,
    )
    return centre, server.ask_for("nightly/rough")


def test_deploy_wants_a_server_a_pool_and_a_name_of_its_own(server, history, new_centre, tmp_path) -> None:
    centre = new_centre("other")
    with pytest.raises(BadSettings, match=r"PREFECT_API_URL is not set.*prefect server start"):
        CliRunner().invoke(app, ["deploy", "--workspace", str(centre.root)], catch_exceptions=False)
    with pytest.raises(BadSettings, match=r"no work pool 'elsewhere'.*prefect work-pool create elsewhere"):
        deploy(server, centre, "--pool", "elsewhere")
    with pytest.raises(BadSettings, match=r"nightly/history belongs to the workspace .*history"):
        deploy(server, centre, "--name", "history")
    nobody = "http://127.0.0.1:9/api"
    with (
        temporary_settings({PREFECT_API_URL: nobody}),
        pytest.raises(BadSettings, match=f"No .* answers at .*{nobody}"),
    ):
        CliRunner().invoke(app, ["serve", "--workspace", str(centre.root)], catch_exceptions=False)


def test_nights_are_scheduled_in_the_time_zone_of_the_sites(server, history) -> None:
    nights = planned_nights(server, "nightly/history")
    local = [night.expected_start_time.astimezone(ZoneInfo("Asia/Shanghai")) for night in nights]
    assert len(local) >= 3
    assert {(moment.hour, moment.minute) for moment in local} == {(2, 15)}
    days = [moment.toordinal() for moment in local]
    assert days == list(range(days[0], days[0] + len(days)))


def test_nights_that_were_missed_are_covered_by_one_and_run_one_at_a_time(server, new_centre) -> None:
    centre = new_centre("outage")
    serve = ("suanheng", "serve", "--workspace", str(centre.root))
    with server.process("serve", *serve):
        planned_nights(server, "nightly/outage")
    missed = [server.ask_for("nightly/outage", due, reports=False) for due in days_ago(2, 1)]
    eventually("late runs", lambda: {server.run(run).state.name for run in missed} == {"Late"})

    with server.process("serve again", *serve):
        runs = sorted((server.ended(run) for run in missed), key=lambda run: run.start_time)

    assert [run.state.name for run in runs] == ["Completed", "Covered"]
    assert str(runs[0].id) in runs[1].state.message
    assert centre.ask("SELECT flow, quarters_built FROM ops.runs").rows() == [("nightly", 1)]
    assert runs[0].end_time <= runs[1].start_time
    assert "AwaitingConcurrencySlot" in {state.name for state in server.states(runs[1].id)}
    schedules = server.client.read_deployment_by_name("nightly/outage").schedules
    assert [schedule.active for schedule in schedules] == [True]


def days_ago(*days: int) -> list[datetime]:
    return [datetime.now(UTC) - timedelta(days=n) for n in days]


def test_a_backfill_takes_its_parameters_and_shows_what_it_did(server, history) -> None:
    centre, run_id = history
    run = server.ended(run_id)
    assert (run.state.name, run.name) == ("Completed", "backfill 2023-01-01 to 2023-03-31")
    assert not (centre.root / "reports").exists()
    rows = {row["what"]: row for row in json.loads(server.artifacts(run_id)["backfill-changes"])}
    # Of the month: four files with rows, one with faulty rows, one letter; nine files of inventories.
    assert (rows["files ingested"]["how many"], rows["files refused"]["how many"]) == (14, 1)
    assert (rows["quarters built"]["how many"], rows["quarters built"]["which"]) == (1, "tiny 2023Q1")
    faulty = ("landing/tiny/accelerator_samples/faulty.csv", "accelerator_samples of tiny")
    assert rows["records quarantined"]["which"] == ", ".join(faulty)
    assert rows["parts failed"]["how many"] == 0


def test_a_pull_whose_server_comes_back_is_tried_again(server, rough) -> None:
    _, run_id = rough
    server.ended(run_id)
    tasks = server.tasks(run_id)
    assert (tasks["pull: late of tiny"].state.name, tasks["pull: late of tiny"].run_count) == ("Completed", 2)
    assert (tasks["pull: closed of tiny"].state.name, tasks["pull: closed of tiny"].run_count) == ("Failed", 1)


def test_a_run_with_a_failed_part_is_failed_names_it_and_keeps_the_rest(server, rough) -> None:
    centre, run_id = rough
    run = server.ended(run_id)
    assert run.state.is_failed()
    assert run.name == f"nightly {centre.root}"
    assert run.state.message.startswith("1 failed, everything else is done:\n  - closed of tiny: Refused: ")
    shown = server.artifacts(run_id)
    failed = [row["which"] for row in json.loads(shown["nightly-changes"]) if row["what"] == "failed"]
    assert len(failed) == 1 and "status 401" in failed[0]
    assert centre.value("SELECT count(*) FROM scorecards.composites") > 0
    page = centre.root / "reports" / "tiny" / "2023-01.en.html"
    assert page.exists()
    assert f"[tiny/2023-01.en.html]({page.as_uri()})" in shown["nightly-scorecards"]


def test_the_verb_runs_the_same_flow_and_answers_with_what_failed(server, rough) -> None:
    centre, run_id = rough
    server.ended(run_id)
    with temporary_settings({PREFECT_API_URL: server.url}):
        answer = CliRunner().invoke(app, ["nightly", "--workspace", str(centre.root), "--json"])
    assert answer.exit_code == ExitCode.PART_FAILED
    assert list(json.loads(answer.stdout)["failures"]) == ["closed of tiny"]


def test_a_cancelled_night_is_killed_and_the_next_one_completes(server, pool, new_centre) -> None:
    centre, undisturbed = new_centre("cut"), new_centre("whole")
    deploy(server, centre)
    run_id = server.ask_for("nightly/cut", reports=False)
    eventually("staging", lambda: any(name.startswith("stage") for name in server.tasks(run_id)))
    server.client.set_flow_run_state(run_id, Cancelling())
    assert server.ended(run_id).state.name == "Cancelled"
    assert centre.value("SELECT count(*) FROM ops.builds") in (0, 1)

    assert not centre.night().failures
    undisturbed.night()
    assert centre.digests(*DATA) == undisturbed.digests(*DATA)


def test_a_close_that_comes_late_publishes_the_month_it_was_due_for(server, history) -> None:
    centre, backfill = history
    server.ended(backfill)
    run_id = server.ask_for("monthly-close/history", datetime(2023, 2, 9, 20, 15, tzinfo=UTC))
    run = server.ended(run_id)
    assert (run.state.name, run.name) == ("Completed", f"monthly close {centre.root}")
    closed = json.loads(server.artifacts(run_id)["monthly-close-publications"])
    assert [(row["period"], row["result"], row["publication_id"]) for row in closed] == [
        ("2023-01", "published", "tiny/2023-01/r1")
    ]
    assert centre.ask("SELECT publication_id FROM scorecards.publications").rows() == [("tiny/2023-01/r1",)]


def test_expired_snapshots_leave_the_warehouse_as_it_is_and_what_is_published_reproducible(server, history) -> None:
    centre, _ = history
    before = centre.digests(*DATA)
    (published,) = centre.ask("SELECT snapshot_id FROM scorecards.publications")["snapshot_id"]

    run_id = server.ask_for("expire/history", older_than_days=0)

    run = server.ended(run_id)
    assert (run.state.name, run.name) == ("Completed", f"expire {centre.root}")
    left = centre.ask("SELECT snapshot_id FROM ducklake_snapshots('lake') ORDER BY 1")["snapshot_id"].to_list()
    assert left == sorted({published, left[-1]})
    stated = json.loads(server.artifacts(run_id)["expire-snapshots"])
    assert [row["what"] for row in stated] == ["snapshots expired", "snapshots kept for publications"]
    assert stated[0]["how many"] > 5 and stated[1]["how many"] == 1
    assert centre.digests(*DATA) == before
    assert reproduce(centre.workspace, "tiny/2023-01").is_exact
