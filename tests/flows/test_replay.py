"""From quarantine to repair: what goes out as a sheet, and what an edited sheet changes."""

import csv
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from suanheng.config.errors import BadSettings
from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.commands import app
from suanheng.flows.landing import repairs
from suanheng.flows.landing.repairs import Content
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.order import Outcome
from suanheng.flows.replay import export, replay
from suanheng.schemas.checking.records import UnreadableFile
from suanheng.warehouse.lake import reading

NOW = datetime(2024, 2, 1, tzinfo=UTC)
BILLS = "landing/site-a/utility_bills/2023.csv"

# Rows as a person counts: 2 is good; 3 has a comma for a point; 4 repeats 2; 5 is cut off.
AS_DELIVERED = """\
户号,能源品种,起始日期,截止日期,电量,发票号
310-7,electricity,2023-01-01,2023-02-01,412000,1
310-7,electricity,2023-02-01,2023-03-01,"1,5",=1+1
310-7,electricity,2023-01-01,2023-02-01,405500,3
310-7,electr
"""
SOURCES = """\
[[source]]
format = "template"
dataset = "utility_bills"
files = "landing/{site}/utility_bills/*"
evidence = "metered"

[[source]]
format = "sacct"
files = "landing/{site}/sacct/*"
time_zone = "Asia/Shanghai"

[[source]]
format = "template"
dataset = "accelerator_samples"
files = "landing/{site}/accelerator_samples/*"
"""
STAGED = "SELECT row_number, service_start::TEXT, energy_kwh FROM staged.utility_bills ORDER BY row_number"
QUARANTINED = "SELECT row_number, stage, rule FROM quarantine.records ORDER BY row_number"


class Site:
    """A workspace of one site into which little is taken."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)
        (root / "suanheng.toml").write_text("", encoding="utf-8")
        (root / "sites.toml").write_text(
            '[[site]]\nsite_id = "site-a"\nname_en = "A"\ntime_zone = "Asia/Shanghai"\n', encoding="utf-8"
        )
        (root / "sources.toml").write_text(SOURCES, encoding="utf-8")
        self.workspace = open_workspace(root)
        self.sheet = root / "repaired.csv"

    def put(self, path: str, text: str) -> Path:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")
        return self.root / path

    def ingest(self) -> Outcome:
        return night.ingest(self.workspace, Steps(), NOW)

    def night(self) -> Outcome:
        return night.night(self.workspace, Steps(), datetime.now(UTC), write_reports=False)

    def builds(self) -> dict[tuple[str, str], tuple[str, str]]:
        """What every quarter was made from, and by which run."""
        rows = self.ask("SELECT site_id, quarter_start::TEXT, made_from, run_id FROM ops.builds")
        return {(site_id, quarter): (made_from, run) for site_id, quarter, made_from, run in rows}

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with reading(self.workspace) as lake:
            return lake.frame(query).rows()

    def export(self, file: str = BILLS) -> list[dict[str, str]]:
        """Lines of a fresh export, as a spreadsheet shows them."""
        self.sheet.unlink(missing_ok=True)
        export(self.workspace, file, self.sheet)
        with self.sheet.open(encoding="utf-8-sig", newline="") as file_:
            return list(csv.DictReader(file_))

    def replay(self, lines: list[dict[str, str]]) -> dict[int, str]:
        """Save edited lines and replay them: what became of each row."""
        with self.sheet.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        return {line.row: line.became for line in replay(self.workspace, self.sheet, Steps(), NOW)}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bills with three faults, ingested once."""
    made = Site(tmp_path_factory.mktemp("taken") / "site")
    made.put(BILLS, AS_DELIVERED)
    made.ingest()
    assert made.ask(QUARANTINED) == [
        (3, "raw", "type"),
        (4, "staged", "overlapping_service_period"),
        (5, "raw", "field_count"),
    ]
    return made.root


@pytest.fixture
def site(ingested: Path, tmp_path: Path) -> Site:
    """A copy of them, free to be changed."""
    return Site(Path(shutil.copytree(ingested, tmp_path / "site")))


def by_row(lines: list[dict[str, str]]) -> dict[int, dict[str, str]]:
    return {int(line["suanheng_row"]): line for line in lines}


def repaired(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    """Every line as its sender meant it."""
    rows = by_row(lines)
    rows[3] |= {"energy_kwh": "377000", "invoice_id": "2"}
    rows[4] |= {"service_start": "2023-03-01", "service_end": "2023-04-01"}
    rows[5] |= {"meter_id": "310-7", "commodity": "electricity", "energy_kwh": "1000"}
    rows[5] |= {"service_start": "2023-04-01", "service_end": "2023-05-01"}
    return list(rows.values())


ALL_REPAIRED = [
    (2, "2023-01-01", 412000),
    (3, "2023-02-01", 377000),
    (4, "2023-03-01", 405500),
    (5, "2023-04-01", 1000),
]


def test_an_export_holds_each_record_with_its_reasons_and_its_place(site: Site) -> None:
    lines = by_row(site.export())
    assert site.sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    assert list(lines) == [3, 4, 5]
    assert lines[3]["suanheng_reason"].startswith("type: energy_kwh should be a number in kWh, but is '1,5'")
    assert lines[4]["suanheng_reason"].startswith("overlapping_service_period: row 4 of landing/site-a")
    assert (lines[3]["energy_kwh"], lines[4]["energy_kwh"]) == ("1,5", "405500")
    # The record that could not be split stands beside its empty columns.
    assert (lines[5]["suanheng_record"], lines[5]["meter_id"]) == ("310-7,electr", "")
    assert {line["suanheng_site"] for line in lines.values()} == {"site-a"}


def test_an_export_runs_no_formula_and_a_replay_gives_back_the_same_text(site: Site) -> None:
    lines = site.export()
    assert by_row(lines)[3]["invoice_id"] == "'=1+1"
    assert site.replay(lines) == dict.fromkeys((3, 4, 5), "left as it was")
    assert not (site.root / "repairs").exists()


@given(st.text(st.sampled_from("'=+-@\t\ra1 "), max_size=5))
def test_every_text_survives_the_shield_and_nothing_shielded_is_a_formula(text: str) -> None:
    shielded = repairs._shielded(text)
    assert repairs._unshielded(shielded) == text
    assert not shielded.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_repaired_records_count_and_the_file_stays_as_it_was(site: Site) -> None:
    before = (site.root / BILLS).read_bytes()

    assert site.replay(repaired(site.export())) == dict.fromkeys((3, 4, 5), "accepted")

    assert site.ask(STAGED) == ALL_REPAIRED
    assert site.ask(QUARANTINED) == []
    assert (site.root / BILLS).read_bytes() == before
    assert site.ask("SELECT rows_read, rows_accepted, rows_quarantined FROM ops.files") == [(4, 4, 0)]


def test_what_was_repaired_is_traceable_record_by_record(site: Site) -> None:
    site.replay(repaired(site.export()))
    traced = site.ask("SELECT row_number, reason, original, repaired, is_accepted FROM ops.repairs ORDER BY row_number")
    assert [(row, accepted) for row, _, _, _, accepted in traced] == [(3, True), (4, True), (5, True)]
    assert "energy_kwh should be a number" in traced[0][1]
    assert (json.loads(traced[0][2])["energy_kwh"], json.loads(traced[0][3])["energy_kwh"]) == ("1,5", "377000")
    assert traced[2][2] == "310-7,electr"
    assert json.loads(traced[2][3])["energy_kwh"] == "1000"


def test_a_second_replay_changes_nothing(site: Site) -> None:
    lines = repaired(site.export())
    site.replay(lines)
    snapshot = site.ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
    assert site.replay(lines) == dict.fromkeys((3, 4, 5), "left as it was")
    assert site.ingest().changed_nothing
    assert site.ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')") == snapshot


def test_a_line_taken_out_stays_in_quarantine(site: Site) -> None:
    lines = [line for line in repaired(site.export()) if line["suanheng_row"] == "3"]
    assert site.replay(lines) == {3: "accepted"}
    assert site.ask(QUARANTINED) == [(4, "staged", "overlapping_service_period"), (5, "raw", "field_count")]
    # And what is repaired later is added to what was repaired before.
    later = [line for line in site.export() if line["suanheng_row"] == "5"]
    later[0] |= {"meter_id": "310-7", "commodity": "electricity", "energy_kwh": "1000"}
    later[0] |= {"service_start": "2023-04-01", "service_end": "2023-05-01"}
    assert site.replay(later) == {5: "accepted"}
    assert site.ask(STAGED) == [ALL_REPAIRED[0], ALL_REPAIRED[1], ALL_REPAIRED[3]]


def test_what_is_still_wrong_goes_back_with_its_new_reason(site: Site) -> None:
    lines = site.export()
    by_row(lines)[3]["commodity"] = "electricty"
    by_row(lines)[3] |= {"energy_kwh": "377000", "invoice_id": "2"}
    assert site.replay(lines)[3] == "still in quarantine"
    assert (3, "raw", "isin") in site.ask(QUARANTINED)
    assert site.ask("SELECT rows_read, rows_accepted, rows_quarantined FROM ops.files") == [(4, 2, 2)]
    # The next export begins from what the person wrote.
    assert by_row(site.export())[3]["energy_kwh"] == "377000"


def test_a_repair_can_be_taken_back(site: Site) -> None:
    as_delivered = site.export()
    site.replay(repaired(as_delivered))
    assert site.replay(site_lines(as_delivered))[3] == "still in quarantine"
    assert not list((site.root / "repairs").rglob("*.csv"))
    assert [row for row, _, _ in site.ask(QUARANTINED)] == [3, 4, 5]


def site_lines(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    """The lines as they were exported before anything was edited."""
    rows = by_row(lines)
    rows[3] |= {"energy_kwh": "1,5", "invoice_id": "'=1+1"}
    rows[4] |= {"service_start": "2023-01-01", "service_end": "2023-02-01"}
    rows[5] |= dict.fromkeys(("meter_id", "commodity", "service_start", "service_end", "energy_kwh"), "")
    return list(rows.values())


def test_the_state_depends_on_files_and_repairs_alone(site: Site, tmp_path: Path) -> None:
    """A warehouse lost and made anew holds the same."""
    site.replay(repaired(site.export()))
    anew = Site(tmp_path / "anew")
    anew.put(BILLS, AS_DELIVERED)
    repair = next((site.root / "repairs").rglob("*.csv"))
    anew.put(repair.relative_to(site.root).as_posix(), repair.read_text(encoding="utf-8"))
    anew.ingest()
    assert anew.ask(STAGED) == site.ask(STAGED) == ALL_REPAIRED
    assert anew.ask(QUARANTINED) == []


def test_new_content_at_the_path_supersedes_file_and_repairs(site: Site) -> None:
    lines = repaired(site.export())
    site.replay(lines)
    site.put(BILLS, AS_DELIVERED.replace('"1,5",=1+1', "376999,2").replace("310-7,electr\n", ""))
    site.ingest()
    assert site.ask(STAGED) == [(2, "2023-01-01", 412000), (3, "2023-02-01", 376999)]
    with pytest.raises(BadSettings, match="its path holds other content now"):
        site.replay(lines)


def test_records_of_other_formats_keep_their_labels(site: Site) -> None:
    path = "landing/site-a/sacct/2024.txt"
    site.put(
        path,
        "JobIDRaw|Cluster|Submit|Start|End|State|NCPUs|JobName\n"
        "7|tern|2024-01-10T08:00:00|2024-01-10T08:00:01|2024-01-10T09:00:00|COMPLETED|many|train|a\n",
    )
    site.ingest()
    (line,) = site.export(path)
    assert list(line)[6:] == ["jobidraw", "cluster", "submit", "start", "end", "state", "ncpus", "jobname"]
    assert (line["submit"], line["jobname"]) == ("2024-01-10T08:00:00", "train|a")
    assert site.replay([{**line, "ncpus": "64"}]) == {7 - 5: "accepted"}
    # Local times of a repaired record are of the source's zone too.
    assert site.ask("SELECT submitted_at_utc, cpu_count FROM staged.workload_runs") == [(datetime(2024, 1, 10), 64)]


def test_records_of_parquet_come_back_as_the_same_values(site: Site) -> None:
    path = site.put("landing/site-a/accelerator_samples/a.parquet", "")
    at = datetime(2023, 1, 10, 4, 0, 0, 250000)
    pl.DataFrame(
        {"device_id": ["g1", "g2"], "sampled_at_utc": [at, at], "utilisation_ratio": [0.5, 1.5], "power_w": [0.1, None]}
    ).write_parquet(path)
    site.ingest()
    (line,) = site.export("landing/site-a/accelerator_samples/a.parquet")
    assert line["sampled_at_utc"] == "2023-01-10T04:00:00.250+00:00"
    assert site.replay([{**line, "utilisation_ratio": "0.75"}]) == {2: "accepted"}
    query = "SELECT device_id, sampled_at_utc, utilisation_ratio, power_w FROM staged.accelerator_samples ORDER BY 1"
    assert site.ask(query) == [("g1", at, 0.5, 0.1), ("g2", at, 0.75, None)]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda text: text.replace("suanheng_row", "row"), "a header that begins with suanheng_file"),
        (lambda text: text.replace(",", ";"), "a header that begins with suanheng_file"),
        (lambda text: text.replace("meter_id", "meter"), "has other columns than its file"),
        (lambda text: text.replace("site-a,template_utility_bills,3", "site-a,template_utility_bills,2"), "Row 2 of "),
        (lambda text: text.replace("template_utility_bills,3", "template_utility_bills,4"), "row 4 twice"),
        (lambda text: text.replace("sha256:", "sha256:0"), "does not count"),
        (lambda text: text.replace("site-a", "../../etc"), "does not count"),
        (lambda text: text.splitlines()[0], "records of 0 files"),
        (lambda text: "", "got nothing"),
    ],
)
def test_a_sheet_that_is_none_is_refused_and_changes_nothing(
    site: Site, edit: Callable[[str], str], words: str
) -> None:
    site.export()
    site.sheet.write_text(edit(site.sheet.read_text(encoding="utf-8-sig")), encoding="utf-8-sig")
    with pytest.raises(BadSettings, match=words):
        replay(site.workspace, site.sheet, Steps(), NOW)
    assert not (site.root / "repairs").exists()


def test_a_sheet_in_another_encoding_is_refused_with_the_way_out_and_then_read(site: Site) -> None:
    lines = site.export()
    by_row(lines)[3] |= {"energy_kwh": "377000", "invoice_id": "发票"}
    site.replay(lines)
    text = site.sheet.read_text(encoding="utf-8-sig").replace("377000", "378000")
    site.sheet.write_text(text, encoding="gb18030")
    with pytest.raises(BadSettings, match="--encoding gb18030"):
        replay(site.workspace, site.sheet, Steps(), NOW)
    replay(site.workspace, site.sheet, Steps(), NOW, encoding="gb18030")
    query = "SELECT invoice_id, energy_kwh FROM staged.utility_bills WHERE row_number = 3"
    assert site.ask(query) == [("发票", 378000)]


def test_a_file_refused_as_a_whole_is_told_to_be_replaced(site: Site) -> None:
    site.put("landing/site-a/utility_bills/letter.csv", "Dear customer\n")
    site.ingest()
    with pytest.raises(BadSettings, match="was refused as a whole, so there is no record to repair: Unknown column"):
        site.export("landing/site-a/utility_bills/letter.csv")


def test_repairs_for_rows_the_file_does_not_hold_are_refused_by_name(site: Site) -> None:
    site.replay(repaired(site.export()))
    repair = next((site.root / "repairs").rglob("*.csv"))
    repair.write_text(repair.read_text(encoding="utf-8-sig").replace("bills,5,", "bills,50,"), encoding="utf-8-sig")
    (landing,) = site.ingest().landings
    assert "Expected rows of 2023.csv; got 50" in landing.problem
    assert landing.problem.startswith(str(repair))


def test_a_sheet_of_another_file_is_not_applied_by_its_place(site: Site) -> None:
    site.export()
    content = Content(site.ask("SELECT file_id FROM ops.files")[0][0], "site-a", "template_utility_bills")
    path = repairs.path_of(site.workspace.repairs_folder, content)
    path.parent.mkdir(parents=True)
    path.write_text(site.sheet.read_text(encoding="utf-8-sig").replace("sha256:", "sha256:0"), encoding="utf-8-sig")
    (landing,) = site.ingest().landings
    assert "replay the sheet instead of copying it" in landing.problem


def test_a_sheet_is_not_overwritten(site: Site) -> None:
    site.export()
    with pytest.raises(BadSettings, match="is there already"):
        export(site.workspace, BILLS, site.sheet)


def test_a_damaged_sheet_says_what_is_expected(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text('a,"b', encoding="utf-8")
    with pytest.raises(UnreadableFile, match="Expected comma-separated text"):
        repairs.read(sheet)


@pytest.mark.long
def test_only_the_quarters_that_a_repair_or_a_corrected_file_touches_are_built_anew(site: Site) -> None:
    """Two sites; one has bills of January and December 2023, and December has a slip."""
    sites = site.root / "sites.toml"
    sites.write_text(
        sites.read_text(encoding="utf-8") + '[[site]]\nsite_id = "site-b"\nname_en = "B"\ntime_zone = "UTC"\n',
        encoding="utf-8",
    )
    head, *_ = AS_DELIVERED.splitlines()
    january = "m,electricity,2023-01-01,2023-02-01,10,1"
    december = "m,electricity,2023-12-01,2024-01-01,{},2\nn,electricity,2023-12-01,2024-01-01,5,3"
    path = "landing/site-b/utility_bills/2023-12.csv"
    site.put("landing/site-b/utility_bills/2023-01.csv", f"{head}\n{january}\n")
    site.put(path, f"{head}\n{december.format('1o')}\n")
    first = site.night()
    assert len([quarter for quarter in first.built if quarter.startswith("site-b")]) == 4
    builds = site.builds()

    (line,) = site.export(path)
    site.replay([{**line, "energy_kwh": "10"}])
    repaired_night = site.night()
    site.put(path, f"{head}\n{december.format('11')}\n")
    corrected_night = site.night()

    # A bill shows itself up to 100 days back: December is in reach of the quarter that ended with September.
    assert repaired_night.built == corrected_night.built == ["site-b 2023Q3", "site-b 2023Q4"]
    touched = {("site-b", "2023-07-01"), ("site-b", "2023-10-01")}
    assert {place for place, build in site.builds().items() if build != builds[place]} == touched
    # The line of the other meter is as it was, and January too.
    query = "SELECT meter_id, energy_kwh FROM staged.utility_bills WHERE site_id = 'site-b' ORDER BY ALL"
    assert site.ask(query) == [("m", 10), ("m", 11), ("n", 5)]


def test_the_verbs_go_from_list_to_replay_and_say_what_became_of_each_record(site: Site) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["quarantine", *arguments, "--workspace", str(site.root), "--json"])

    listed = json.loads(run("list", "--rule", "type", "--site", "site-a", "--file", BILLS).stdout)
    assert [(row["rule"], row["records"], row["first_row"]) for row in listed] == [("type", 1, 3)]
    assert json.loads(run("list", "--site", "elsewhere").stdout) == []
    assert json.loads(run("export", BILLS, "--to", str(site.sheet)).stdout)["records"] == 3
    text = site.sheet.read_text(encoding="utf-8-sig")
    site.sheet.write_text(text.replace('"1,5",\'=1+1', "377000,2"), encoding="utf-8-sig")

    answer = run("replay", str(site.sheet))

    # Rows 4 and 5 are still wrong.
    assert answer.exit_code == 3
    rows = {row["row"]: row for row in json.loads(answer.stdout)["rows"]}
    assert rows[3] == {
        "row": 3,
        "became": "accepted",
        "changes": "energy_kwh: '1,5' is now '377000'; invoice_id: '=1+1' is now '2'",
        "why": "",
    }
    assert rows[4]["became"] == "left as it was"
    assert rows[4]["why"].startswith("overlapping_service_period")
