"""Several writers and readers at once, on a PostgreSQL catalogue and an object store."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import Workspace
from suanheng.flows import units_of_work
from suanheng.flows.landing import in_place
from suanheng.flows.landing.pending import waiting
from suanheng.flows.publish import publish_scorecard
from suanheng.transforms.building import build, periods
from suanheng.transforms.building.periods import Scope
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.building.staleness import Stale, stale_scopes
from suanheng.transforms.definitions import reference
from suanheng.transforms.publishing.publish import Request
from suanheng.transforms.publishing.reproduce import reproduce
from suanheng.transforms.scoring.methodology import CarbonChoices, Methodology, load
from suanheng.transforms.staging import stage
from suanheng.warehouse.errors import Busy, Conflict, NoWarehouse, Unreachable
from suanheng.warehouse.lake import Lake, reading, writing
from suanheng.warehouse.retention import expire
from tests.promises.crashes import start
from tests.promises.doomed_run import Death

PROMISES = Path(__file__).parents[1] / "promises"
DATA = ("raw", "staged", "rollups", "indicators", "scorecards", "quarantine", "reference")
RESULTS = ("staged", "rollups", "indicators", "scorecards")
NOW = datetime(2024, 2, 1, tzinfo=UTC)
SITES = ("east", "north", "south", "west")
NIGHT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from suanheng.config.workspace import open_workspace
from suanheng.flows.night import night
from suanheng.flows.orchestration.steps import Steps
root, now = sys.argv[1:]
outcome = night(open_workspace(Path(root)), Steps(), datetime.fromisoformat(now), write_reports=False)
assert not outcome.failures, outcome.failures
print(len(outcome.built))
"""


def correct_bills(centre: Any, *sites: str) -> None:
    """The bill of January, 1310 kWh, becomes one of 1500 kWh."""
    for site_id in sites:
        path = centre.path("utility_bills", "2023-01", site_id)
        path.write_text(path.read_text().replace("1310", "1500"))


def counts_once(centre: Any) -> bool:
    """Whether every bill that was ingested is in the warehouse once."""
    ingested = "SELECT sum(rows_accepted) FROM ops.files WHERE raw_table = 'template_utility_bills'"
    return centre.value("SELECT count(*) FROM raw.template_utility_bills") == centre.value(ingested)


LOOKED_UP = "SELECT idx_scan FROM pg_stat_user_indexes WHERE relname = 'ducklake_file_column_stats'"


def database_of(workspace: Workspace) -> str:
    """The database that holds its catalogue."""
    return workspace.catalog.rpartition("dbname=")[2]


@pytest.fixture(scope="module")
def after_a_night(servers, built_once, tmp_path_factory):
    """The two quarters of ``built_once`` after a night on both servers. To be read and copied, never changed."""
    root = tmp_path_factory.mktemp("shared") / "tiny"
    shutil.copytree(built_once.root, root, ignore=shutil.ignore_patterns("lake", "ready"))
    centre = type(built_once)(root)
    servers.move(centre)
    outcome = centre.night()
    assert not outcome.failures, outcome.failures
    return centre


@pytest.fixture
def shared(servers, after_a_night, tmp_path):
    """``shared(wait_s=…)`` is a copy of the two quarters, free to be changed."""
    return lambda **settings: servers.copy(after_a_night, tmp_path / "shared", **settings)


@pytest.fixture(scope="module")
def corrected(built_once, tmp_path_factory):
    """What the two quarters come out as when one writer with a warehouse of its own ingests a corrected bill."""
    centre = type(built_once)(shutil.copytree(built_once.root, tmp_path_factory.mktemp("alone") / "tiny"))
    correct_bills(centre, "tiny")
    assert len(centre.night().built) == 2
    return centre.digests(*RESULTS)


def test_a_night_on_servers_comes_out_as_on_an_embedded_catalogue(after_a_night, built_once) -> None:
    assert after_a_night.digests(*DATA) == built_once.digests(*DATA)
    files = "SELECT file_id, path, status, rows_read, rows_accepted, rows_quarantined FROM ops.files ORDER BY ALL"
    assert after_a_night.ask(files).rows() == built_once.ask(files).rows()
    assert after_a_night.night().changed_nothing


@pytest.mark.long
def test_five_writers_on_four_sites_come_out_as_one_and_readers_see_whole_quarters(
    servers, tiny_workspace, tmp_path
) -> None:
    alone, together, *apart = four_sites(tiny_workspace, tmp_path)
    servers.move(together, *apart)
    together.night()
    for centre, sites in ((alone, SITES), (together, SITES), *zip(apart, [[site] for site in SITES], strict=True)):
        correct_bills(centre, *sites)

    stop = tmp_path / "stop"
    reader = run_python(PROMISES / "reader.py", together.root, stop)
    looks = [json.loads(reader.stdout.readline())["quarters"]]
    nights = [
        run_python("-c", NIGHT, centre.root, NOW + timedelta(seconds=number))
        for number, centre in enumerate((together, *apart), 1)
    ]
    built = [int(output_of(night)) for night in nights]
    stop.touch()
    looks += [json.loads(line)["quarters"] for line in output_of(reader).splitlines()]

    assert sum(built) == len(SITES)
    assert counts_once(together)
    alone.night()
    assert together.digests(*RESULTS) == alone.digests(*RESULTS)
    assert len(looks) > 2
    for quarters in looks:
        assert [quarter["site_id"] for quarter in quarters] == list(SITES)
        for quarter in quarters:
            assert quarter["is_sum_of_months"]
            assert quarter["run_ids"] == [quarter["built_by"]]
            assert quarter["scorecards"] == 4
    assert looks[0][0]["built_by"] not in together.ask("SELECT run_id FROM ops.builds")["run_id"].to_list()


def run_python(*arguments: Any) -> subprocess.Popen[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output_of(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def four_sites(tiny: Any, folder: Path) -> list[Any]:
    """Bills and meters of one quarter at four sites: of all in two workspaces, and of each in one of its own."""
    centres = []
    for name, sites in (("alone", SITES), ("together", SITES), *((site, (site,)) for site in SITES)):
        centre = type(tiny)(folder / name)
        for site in sites:
            for dataset in ("utility_bills", "facility_readings"):
                for month in ("2023-01", "2023-02", "2023-03"):
                    path = centre.path(dataset, month, site)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(tiny.path(dataset, month), path)
        (centre.root / "suanheng.toml").write_text("")
        shutil.copy(tiny.root / "sources.toml", centre.root)
        entry = (tiny.root / "sites.toml").read_text()
        (centre.root / "sites.toml").write_text("".join(entry.replace('"tiny"', f'"{site}"') for site in SITES))
        centres.append(centre)
    return centres


@pytest.mark.long
def test_a_writer_that_is_killed_holds_nobody_up_and_leaves_nothing_half(shared, corrected) -> None:
    centre = shared(wait_s=0)
    correct_bills(centre, "tiny")
    before = centre.digests("indicators", "scorecards")

    doomed = start(centre, "nightly", NOW, Death("build", 1, "150"))
    doomed.wait(timeout=300)

    assert doomed.returncode == -signal.SIGKILL
    assert centre.digests("indicators", "scorecards") == before
    assert len(centre.night().built) == 2
    assert centre.digests(*RESULTS) == corrected
    assert counts_once(centre)


@pytest.mark.long
def test_what_another_writer_has_done_since_the_plan_is_not_done_again(shared, corrected) -> None:
    centre = shared()
    correct_bills(centre, "tiny")
    with writing(centre.workspace, "late") as late:
        methodology = load(centre.workspace.methodology)
        files, stagings = (
            units_of_work.PlannedState(late, "files", "raw_table"),
            units_of_work.PlannedState(late, "stagings", "dataset"),
        )
        (group,) = waiting(late, centre.workspace)
        assert len(centre.night(NOW + timedelta(seconds=1)).built) == 2

        landed = units_of_work.ingest_files(late, centre.workspace, files, group, in_place.survey_whole)
        staged = units_of_work.stage_dataset(late, stagings, "tiny", "utility_bills")
        both = stale_scopes(late, periods.scopes(late), methodology, NOW, forced=periods.scopes(late))
        built = [build_quarter(late, ScratchDatabase(late), quarter, methodology) for quarter in both]

    assert (landed, staged, built) == ([], None, [None, None])
    assert centre.digests(*RESULTS) == corrected
    assert counts_once(centre)


def build_quarter(
    lake: Lake, scratch: ScratchDatabase, quarter: Stale, methodology: Methodology, is_forced: bool = False
) -> Scope | None:
    def computed(quarter: Stale) -> build.Computed:
        return build.compute(lake, scratch, quarter.scope, NOW, CarbonChoices())

    return units_of_work.QuarterBuilds(lake, scratch, methodology, NOW, computed).build(quarter, is_forced)


@pytest.mark.long
def test_a_quarter_whose_ground_is_changed_while_it_is_built_is_begun_anew(shared) -> None:
    centre = shared()
    own = centre.root / "reference" / "grid_emission_factors.csv"
    header, first_fact, *_ = (reference.PACKAGED / own.name).read_text().splitlines()

    class Disturbed(ScratchDatabase):
        """While a quarter is laid out for the first time, another writer ingests a factor that was corrected."""

        layouts = 0

        def lay_out(self, site_id: str) -> None:
            super().lay_out(site_id)
            self.layouts += 1
            if self.layouts == 1:
                own.parent.mkdir()
                own.write_text(f"{header}\n{first_fact.replace('0.5568', '0.5586')}\n")
                assert reference.refresh(other, centre.workspace) == ["grid_emission_factors"]

    with writing(centre.workspace, "builder") as lake, writing(centre.workspace, "other") as other:
        methodology = load(centre.workspace.methodology)
        forced = stale_scopes(lake, periods.scopes(lake), methodology, NOW, forced=periods.scopes(lake))
        scratch = Disturbed(lake)

        assert build_quarter(lake, scratch, forced[0], methodology, is_forced=True) == forced[0].scope

        assert scratch.layouts == 2
        assert stale_scopes(lake, [forced[0].scope], methodology, NOW) == []


def test_a_quarter_whose_files_wait_to_be_staged_is_left_to_the_writer_that_took_them_in(shared) -> None:
    centre = shared()
    correct_bills(centre, "tiny")
    with writing(centre.workspace) as lake:
        methodology = load(centre.workspace.methodology)
        (group,) = waiting(lake, centre.workspace)
        planned = units_of_work.PlannedState(lake, "files", "raw_table")
        units_of_work.ingest_files(lake, centre.workspace, planned, group, in_place.survey_whole)
        stale = stale_scopes(lake, periods.scopes(lake), methodology, NOW)

        assert len(stale) == 2
        assert build_quarter(lake, ScratchDatabase(lake), stale[0], methodology) is None

        stage.stage_dataset(lake, "tiny", "utility_bills")
        assert build_quarter(lake, ScratchDatabase(lake), stale[0], methodology) == stale[0].scope


class Stranger:
    """A writer that knows of no locks, as any other DuckDB client, and always has something to change in ops.runs."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def interfere(self) -> None:
        self._lake.execute("UPDATE ops.runs SET files_refused = files_refused + 10")


def count_one_file_more(lake: Lake, stranger: Stranger, times: int) -> list[int]:
    """A unit of work that a stranger interferes with so many times; the tries it takes."""
    tries: list[int] = []

    def work() -> None:
        tries.append(len(tries) + 1)
        with lake.transaction("one more"):
            lake.execute("UPDATE ops.runs SET files_loaded = files_loaded + 1")
            if len(tries) <= times:
                stranger.interfere()

    try:
        lake.unit("tiny", work)
    finally:
        assert tries == list(range(1, len(tries) + 1))
    return tries


def test_a_conflict_is_retried_and_neither_change_is_lost(shared) -> None:
    centre = shared()
    loaded, refused = centre.ask("SELECT files_loaded, files_refused FROM ops.runs").row(0)
    with writing(centre.workspace) as lake, writing(centre.workspace) as other:
        assert count_one_file_more(lake, Stranger(other), times=2) == [1, 2, 3]
    assert centre.ask("SELECT files_loaded, files_refused FROM ops.runs").rows() == [(loaded + 1, refused + 20)]


@pytest.mark.long
def test_a_conflict_without_end_is_refused_and_nothing_is_written(shared) -> None:
    centre = shared()
    loaded, refused = centre.ask("SELECT files_loaded, files_refused FROM ops.runs").row(0)
    faster = pytest.raises(Conflict, match="one more: not written, another writer was faster")
    with writing(centre.workspace) as lake, writing(centre.workspace) as other, faster:
        count_one_file_more(lake, Stranger(other), times=100)
    assert centre.ask("SELECT files_loaded, files_refused FROM ops.runs").rows() == [(loaded, refused + 50)]


def test_others_write_beside_a_first_try_and_wait_for_the_second(shared, servers) -> None:
    centre = shared()
    database = database_of(centre.workspace)
    waiting_for_a_lock = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    done: list[str] = []

    def write_elsewhere() -> None:
        with writing(centre.workspace) as other, other.transaction("theirs"):
            done.append("theirs")

    def work() -> None:
        with lake.transaction("ours"):
            if not done:
                write_elsewhere()
                raise Conflict("as if both had changed one table")
            elsewhere.start()
            while not servers.postgres.ask(database, waiting_for_a_lock):
                assert elsewhere.is_alive()
            done.append("ours")

    elsewhere = threading.Thread(target=write_elsewhere)
    with writing(centre.workspace) as lake:
        lake.unit("tiny", work)
    elsewhere.join()
    assert done == ["theirs", "ours", "theirs"]


def test_who_waits_at_a_place_is_told_for_whom(shared) -> None:
    centre = shared(wait_s=0)
    with writing(centre.workspace, "nightly-1") as first, writing(centre.workspace, "nightly-2") as second:

        def meanwhile() -> str:
            with pytest.raises(Busy, match=r"tiny in the warehouse, held by nightly-1, process [0-9]+ on .*wait_s"):
                second.unit("tiny", lambda: None)
            return second.unit("elsewhere", lambda: "done")

        assert first.unit("tiny", meanwhile) == "done"
        assert second.unit("tiny", lambda: "done") == "done"


def test_a_writer_whose_locks_are_lost_writes_nothing(shared, servers) -> None:
    centre = shared()
    database = database_of(centre.workspace)
    loaded = centre.value("SELECT files_loaded FROM ops.runs")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    with writing(centre.workspace) as lake:

        def work() -> None:
            with lake.transaction("one more"):
                lake.execute("UPDATE ops.runs SET files_loaded = files_loaded + 1")
                servers.postgres.ask(database, cut)

        with pytest.raises(duckdb.Error):
            lake.unit("tiny", work)
    assert centre.value("SELECT files_loaded FROM ops.runs") == loaded


@pytest.mark.long
def test_a_publication_is_reproduced_from_its_snapshot_after_the_others_were_forgotten(shared) -> None:
    centre = shared()
    published = publish_scorecard(centre.workspace, Request("tiny", "2023Q1", NOW)).publication.row

    with writing(centre.workspace) as lake, lake.alone():
        gone = expire(lake, [published["snapshot_id"]], datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1))

    assert len(gone) > 5
    assert published["snapshot_id"] not in gone
    assert reproduce(centre.workspace, "tiny/2023Q1").is_exact


def test_the_server_looks_statistics_up_by_an_index(after_a_night, servers) -> None:
    ((looked_up,),) = servers.postgres.ask(database_of(after_a_night.workspace), LOOKED_UP)
    assert looked_up > 100


@pytest.fixture
def settled(servers, tiny_workspace) -> Callable[..., Any]:
    """``settled("old", "new")`` is a workspace with an empty database, and something in its settings replaced."""

    def settle(old: str = "", new: str = "") -> Any:
        servers.move(tiny_workspace)
        path = tiny_workspace.root / "suanheng.toml"
        path.write_text(path.read_text().replace(old, new))
        return tiny_workspace.workspace

    return settle


def test_a_database_without_a_lake_is_no_warehouse_yet(settled) -> None:
    with (
        pytest.raises(NoWarehouse, match=r"has no warehouse yet\. Make one with: suanheng nightly"),
        reading(settled()),
    ):
        pass


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dbname=lake", "dbname=elsewhere", 'database "elsewhere[0-9]+" does not exist'),
        ("host=/tmp", "host=/nowhere", "No such file or directory.*See that warehouse.catalog.*PGPASSWORD"),
        ("s3://centres", "s3://elsewhere", "object store of s3://elsewhere/lake[0-9]+ cannot be used.*NoSuchBucket"),
        ('endpoint = "127.0.0.1:', 'endpoint = "127.0.0.1:1" # "', "Could not connect.*See that it runs"),
    ],
)
def test_a_server_that_cannot_be_used_is_named(settled, old, new, said) -> None:
    with pytest.raises(Unreachable, match=f"(?s){said}"), writing(settled(old, new)):
        pass


def test_a_writer_who_may_not_make_the_index_is_told_who_may_and_writes(settled, servers, caplog) -> None:
    workspace = settled()
    database = database_of(workspace)
    with writing(workspace) as lake:
        lake.execute("CREATE TABLE numbers (n INTEGER)")
    for statement in (
        "DROP INDEX ducklake_file_column_stats_by_column",
        "CREATE ROLE guest LOGIN",
        "GRANT ALL ON SCHEMA public TO guest",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest",
    ):
        servers.postgres.run(database, statement)

    with writing(replace(workspace, catalog=workspace.catalog.replace("user=suanheng", "user=guest"))) as lake:
        lake.execute("INSERT INTO numbers VALUES (1)")
        assert lake.value("SELECT n FROM numbers") == 1

    assert "must be owner of table ducklake_file_column_stats" in caplog.text
    assert "CREATE INDEX IF NOT EXISTS" in caplog.text
    assert servers.postgres.ask(database, LOOKED_UP) == []


def test_credentials_come_from_the_environment_and_are_missed_there(settled, monkeypatch) -> None:
    workspace = settled()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a guess")
    with pytest.raises(Unreachable, match="SignatureDoesNotMatch"), writing(workspace):
        pass
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadSettings, match="the environment does not say AWS_SECRET_ACCESS_KEY"), writing(workspace):
        pass
