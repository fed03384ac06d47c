"""Whatever is handed in, the night finishes: good rows are loaded, bad ones are in quarantine with their reasons."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from suanheng.config.errors import ExitCode
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.schemas.formats import formats
from suanheng.warehouse.lake import Lake, reading
from tests.conftest import stagings

BAD = Path(__file__).parent / "data" / "bad"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((BAD / "expected.toml").read_text(encoding="utf-8"))
SITE = "site-a"
GOOD = "good_bills.csv"
LOCKED = "nobody_may_open.csv"
GOOD_BILLS = """\
meter_id,commodity,service_start,service_end,energy_kwh
good-meter,electricity,2023-01-01,2023-02-01,1000
good-meter,electricity,2023-02-01,2023-03-01,900
"""
SITES = """\
[[site]]
site_id = "site-a"
name_en = "Site A"
time_zone = "Asia/Shanghai"
region_code = "CN-HE"
"""


class Outcome:
    """What the warehouse holds of each file, read from it once."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._files = lake.frame("SELECT * FROM ops.files")
        self._records = lake.frame("SELECT * FROM quarantine.records")
        tables = {raw_table_of(entry) for entry in EXPECTED.values()}
        self._raw = {table: lake.frame(f"SELECT * FROM raw.{table} ORDER BY row_number") for table in tables}

    def files(self, name: str) -> list[dict[str, Any]]:
        return self._files.filter(path=f"landing/{SITE}/{name}").to_dicts()

    def file(self, name: str) -> dict[str, Any]:
        (file,) = self.files(name)
        return file

    def loaded(self, name: str) -> pl.DataFrame:
        return self._raw[raw_table_of(EXPECTED[name])].filter(file_id=self.file(name)["file_id"])

    def quarantined(self, name: str, stage: str) -> dict[int, dict[str, Any]]:
        records = self._records.filter(file_id=self.file(name)["file_id"], stage=stage)
        assert records["row_number"].is_unique().all()
        return {record["row_number"]: record for record in records.iter_rows(named=True)}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """The warehouse after two evenings.

    On the first every bad file was ingested, with a good one of the same site and one that nobody may open. On the
    second that one can be opened, and the good one was overwritten by an error page.
    """
    workspace = make_workspace(tmp_path_factory.mktemp("bad"))
    with pytest.MonkeyPatch.context() as patch:
        lock(patch, add_locked_file(workspace))
        first = night.ingest(workspace, Steps(), datetime.now(UTC))
    (workspace.root / "landing" / SITE / GOOD).write_text("<html>Session expired</html>", encoding="utf-8")
    second = night.ingest(workspace, Steps(), datetime.now(UTC))
    assert first.failures == second.failures == {}
    with reading(workspace) as lake:
        yield Outcome(lake)


def make_workspace(root: Path) -> Workspace:
    landing = root / "landing" / SITE
    landing.mkdir(parents=True)
    for name in EXPECTED:
        shutil.copyfile(BAD / name, landing / name)
    (landing / GOOD).write_text(GOOD_BILLS, encoding="utf-8")
    (root / "suanheng.toml").write_text("", encoding="utf-8")
    (root / "sites.toml").write_text(SITES, encoding="utf-8")
    bindings = [as_toml(name, entry) for name, entry in {GOOD: {}, **EXPECTED}.items()]
    (root / "sources.toml").write_text("\n".join(bindings), encoding="utf-8")
    return open_workspace(root)


def add_locked_file(workspace: Workspace) -> Path:
    path = workspace.root / "landing" / SITE / LOCKED
    path.write_text(GOOD_BILLS.replace("good", "locked"), encoding="utf-8")
    with workspace.sources_file.open("a", encoding="utf-8") as file:
        file.write(as_toml(LOCKED, {}))
    return path


def lock(patch: pytest.MonkeyPatch, locked: Path) -> None:
    """Nobody may open the path any more, not even the superuser that tests may run as."""
    open_it = Path.open

    def refusing(path: Path, *arguments: Any, **named: Any) -> Any:
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return open_it(path, *arguments, **named)

    patch.setattr(Path, "open", refusing)


def as_toml(name: str, entry: Mapping[str, Any]) -> str:
    binding = {
        "format": format_of(entry),
        "files": f"landing/{SITE}/{name}",
        "site": SITE,
        "evidence": "measured",
        **({"dataset": dataset_of(entry)} if format_of(entry) == "template" else {}),
        **{key: entry[key] for key in ("time_zone", "encoding") if key in entry},
    }
    options = ", ".join(f"{key} = {json.dumps(value)}" for key, value in entry.get("options", {}).items())
    lines = [f"{key} = {json.dumps(value)}" for key, value in binding.items()]
    return "\n".join(["[[source]]", *lines, f"options = {{ {options} }}", ""])


def format_of(entry: Mapping[str, Any]) -> str:
    return entry.get("format", "template")


def dataset_of(entry: Mapping[str, Any]) -> str:
    return entry.get("dataset", "utility_bills")


def raw_table_of(entry: Mapping[str, Any]) -> str:
    return f"template_{dataset_of(entry)}" if format_of(entry) == "template" else format_of(entry)


REFUSED = [name for name, entry in EXPECTED.items() if "refused" in entry]
LOADED = [name for name, entry in EXPECTED.items() if "refused" not in entry]


def test_every_file_has_an_expectation_and_every_expectation_a_file() -> None:
    files = {path.name for path in BAD.iterdir()} - {"expected.toml"}
    assert files == set(EXPECTED)
    assert len(files) >= 36


def test_every_format_is_fed_something_bad() -> None:
    assert {format_of(entry) for entry in EXPECTED.values()} == {"template", *formats()}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason_and_leaves_no_row(ingested: Outcome, name: str) -> None:
    file = ingested.file(name)
    assert file["status"] == "refused"
    assert EXPECTED[name]["refused"] in file["problem"]
    assert "\x1b" not in file["problem"]
    assert (file["rows_read"], file["rows_accepted"], file["rows_quarantined"]) == (0, 0, 0)
    assert ingested.loaded(name).is_empty()
    assert ingested.quarantined(name, "raw") == {}


@pytest.mark.parametrize("name", LOADED)
def test_records_read_are_loaded_or_in_quarantine(ingested: Outcome, name: str) -> None:
    expected, file = EXPECTED[name], ingested.file(name)
    assert (file["status"], file["problem"]) == ("loaded", None)
    assert file["rows_read"] == expected["rows_read"]
    assert file["rows_accepted"] == ingested.loaded(name).height == expected["accepted"]
    assert file["rows_quarantined"] == len(ingested.quarantined(name, "raw")) == len(expected.get("raw", {}))
    assert file["rows_read"] == file["rows_accepted"] + file["rows_quarantined"]


@pytest.mark.parametrize("stage", ["raw", "staged"])
@pytest.mark.parametrize("name", LOADED)
def test_records_in_quarantine_have_row_rule_and_reason(ingested: Outcome, name: str, stage: str) -> None:
    expected = {int(row): reason for row, reason in EXPECTED[name].get(stage, {}).items()}
    records = ingested.quarantined(name, stage)
    assert {row: record["rule"] for row, record in records.items()} == {
        row: rule for row, (rule, _) in expected.items()
    }
    for row, (_, words) in expected.items():
        assert words in records[row]["message"]
        assert records[row]["record"]
        assert "\x1b" not in "".join(str(cell) for cell in records[row].values())


def test_rows_fed_are_staged_or_superseded_or_in_quarantine(ingested: Outcome) -> None:
    of_datasets = stagings(ingested.lake)
    assert of_datasets.height > 0
    for staging in of_datasets.iter_rows(named=True):
        parts = staging["rows_staged"], staging["rows_superseded"], staging["rows_quarantined"]
        assert staging["rows_fed"] == sum(parts)
        assert staging["rows_superseded"] == 0  # no two files of the folder state the same key
        assert ingested.lake.value(f"SELECT count(*) FROM staged.{staging['dataset']}") == staging["rows_staged"]
        in_quarantine = "SELECT count(*) FROM quarantine.records WHERE stage = 'staged' AND table_name = ?"
        assert ingested.lake.value(in_quarantine, [staging["dataset"]]) == staging["rows_quarantined"]


def test_unknown_is_never_zero(ingested: Outcome) -> None:
    smi = ingested.loaded("not_available_from_the_driver.csv")
    assert smi["utilization.gpu [%]"].to_list() == [None, 50.0]
    assert smi["power.draw [W]"].to_list() == [433.78, None]
    sentinels = ingested.loaded("sentinel_9223372036854775794.csv")
    assert sentinels["energy_counter_j"].to_list() == [1_000_000.0, None, None]
    assert sentinels["power_w"].to_list() == [350.0, 350.0, None]
    from_parquet = ingested.loaded("half_a_device_and_infinite_power.parquet")
    assert from_parquet["row_number"].to_list() == [1, 3, 5]
    assert from_parquet["utilisation_ratio"].to_list() == [0.5, None, 0.5]
    assert from_parquet["energy_counter_j"].to_list() == [5.0, 7.0, None]
    assert ingested.loaded("infinite_and_nan.csv")["amount"].to_list() == [800.0, None]


def test_commas_between_thousands_are_understood(ingested: Outcome) -> None:
    assert ingested.loaded("text_in_number.csv")["energy_kwh"].to_list() == [1000.0, 1234.5]


def test_declared_encoding_and_byte_order_mark_change_no_character(ingested: Outcome) -> None:
    assert set(ingested.loaded("gb18030_as_declared.csv")["meter_id"]) == {"中心二号表"}
    assert set(ingested.loaded("byte_order_mark.csv")["meter_id"]) == {"bom"}


def test_local_times_around_a_skipped_hour_become_utc(ingested: Outcome) -> None:
    # New York is UTC-5 before 2023-03-12 02:00 and UTC-4 after it.
    samples = ingested.loaded("hour_that_daylight_saving_skips.csv")
    assert samples["sampled_at_utc"].to_list() == [datetime(2023, 3, 12, 6, 30), datetime(2023, 3, 12, 7, 30)]


def test_what_looks_like_sql_stays_text(ingested: Outcome) -> None:
    record = ingested.quarantined("sql_as_name.csv", "raw")[3]
    assert json.loads(record["record"])["meter_id"] == 'x"; DROP TABLE t;--'
    assert ingested.lake.value("SELECT count(*) FROM raw.template_utility_bills") > 0


@pytest.mark.parametrize("name", ["external_entity.xml", "billion_laughs.xml"])
def test_entities_are_not_expanded(ingested: Outcome, name: str) -> None:
    problem = ingested.file(name)["problem"]
    assert "root:" not in problem
    assert "laugh" not in problem.replace(name, "")
    assert len(problem) < 1000


def test_a_file_nobody_may_open_is_refused_by_its_name_and_taken_in_once_it_can_be_opened(ingested: Outcome) -> None:
    files = {file["status"]: file for file in ingested.files(LOCKED)}
    assert set(files) == {"replaced", "loaded"}
    assert files["replaced"]["problem"].startswith("PermissionError")
    assert files["loaded"]["rows_accepted"] == 2


def test_a_broken_new_delivery_leaves_the_good_one_standing(ingested: Outcome) -> None:
    files = {file["status"]: file for file in ingested.files(GOOD)}
    assert set(files) == {"loaded", "refused"}
    assert files["loaded"]["rows_accepted"] == 2
    bills = ingested.lake.frame("SELECT energy_kwh FROM staged.utility_bills WHERE meter_id = 'good-meter' ORDER BY 1")
    assert bills["energy_kwh"].to_list() == [900.0, 1000.0]


@pytest.mark.long
def test_nightly_finishes_over_all_of_them_and_says_so(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (tmp_path / "landing" / SITE / "folder_named_like_a_file.csv").mkdir()
    command = [sys.executable, "-c", "from suanheng.flows.commands import main; main()"]
    ended = subprocess.run(
        [*command, "nightly", "--workspace", str(tmp_path), "--json"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == ExitCode.INPUT_REFUSED == 3, ended.stderr
    outcome = json.loads(ended.stdout)
    assert outcome["exit_code"] == 3
    assert outcome["failures"] == {}
    assert {Path(landing["path"]).name for landing in outcome["landings"]} == {GOOD, *EXPECTED}
    assert outcome["built"] == [f"{SITE} 2023Q1"]
    assert {Path(landing["path"]).name for landing in outcome["landings"] if landing["problem"]} == set(REFUSED)

    with reading(workspace) as lake:
        run = lake.frame("SELECT * FROM ops.runs").row(0, named=True)
        assert run["files_refused"] == len(REFUSED)
        assert run["files_loaded"] == len(LOADED) + 1
        records = [
            reason for entry in EXPECTED.values() for stage in ("raw", "staged") for reason in entry.get(stage, {})
        ]
        assert run["rows_quarantined"] == lake.value("SELECT count(*) FROM quarantine.records") == len(records)
    assert_nothing_was_executed(tmp_path)


def assert_nothing_was_executed(root: Path) -> None:
    pages = [path.read_text(encoding="utf-8") for path in root.rglob("*.html")]
    assert pages
    for page in pages:
        assert "alert(1)" not in page
    outside = {path.name for path in root.iterdir()}
    assert outside == {"landing", "lake", "reports", "suanheng.toml", "sites.toml", "sources.toml"}
    assert not [*root.rglob("etc"), *root.parent.glob("etc")]
