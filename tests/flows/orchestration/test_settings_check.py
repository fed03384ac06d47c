"""Settings that cannot be right are refused by every verb alike: all faults at once, exit code 2, nothing written."""

import json
import sys
from pathlib import Path

import pytest

from suanheng.config.errors import BadSettings
from suanheng.config.suanheng_toml import METHODOLOGIES
from suanheng.flows.commands import main
from suanheng.flows.orchestration.settings_check import read_settings

SUANHENG = """\
[warehouse]
threads = 1

[scoring]
methodology = "ours.yaml"
"""
SITES = """\
[[site]]
site_id = "site-a"
name_en = "Site A"
time_zone = "Asia/Shanghai"
country = "CN"
region_code = "CN-HE"
commissioned_on = 2022-01-01
rack_units = 42
size_class = "large"

[[site]]
site_id = "site-b"
name_en = "Site B"
time_zone = "America/New_York"
"""
SOURCES = """\
[[source]]
format = "sacct"
files = "landing/{site}/sacct/*.txt"
time_zone = "Asia/Shanghai"
cadence = "daily"

[[source]]
format = "template"
dataset = "utility_bills"
files = "landing/site-a/utility_bills/*.csv"
site = "site-a"
"""
PULLS = """\
[[pull]]
name = "gpus"
site = "site-a"
url = "http://prometheus.example:9090"
exporter = "dcgm"
step = "30s"
window = "1h"
start = 2024-06-01
"""
OURS = (
    (METHODOLOGIES / "hqc-2024.yaml").read_text(encoding="utf-8").replace("methodology: hqc-2024", "methodology: ours")
)

FILES = {
    "suanheng.toml": SUANHENG,
    "sites.toml": SITES,
    "sources.toml": SOURCES,
    "pulls.toml": PULLS,
    "ours.yaml": OURS,
}
VERBS = [
    ("doctor",),
    ("sources", "check"),
    ("ingest",),
    ("nightly",),
    ("nightly", "--dry-run"),
    ("backfill", "--from", "2023Q1", "--to", "2023Q2"),
    ("backfill", "--from", "2023Q1", "--to", "2023Q2", "--dry-run"),
]
FAULTS = [
    ("suanheng.toml", "threads = 1", "threads = 0", "line 2, warehouse.threads: expected 1 or more, but got 0"),
    ("suanheng.toml", "threads = 1", "thread = 1", "line 2, warehouse.thread: expected one of the keys"),
    ("suanheng.toml", "ours.yaml", "hqc-2042", "line 5, scoring.methodology: expected one of eu-2024-1364, hqc-2024"),
    (
        "sites.toml",
        "Asia/Shanghai",
        "Asia/Atlantis",
        "line 4, [[site]] number 1, time_zone: expected the name of",
    ),
    ("sites.toml", "2022-01-01", "2022-02-30", "line 7, the file: expected TOML, but got not TOML: Invalid date"),
    ("sites.toml", "2022-01-01", '"soon"', "line 7, [[site]] number 1, commissioned_on: expected a day"),
    (
        "sites.toml",
        '"large"',
        '"big"',
        "line 9, [[site]] number 1, size_class: expected one of small, large",
    ),
    ("sites.toml", "CN-HE", "CN-XX", "line 6, [[site]] number 1, region_code: expected a code of ISO 3166-2"),
    ("sites.toml", "site-b", "site-a", "line 12, [[site]] number 2, site_id: expected every site_id once"),
    (
        "sites.toml",
        "[[site]]",
        "[[sites]]",
        "line 1, sites: expected one of the keys site, but got sites",
    ),
    (
        "sources.toml",
        'site = "site-a"',
        'site = "site-c"',
        "line 11, [[source]] number 2, site: expected a site",
    ),
    ("sources.toml", 'sacct"', 'sacctt"', "line 2, [[source]] number 1, format: expected one of acme_trace, "),
    ("sources.toml", "time_zone", "timezone", "line 1, [[source]] number 1, time_zone: expected the zone of the times"),
    (
        "pulls.toml",
        "site-a",
        "site-c",
        "line 3, [[pull]] number 1, site: expected a site of sites.toml: site-a",
    ),
    ("pulls.toml", '"1h"', '"100s"', "line 7, [[pull]] number 1, window: expected a whole number of steps"),
    (
        "pulls.toml",
        "start",
        "start = 1 #",
        "line 8, [[pull]] number 1, start: expected a day, or a time",
    ),
    (
        "ours.yaml",
        "weights_sum_to: 5",
        "weights_sum_to: 6",
        "dimensions: expected weights that sum to 6, but got",
    ),
]
"""File, what is changed in it to what, and what is said of it."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace in which everything can be used."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def refused(workspace, monkeypatch, capsys):
    """``refused(verb)``: what a verb says on standard error when it refuses the workspace and leaves it as it was."""

    def run(verb: tuple[str, ...]) -> str:
        before = contents(workspace)
        monkeypatch.setattr(sys, "argv", ["suanheng", *verb, "--workspace", str(workspace)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert contents(workspace) == before
        return capsys.readouterr().err

    return run


def test_what_can_be_used_is_read(workspace) -> None:
    settings = read_settings(workspace)
    assert settings.workspace.methodology == str(workspace / "ours.yaml")
    assert [site.site_id for site in settings.sites] == ["site-a", "site-b"]
    assert [source.format for source in settings.sources] == ["sacct", "template"]
    assert [pull.name for pull in settings.pulls] == ["gpus"]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(("file", "good", "bad", "said"), FAULTS, ids=lambda text: text[:20])
def test_a_fault_is_refused_by_every_verb(workspace, refused, verb, file, good, bad, said) -> None:
    assert good in FILES[file]
    (workspace / file).write_text(FILES[file].replace(good, bad), encoding="utf-8")
    assert f"  - {file}, " in (errors := refused(verb))
    assert said in errors


def test_all_faults_of_all_files_are_said_at_once_and_by_all_verbs_alike(workspace, refused) -> None:
    # One fault of each file, of which none but the two of sites.toml is in the way of another.
    for file, good, bad in [
        ("suanheng.toml", "threads = 1", "threads = 0"),
        ("sites.toml", "Asia/Shanghai", "Asia/Atlantis"),
        ("sources.toml", "daily", "dayly"),
        ("pulls.toml", "site-a", "site-c"),
        ("ours.yaml", "weights_sum_to: 5", "weights_sum_to: 6"),
    ]:
        (workspace / file).write_text(FILES[file].replace(good, bad), encoding="utf-8")
    with pytest.raises(BadSettings) as bad:
        read_settings(workspace)
    assert [fault.file for fault in bad.value.faults] == [
        "suanheng.toml",
        "sites.toml",
        "sources.toml",
        "pulls.toml",
        "ours.yaml",
    ]
    assert {refused(verb) for verb in VERBS} == {f"{bad.value}\n"}


def test_a_site_with_a_fault_is_still_one_that_sources_may_name(workspace) -> None:
    (workspace / "sites.toml").write_text(SITES.replace("CN-HE", "CN-XX"), encoding="utf-8")
    with pytest.raises(BadSettings) as bad:
        read_settings(workspace)
    assert [fault.place for fault in bad.value.faults] == ["[[site]] number 1, region_code"]


def test_sites_that_cannot_be_read_make_no_fault_of_every_source(workspace) -> None:
    (workspace / "sites.toml").write_text("[[site]\n", encoding="utf-8")
    with pytest.raises(BadSettings) as bad:
        read_settings(workspace)
    assert [fault.file for fault in bad.value.faults] == ["sites.toml"]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_where_there_is_no_workspace_one_is_not_begun(workspace, refused, verb) -> None:
    for name in FILES:
        (workspace / name).unlink()
    assert "suanheng init" in refused(verb)


def test_doctor_tells_a_program_the_same(workspace, refused, monkeypatch, capsys) -> None:
    (workspace / "sites.toml").write_text(SITES.replace("CN-HE", "CN-XX"), encoding="utf-8")
    words = refused(("doctor",))
    monkeypatch.setattr(sys, "argv", ["suanheng", "doctor", "--json", "--workspace", str(workspace)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    checks = json.loads(capsys.readouterr().out)
    assert [check["do"] for check in checks if check["ok"] == "no"] == [words.strip()]
