"""What a check of the sources says: every kind of thing that does not fit is named, with what to do."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.commands import app
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.status.source_check import Inspection, inspect
from suanheng.schemas.formats import formats
from suanheng.schemas.staged import DATASETS

NOW = datetime(2023, 3, 20, tzinfo=UTC)
BILLS = "meter_id,commodity,service_start,service_end,energy_kwh\nm,electricity,2023-01-01,2023-02-01,10\n"
SITES = "".join(f'[[site]]\nsite_id = "site-{name}"\nname_en = "{name}"\ntime_zone = "UTC"\n' for name in "ab")
GOOD = "landing/site-a/utility_bills/2023.csv"


class Place:
    """A workspace of which only the sources matter."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "landing").mkdir()
        (root / "suanheng.toml").write_text("", encoding="utf-8")
        (root / "sites.toml").write_text(SITES, encoding="utf-8")
        (root / "sources.toml").write_text("", encoding="utf-8")

    def bind(self, files: str = "landing/{site}/utility_bills/*.csv", **more: str) -> None:
        keys = {"format": "template", "dataset": "utility_bills", "files": files, **more}
        with (self.root / "sources.toml").open("a", encoding="utf-8") as file:
            file.write("[[source]]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items() if value))

    def put(self, path: str, text: str = BILLS) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def ingest(self) -> None:
        night.ingest(open_workspace(self.root), Steps(), NOW)

    def check(self, now: datetime = NOW) -> Inspection:
        return inspect(open_workspace(self.root), now)

    def findings(self, now: datetime = NOW) -> list[str]:
        return list(self.check(now).all_findings())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_a_warehouse_a_good_file_fits_and_nothing_is_written(place: Place) -> None:
    place.bind()
    place.put(GOOD)
    before = sorted(place.root.rglob("*"))
    (binding,) = place.check().sources
    assert (binding.files[0].state, binding.files[0].records, binding.files[0].passed) == ("new", 1, 1)
    assert place.check().fits
    assert sorted(place.root.rglob("*")) == before


def test_a_glob_that_finds_nothing_says_how_far_it_gets_and_what_lies_there(place: Place) -> None:
    place.bind("landing/{site}/utility_bills/*.csv")
    place.put("landing/site-a/utility_bills/2023.CSV")
    place.put("landing/site-b/bills/2023.csv")
    assert place.findings()[0] == (
        "[[source]] number 1: nothing matches landing/{site}/utility_bills/*.csv: landing/site-a/utility_bills holds "
        "2023.CSV, and no *.csv. Correct the glob."
    )


def test_a_folder_with_a_similar_name_is_named(place: Place) -> None:
    place.bind("landing/{site}/utility_bills/*.csv")
    place.put("landing/site-b/utility-bills/2023.csv")
    assert "landing/site-b holds utility-bills, and no utility_bills" in place.findings()[0]


def test_a_file_that_no_binding_matches_is_named(place: Place) -> None:
    place.bind()
    place.put(GOOD)
    place.put("landing/site-a/meters/2023.csv")
    place.put("landing/site-a/meters/.DS_Store")
    assert place.findings() == [
        "landing/site-a/meters/2023.csv: no source matches it. Add a [[source]] to sources.toml, or move the file."
    ]


def test_a_file_that_two_bindings_match_is_named_and_the_first_counts(place: Place) -> None:
    place.bind()
    place.bind("landing/site-a/*/*", site="site-a")
    place.put(GOOD)
    assert place.findings() == [f"{GOOD}: number 2 matches it too, but number 1 counts. Narrow one of the globs."]


def test_a_file_that_is_read_as_two_things_is_named(place: Place) -> None:
    place.bind()
    place.bind(format="sacct", dataset="", time_zone="UTC")
    place.put(GOOD)
    assert f"{GOOD}: it is read as template_utility_bills and again by number 2 as sacct" in place.findings()[0]


def test_folders_that_name_no_site_are_named(place: Place) -> None:
    place.bind()
    place.put("landing/Site A/utility_bills/2023.csv")
    place.put("landing/site-c/utility_bills/2023.csv", BILLS.replace("10", "11"))
    assert place.findings() == [
        "[[source]] number 1: the site 'site-c' is not in sites.toml. Add it, or rename the folder.",
        "landing/Site A/utility_bills/2023.csv: the folder 'Site A' cannot name a site. Rename it.",
    ]


def test_the_first_records_are_held_to_the_contract(place: Place) -> None:
    place.bind()
    place.put(GOOD, BILLS + "m,electricity,2023-02-01,2023-03-01,many\nm,electricity\n")
    (file,) = place.check().sources[0].files
    assert (file.records, file.passed) == (3, 1)
    assert file.finding is not None
    assert file.finding.startswith("2 of the first 3 records would be quarantined: row 3, type: energy_kwh should be")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dear customer\n", "would be refused: Unknown column 'Dear customer'"),
        (BILLS.splitlines()[0], "would be refused: it holds no record"),
    ],
)
def test_a_file_that_would_be_refused_says_why(place: Place, text: str, words: str) -> None:
    place.bind()
    place.put(GOOD, text)
    assert words in place.findings()[0]


def test_what_is_in_the_books_is_told_from_what_is_new(place: Place) -> None:
    place.bind()
    place.put(GOOD)
    place.put("landing/site-a/utility_bills/letter.csv", "Dear customer\n")
    place.put("landing/site-a/utility_bills/wrong.csv", BILLS + "m,electricity,2023-02-01,2023-03-01,many\n")
    place.ingest()
    place.put("landing/site-a/utility_bills/0 copy.csv")
    place.put("landing/site-a/utility_bills/2024.csv", BILLS.replace("10", "12"))

    found = place.check()

    states = {Path(file.path).name: (file.state, file.records, file.passed) for file in found.sources[0].files}
    assert states == {
        "0 copy.csv": ("copy", None, None),
        "2023.csv": ("ingested", 1, 1),
        "2024.csv": ("new", 1, 1),
        "letter.csv": ("refused", None, None),
        "wrong.csv": ("ingested", 2, 1),
    }
    findings = list(found.all_findings())
    assert len(findings) == 2
    assert "Unknown column" in findings[0]
    assert "1 records are in quarantine. See them: suanheng quarantine show" in findings[1]


def test_a_changed_binding_means_that_files_are_read_anew(place: Place) -> None:
    place.bind(evidence="metered")
    place.put(GOOD)
    place.ingest()
    path = place.root / "sources.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("metered", "declared"), encoding="utf-8")
    assert place.check().sources[0].files[0].state == "read anew"


def test_what_is_late_or_missing_is_named_by_site_and_dataset(place: Place) -> None:
    place.bind(cadence="monthly")
    place.put(GOOD)
    place.ingest()
    # On 20 March the bill of January is enough; on 1 April it is not.
    missing = "[[source]] number 1: utility_bills of site-b is missing: expected monthly, and no file of it is there."
    assert place.findings() == [missing]
    late = "[[source]] number 1: utility_bills of site-a is late: expected monthly, and what it states ends "
    assert place.findings(datetime(2023, 4, 1, tzinfo=UTC)) == [f"{late}2023-02-01 00:00:00.", missing]


def test_a_file_that_waits_to_be_taken_in_is_not_missing(place: Place) -> None:
    place.bind("landing/site-a/utility_bills/*.csv", site="site-a", cadence="monthly")
    place.put(GOOD)
    assert place.findings() == []


def test_status_says_what_is_late_or_missing(place: Place) -> None:
    place.bind(cadence="monthly")
    place.put(GOOD)
    place.ingest()
    answer = CliRunner().invoke(app, ["status", "--json", "--workspace", str(place.root)])
    states = {(row["site_id"], row["dataset"]): row["state"] for row in json.loads(answer.stdout)["sources"]}
    # The only bill is of January 2023, long ago.
    assert states == {("site-a", "utility_bills"): "late", ("site-b", "utility_bills"): "missing"}


def test_repairs_of_nothing_are_named(place: Place) -> None:
    place.put("repairs/site-a/template_utility_bills/abc.csv", "")
    assert place.findings() == [
        "repairs/site-a/template_utility_bills/abc.csv: no file is here that it repairs. "
        "Remove it, or put that file back."
    ]


@pytest.mark.parametrize(("text", "code"), [(BILLS, 0), ("Dear customer\n", 3)])
def test_the_exit_code_says_whether_everything_fits(place: Place, text: str, code: int) -> None:
    place.bind()
    place.put(GOOD, text)
    in_words = CliRunner().invoke(app, ["sources", "check", "--workspace", str(place.root)])
    as_json = CliRunner().invoke(app, ["sources", "check", "--workspace", str(place.root), "--json"])
    assert (in_words.exit_code, as_json.exit_code, json.loads(as_json.stdout)["exit_code"]) == (code, code, code)
    assert ("Everything fits." in in_words.output) == (code == 0)


def test_every_format_is_listed_with_everything_a_reader_wants_to_know() -> None:
    listed: list[dict[str, Any]] = json.loads(CliRunner().invoke(app, ["sources", "list", "--json"]).stdout)
    names = [(entry["format"], *entry["datasets"]) for entry in listed]
    assert {name[0] for name in names} == {"template", *formats()}
    assert {name[1] for name in names if name[0] == "template"} == set(DATASETS)
    root = Path(__file__).parents[3]
    for entry in listed:
        assert (root / entry["read_by"]).exists()
        assert entry["sample"] is None or (root / "tests" / entry["sample"]).exists()
        assert entry["refuses"]
        assert entry["limits"]
        assert {"title", "options", "times", "holds", "sample_source"} <= entry.keys()


def test_a_folder_that_is_not_there_is_told_from_the_star_above_it(place: Place) -> None:
    place.bind("landing/{site}/invoices/*")
    place.put("landing/site-a/bills/2023.csv")
    assert place.findings()[0] == (
        "[[source]] number 1: nothing matches landing/{site}/invoices/*: landing/site-a holds bills, and no invoices. "
        "Correct the glob."
    )
