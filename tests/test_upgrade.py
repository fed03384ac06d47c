"""A warehouse made by an earlier version opens, its nights go on, and its publications reproduce."""

import hashlib
import json
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from suanheng.config.workspace import open_workspace
from suanheng.flows.commands import app
from suanheng.flows.night import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Outcome
from suanheng.transforms.publishing.reproduce import reproduce
from suanheng.warehouse.lake import reading

MADE_BY_0_1_0 = Path(__file__).parent / "data" / "lakes" / "0.1.0" / "workspace.tar.xz"
PUBLICATIONS = ("north/2023Q1/r1", "south/2023Q1/r1", "south/2023Q1/r2")
QUARTERS = ["north 2023Q1", "south 2023Q1", "south 2023Q2"]
NOW = datetime(2024, 4, 1, tzinfo=UTC)
"""A month after the last night of the earlier version."""

INDICATORS = 'SELECT * FROM indicators."all" ORDER BY ALL'
PUBLISHED_AND_NOW = """
    SELECT
        indicator, now.value, now.score, now.status, now.coverage,
        published.value, published.score, published.status, published.coverage
    FROM scorecards.published_indicators AS published
    JOIN scorecards.indicators AS now USING (site_id, period, indicator)
    WHERE publication_id IN ('north/2023Q1/r1', 'south/2023Q1/r2')
"""


def ask(root: Path, query: str) -> pl.DataFrame:
    with reading(open_workspace(root)) as lake:
        return lake.frame(query)


def answer(root: Path, *verb: str) -> Any:
    """What a verb answers as JSON, once it has ended with exit code 0."""
    ended = CliRunner().invoke(app, [*verb, "--workspace", str(root), "--json"])
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def as_left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace as 0.1.0 left it, to be read."""
    root = tmp_path_factory.mktemp("as-left") / "workspace"
    with tarfile.open(MADE_BY_0_1_0) as archive:
        archive.extractall(root, filter="data")
    return root


@pytest.fixture(scope="module")
def first_night(as_left: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A copy after the first night of this version, and what that night did; to be read."""
    root = tmp_path_factory.mktemp("upgraded") / "workspace"
    shutil.copytree(as_left, root)
    return root, night(open_workspace(root), Steps(), NOW, write_reports=False)


def test_verbs_that_only_read_work_before_any_night_and_write_nothing(as_left: Path) -> None:
    catalogue = as_left / "lake" / "catalog.sqlite"
    before = hashlib.sha256(catalogue.read_bytes()).hexdigest()
    quarters = [f"{row['site_id']} {row['period']}" for row in answer(as_left, "status")["quarters"]]
    assert quarters == QUARTERS
    assert answer(as_left, "sql", "SELECT count(*) AS files FROM ops.files") == [{"files": 14}]
    assert answer(as_left, "explain", "north", "2023Q1", "pue")["figure"]["value"] == 1310 / 1000
    assert [row["publication_id"] for row in answer(as_left, "publications")] == list(PUBLICATIONS)
    causes = answer(as_left, "diff", "south/2023Q1/r1", "south/2023Q1/r2")["causes"]
    assert [cause["subject"] for cause in causes] == ["landing/south/utility_bills/2023Q1-late.csv"]
    assert hashlib.sha256(catalogue.read_bytes()).hexdigest() == before


def test_a_plan_says_why_each_quarter_will_be_built_again(as_left: Path) -> None:
    planned = answer(as_left, "nightly", "--dry-run")["build"]
    assert [quarter["part"] for quarter in planned] == QUARTERS
    assert all("changed" in quarter["why"] for quarter in planned)
    assert not [quarter for quarter in planned if "never built" in quarter["why"]]


def test_the_first_night_builds_every_quarter_again_and_has_nothing_to_complain_of(first_night) -> None:
    done = first_night[1]
    assert (done.built, done.failures) == (QUARTERS, {})
    assert (done.files_refused, done.rows_quarantined, done.corrections_refused) == (0, 0, 0)


def test_the_numbers_are_what_they_were(as_left: Path, first_night: tuple[Path, Outcome]) -> None:
    before, after = (ask(root, INDICATORS) for root in (as_left, first_night[0]))
    assert before.height > 300
    # Indicators that are new since then come on top.
    assert after.filter(pl.col("indicator").is_in(before["indicator"].unique().to_list())).equals(before)
    assert set(after["indicator"]) - set(before["indicator"]) == {"ref_monthly"}
    rows = ask(first_night[0], PUBLISHED_AND_NOW).rows()
    assert len(rows) == 76
    assert [row for row in rows if row[1:5] != row[5:]] == []


def test_repairs_and_corrections_still_count(first_night: tuple[Path, Outcome]) -> None:
    # In the file: 1310, '1,32', 13300; repaired by hand to 1320, corrected to 1330, and January restated at 1500.
    bills = "SELECT energy_kwh FROM staged.utility_bills WHERE site_id = 'south' AND service_start < '2023-04-01'"
    assert sorted(ask(first_night[0], bills)["energy_kwh"]) == [1320, 1330, 1500]
    assert ask(first_night[0], "SELECT is_accepted FROM ops.repairs").rows() == [(True,)]


def test_telemetry_in_place_still_counts(first_night: tuple[Path, Outcome]) -> None:
    # 45 days every 15 s, and a day every minute; 10 of the 20 samples of a later file state some of these anew.
    counted = "SELECT count(*) FILTER (row_number IS NULL), count(*) FROM staged.accelerator_samples"
    assert ask(first_night[0], counted).rows() == [(260_640 - 10, 260_640 - 10 + 20 + 288 + 36)]


def test_a_second_night_has_nothing_to_do(first_night: tuple[Path, Outcome]) -> None:
    done = night(open_workspace(first_night[0]), Steps(), NOW, write_reports=False)
    assert done.changed_nothing, done


@pytest.mark.parametrize("publication", PUBLICATIONS)
def test_publications_reproduce_before_and_after_the_first_night(
    publication: str, as_left: Path, first_night: tuple[Path, Outcome]
) -> None:
    for root in (as_left, first_night[0]):
        proof = reproduce(open_workspace(root), publication)
        assert proof.is_exact, proof.differing
        assert proof.figures > 700
