"""The worked example of ``docs/real-data.md``: run as it says, compared with what it shows and with Polars."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Order, Outcome, Stage
from suanheng.transforms.building.periods import add_months, quarter_name
from suanheng.warehouse.lake import Lake, reading

WITHOUT_REPORTS = (Stage.INGEST, Stage.STAGE, Stage.BUILD)

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
EXAMPLE = ROOT / "docs" / "examples" / "gpu-servers"
DOCUMENT = (ROOT / "docs" / "real-data.md").read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.long,
    pytest.mark.real_data,
    pytest.mark.skipif(
        not (SHARED / "data" / "gpu_server_hourly").is_dir(),
        reason="the public data is not at ../shared/data/gpu_server_hourly",
    ),
]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")

SERVERS = {
    # GPUs and first day with a reading.
    "cbsugpu05": (2, date(2022, 8, 1)),
    "cbsugpu06": (2, date(2022, 8, 1)),
    "cbsugpu08": (2, date(2024, 1, 20)),
    "cbsugpu10": (1, date(2024, 10, 31)),
}
QUARTERS = [add_months(date(2022, 7, 1), 3 * number) for number in range(14)]
MINIMUM_COVERAGE = 0.75

READING_COMMANDS = [
    (command.replace("\n> ", " "), shown)
    for command, shown in re.findall(
        r"^```console\n\$ (suanheng .+?)\n(?!> )(.+?)^```", DOCUMENT, re.MULTILINE | re.DOTALL
    )
]
"""Commands of the document that ask, and what it shows of their answers. A query goes on in lines that begin with >."""


@pytest.fixture(scope="module")
def beside_the_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the example beside the public data, as the folder of the repository does."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "shared").symlink_to(SHARED.resolve())
    shutil.copytree(EXAMPLE, folder / "gpu-servers")
    return folder


@pytest.fixture(scope="module")
def filled(beside_the_data: Path) -> tuple[Workspace, Outcome]:
    """The workspace after ``suanheng backfill --from 2022Q3 --to 2025Q4``, and what that did."""
    workspace = open_workspace(beside_the_data / "gpu-servers")
    return workspace, night.run(workspace, Steps(), NOW, Order("backfill", WITHOUT_REPORTS, QUARTERS[0], QUARTERS[-1]))


@pytest.fixture(scope="module")
def lake(filled: tuple[Workspace, Outcome]) -> Iterator[Lake]:
    with reading(filled[0]) as opened:
        yield opened


@cache
def hours_of(server: str) -> pl.DataFrame:
    """Every hour of a server, read without suanheng: first day of its month, observed and busy GPU-hours."""
    path = SHARED / "data" / "gpu_server_hourly" / f"{server}_usage_stats.txt"
    gpus, _ = SERVERS[server]
    rows = pl.read_csv(path, separator="\t", infer_schema=False, truncate_ragged_lines=True)
    return rows.drop_nulls("utilave").select(
        month=pl.col("timestamp").str.slice(0, 7).str.to_date("%Y-%m"),
        temperature=pl.col("tempave").cast(pl.Float64),
        observed=pl.lit(gpus),
        busy=pl.col("utilave").cast(pl.Float64) / 100 * gpus,
    )


def installed_hours(month: date) -> float:
    """GPU-hours of the servers that were there, in hours that passed: the clock of New York is no help."""
    return sum(
        gpus * max((_instant(add_months(month, 1)) - _instant(max(month, since))).total_seconds(), 0) / 3600
        for gpus, since in SERVERS.values()
    )


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def trailing_year(quarter: date) -> tuple[float, float]:
    """Utilisation and coverage of the twelve months to the end of a quarter."""
    end = add_months(quarter, 3)
    months = (
        pl.concat(hours_of(server) for server in SERVERS)
        .filter(pl.col("month").is_between(add_months(end, -12), end, closed="left"))
        .group_by("month")
        .agg(pl.col("observed", "busy").sum())
    )
    installed = sum(installed_hours(month) for month in months["month"])
    return months["busy"].sum() / months["observed"].sum(), months["observed"].sum() / installed * months.height / 12


def status(quarter: date) -> str:
    if add_months(quarter, -9) < date(2022, 8, 1):
        return "too early"
    return "ok" if trailing_year(quarter)[1] >= MINIMUM_COVERAGE else "below coverage"


def test_one_command_builds_every_quarter_the_data_touches(filled: tuple[Workspace, Outcome]):
    _, outcome = filled
    records = sum(landing.rows_read for landing in outcome.landings)

    assert outcome.failures == {}
    assert outcome.built == [f"gpu-servers {quarter_name(quarter)}" for quarter in QUARTERS]
    # The footers of the four files count 23,371 + 23,304 + 15,277 + 8,694 rows; the inventory has 8.
    assert (len(outcome.landings), records) == (5, 70_654)
    stated = (
        f"{len(outcome.landings)} files ingested ({records} records), {outcome.files_refused} refused, "
        f"{outcome.rows_quarantined} records quarantined, {len(outcome.built)} quarters built"
    )
    assert stated in DOCUMENT


@pytest.mark.parametrize("quarter", QUARTERS, ids=quarter_name)
def test_utilisation_coverage_and_status_of_a_quarter(lake: Lake, quarter: date):
    value, coverage, found = lake.frame(
        "SELECT value, coverage, status FROM scorecards.indicators "
        "WHERE indicator = 'resource_utilisation' AND period = ?",
        [quarter_name(quarter)],
    ).row(0)

    assert (value, coverage) == pytest.approx(trailing_year(quarter), rel=1e-9)
    assert found == status(quarter)


@pytest.mark.parametrize("quarter", QUARTERS, ids=quarter_name)
def test_composite_is_the_interval_that_one_indicator_of_twelve_leaves(lake: Lake, quarter: date):
    score, low, high, scored, total = lake.frame(
        "SELECT score, score_low, score_high, indicators_scored, indicators_total FROM scorecards.composites "
        "WHERE period = ?",
        [quarter_name(quarter)],
    ).row(0)

    # Mean of three indicators in one dimension of five, then the geometric mean on 1 to 100, mapped back to 0 to 100.
    known = [100 * trailing_year(quarter)[0]] if status(quarter) == "ok" else []
    bounds = [
        (((1 + 0.99 * _mean_of_three(known, rest)) * (1 + 0.99 * rest) ** 4) ** 0.2 - 1) / 0.99 for rest in (0, 100)
    ]
    assert score is None
    assert (low, high) == pytest.approx(bounds, abs=1e-9)
    assert (scored, total) == (len(known), 12)


def _mean_of_three(known: list[float], rest: float) -> float:
    return (sum(known) + (3 - len(known)) * rest) / 3


def test_what_has_no_evidence_is_withheld_with_its_reason(lake: Lake):
    scored = lake.frame("SELECT DISTINCT indicator FROM scorecards.indicators WHERE score IS NOT NULL OR status = 'ok'")
    silent = lake.value("SELECT count(*) FROM scorecards.indicators WHERE score IS NULL AND status IN ('ok', '')")

    assert scored["indicator"].to_list() == ["resource_utilisation"]
    assert silent == 0


def test_a_bill_takes_the_latest_factor_of_the_country(beside_the_data: Path):
    root = beside_the_data / "with-a-bill"
    shutil.copytree(EXAMPLE, root)
    (root / "landing" / "gpu-servers" / "bills.csv").write_text(
        "meter_id,service_start,service_end,commodity,energy_kwh,is_estimated\nmain,2024-04-01,2024-07-01,electricity,9000,false\n"
    )
    # The bill and the inventory only: the telemetry does not matter here.
    sources = (root / "sources.toml").read_text().split("[[source]]")[-1]
    bills = sources.replace("hardware_assets", "utility_bills", 1).replace("hardware_assets.csv", "bills.csv")
    (root / "sources.toml").write_text(f"[[source]]{sources}[[source]]{bills}")
    workspace = open_workspace(root)
    night.run(workspace, Steps(), NOW, Order("backfill", WITHOUT_REPORTS, date(2024, 4, 1), date(2024, 4, 1)))

    with reading(workspace) as lake:
        gaps = lake.frame(
            "SELECT factor_year, energy_kwh::DOUBLE FROM rollups.carbon_month ORDER BY month_start"
        ).rows()
    # 9,000 kWh over 91 days, evenly.
    assert gaps == [(2022, pytest.approx(9000 * days / 91)) for days in (30, 31, 30)]


@pytest.mark.parametrize("server", SERVERS)
def test_means_tell_how_many_gpus_they_are_taken_over(server: str):
    # Four readings an hour of one GPU: means of whole degrees are whole quarters. Two GPUs: whole eighths.
    quarters = hours_of(server).select((pl.col("temperature") * 4 % 1 == 0).mean()).item()

    assert (quarters > 0.999) == (SERVERS[server][0] == 1)


def test_the_document_shows_what_the_commands_answer():
    verbs = {shlex.split(command)[1] for command, _ in READING_COMMANDS}

    assert len(READING_COMMANDS) >= 6
    assert verbs == {"status", "explain", "sql"}


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        pytest.param(*asked, id=f"{shlex.split(asked[0])[1]}-{number}")
        for number, asked in enumerate(READING_COMMANDS, 1)
    ],
)
def test_command_answers_as_shown(filled: tuple[Workspace, Outcome], command: str, shown: str):
    answer = subprocess.run(
        [sys.executable, "-c", "from suanheng.flows.commands import main; main()", *shlex.split(command)[1:]],
        cwd=filled[0].root.parent,
        env={"COLUMNS": "110", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    ).stdout.splitlines()

    # A line of dots stands for what the document leaves out.
    missing = [line for line in shown.splitlines() if line.strip() != "…" and line not in answer]
    assert missing == []
