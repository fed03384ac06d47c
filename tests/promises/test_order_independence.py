"""Promise 11: files may arrive in any order, late, or corrected; the end state depends only on the set of files."""

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.landing import repairs
from suanheng.flows.landing.file_hashes import hash_of_content
from suanheng.flows.landing.land import land
from suanheng.flows.landing.pending import waiting
from suanheng.flows.landing.repairs import Content, Record, Sheet
from suanheng.flows.orchestration.steps import Steps
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.staging import stage
from suanheng.warehouse.lake import Lake, writing

DATA = ("staged", "rollups", "indicators", "scorecards")
HEADER = "meter_id,commodity,service_start,service_end,energy_kwh,revision"

# A bill line: which month, how much, which revision.
LINE = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 1))
FILE = st.lists(LINE, min_size=1, max_size=3, unique_by=lambda line: (line[0], line[2]))
NAME = st.sampled_from(["a.csv", "b.csv", "c.csv", "d.csv"])
# A night: files that are in the landing zone from then on, in place of those of the same name.
NIGHTS = st.lists(st.dictionaries(NAME, FILE, max_size=3), min_size=1, max_size=4)

Lines = Sequence[tuple[int, int, int]]


def expected(nights: list[dict[str, Lines]]) -> set[tuple[int, int, int]]:
    """What must be staged in the end, from the files that are there in the end: by the rule, in plain Python.

    Per month the highest revision counts, then the file whose path sorts last.
    """
    stored = {name: lines for night in nights for name, lines in night.items()}
    kept: dict[int, tuple[int, str, int]] = {}
    for name, lines in stored.items():
        for month, energy, revision in lines:
            kept[month] = max(kept.get(month, (-1, "", 0)), (revision, name, energy))
    return {(month, energy, revision) for month, (revision, _, energy) in kept.items()}


def test_order_independence_what_is_staged_depends_only_on_the_files_that_lie_there(built_workspace) -> None:
    numbers = count(1)
    with writing(built_workspace.workspace) as lake:

        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        @given(nights=NIGHTS)
        def holds(nights: list[dict[str, Lines]]) -> None:
            site_id = f"site-{next(numbers)}"
            folder = built_workspace.root / "landing" / site_id / "utility_bills"
            folder.mkdir(parents=True)
            for night in nights:
                for name, lines in night.items():
                    (folder / name).write_text(as_csv(lines), encoding="utf-8")
                for group in waiting(lake, built_workspace.workspace):
                    land(lake, group)
                for pair in stage.stale_datasets(lake):
                    stage.stage_dataset(lake, *pair)

            staged = lake.frame(
                "SELECT month(service_start), energy_kwh::BIGINT, revision FROM staged.utility_bills WHERE site_id = ?",
                [site_id],
            )
            assert sorted(staged.rows()) == sorted(expected(nights))
            assert waiting(lake, built_workspace.workspace) == []
            shutil.rmtree(folder)

        holds()


def as_csv(lines: Lines) -> str:
    records = [
        f"meter-1,electricity,2023-{month:02}-01,2023-{month + 1:02}-01,{energy},{revision}"
        for month, energy, revision in lines
    ]
    return "\n".join([HEADER, *records]) + "\n"


@pytest.mark.long
@pytest.mark.parametrize("seed", [11])
def test_order_independence_of_files_that_come_late_twice_and_corrected(
    tiny_workspace, built_once, tmp_path: Path, seed: int
) -> None:
    """First night: a third of the files, two of them wrong. Second night: the rest, corrections and repetitions."""
    chance = random.Random(seed)
    files = tiny_workspace.files()
    early = set(chance.sample(files, len(files) // 3)) | {tiny_workspace.path("accelerator_samples", "2023-06")}
    kept = tmp_path / "kept"
    shutil.copytree(tiny_workspace.root / "landing", kept)
    for path in files:
        if path not in early:
            path.unlink()
    mistype(tiny_workspace)

    first = tiny_workspace.night()
    shutil.copytree(kept, tiny_workspace.root / "landing", dirs_exist_ok=True)
    for path in chance.sample(files, 5):
        shutil.copy(path, path.with_name(f"0 copy of {path.name}"))
    second = tiny_workspace.night(now=datetime(2024, 2, 1, 1, tzinfo=UTC))

    assert not first.failures | second.failures
    assert "tiny 2023Q4" in first.built
    assert tiny_workspace.digests(*DATA) == built_once.digests(*DATA)
    assert tiny_workspace.night().changed_nothing


def mistype(centre: Any) -> None:
    """Samples of June that say November, and a bill of ten times the amount."""
    samples = centre.path("accelerator_samples", "2023-06")
    samples.write_text(samples.read_text(encoding="utf-8").replace("2023-06", "2023-11"), encoding="utf-8")
    bill = centre.path("utility_bills", "2023-02")
    if not bill.exists():
        centre.write("utility_bills", "2023-02", [{"meter_id": "account-1", "commodity": "electricity",
                     "service_start": "2023-02-01", "service_end": "2023-03-01", "energy_kwh": 13100}])  # fmt: skip


def test_order_independence_a_file_that_was_renamed_before_its_name_was_used_again_still_counts(
    built_workspace,
) -> None:
    """``latest.csv`` becomes ``2023-01.csv`` and a new ``latest.csv`` takes its place: both count."""
    bill = "SELECT sum(energy_kwh) FROM staged.utility_bills WHERE commodity = 'electricity'"
    assert built_workspace.value(bill) == 6 * 1310
    latest = built_workspace.path("utility_bills", "2023-06")
    rows = built_workspace.rows("utility_bills", "2023-06")
    latest.rename(latest.with_name("2023-06 archived.csv"))
    extra = {**rows[0], "meter_id": "account-3", "energy_kwh": 90}
    built_workspace.write("utility_bills", "2023-06", [extra])

    built_workspace.night()

    assert built_workspace.value(bill) == 6 * 1310 + 90


@pytest.mark.long
def test_order_independence_content_that_comes_back_to_its_path_counts_again(built_workspace, correct_a_bill) -> None:
    before = built_workspace.digests(*DATA)
    path = built_workspace.path("utility_bills", "2023-01")
    original = path.read_text(encoding="utf-8")
    correct_a_bill(built_workspace)
    assert built_workspace.night().built == ["tiny 2023Q1", "tiny 2023Q2"]

    path.write_text(original, encoding="utf-8")
    assert built_workspace.night().built == ["tiny 2023Q1", "tiny 2023Q2"]

    assert built_workspace.digests(*DATA) == before


@pytest.mark.long
def test_order_independence_a_claim_counts_the_same_whichever_site_comes_first(built_workspace) -> None:
    """A second site cancels the certificate of the first; neither has it, until the second withdraws its claim."""
    statuses = "SELECT DISTINCT site_id, status FROM rollups.claim_month ORDER BY ALL"
    claimed = "SELECT month_start, claimed_kwh FROM rollups.energy_month WHERE site_id = 'tiny' ORDER BY month_start"
    before = built_workspace.ask(claimed).rows()
    sites = built_workspace.root / "sites.toml"
    stated = sites.read_text(encoding="utf-8")
    sites.write_text(stated + stated.replace('"tiny"', '"other"'), encoding="utf-8")
    (certificate,) = built_workspace.rows("energy_certificates", "2023")
    built_workspace.write("energy_certificates", "2023", [certificate], site_id="other")

    night = built_workspace.night()

    assert {"tiny 2023Q1", "tiny 2023Q2"} <= set(night.built)
    several = "claimed by several sites"
    assert built_workspace.ask(statuses).rows() == [("other", several), ("tiny", several)]
    assert {kwh for _, kwh in built_workspace.ask(claimed).rows()} == {0}

    built_workspace.write("energy_certificates", "2023", [{**certificate, "retired_on": ""}], site_id="other")
    built_workspace.night()

    assert built_workspace.ask(statuses).rows() == [("other", "not cancelled"), ("tiny", "counted")]
    assert built_workspace.ask(claimed).rows() == before


def test_order_independence_a_file_overwritten_by_a_copy_of_another_counts_no_longer(empty) -> None:
    """a.csv first bills 1 kWh; then it becomes a copy of b.csv, which was ingested long before."""
    lake, workspace = empty
    bill = "\n".join([HEADER, "m,electricity,2023-01-01,2023-02-01,{},{}"]) + "\n"
    one, two = bill.format(1, 1), bill.format(2, 0)
    _evening(lake, workspace, "site-a", {"bills/a.csv": one, "bills/b.csv": two}, set())
    query = "SELECT energy_kwh FROM staged.utility_bills WHERE site_id = 'site-a'"
    assert lake.frame(query).rows() == [(1.0,)]

    _evening(lake, workspace, "site-a", {"bills/a.csv": two}, set())

    assert lake.frame(query).rows() == [(2.0,)]
    assert waiting(lake, workspace) == []


EXAMPLES = int(os.environ.get("SUANHENG_EXAMPLES", "8"))
"""How many histories are tried; a campaign tries some hundred: ``SUANHENG_EXAMPLES=300``."""

SOURCES = """
[[source]]
format = "template"
dataset = "utility_bills"
files = "landing/{site}/bills/*"
evidence = "metered"

[[source]]
format = "sacct"
files = "landing/{site}/jobs/*"
time_zone = "Asia/Shanghai"
evidence = "measured"

[[source]]
format = "gpu_server_hourly"
files = "landing/{site}/servers/*"
time_zone = "Asia/Shanghai"
options = { gpus_per_server = 2, sku = "A40 48GB" }

[[source]]
format = "mlperf_system"
files = "landing/{site}/systems/*"
"""

# Few keys and few values, so that files state the same key anew, repeat each other, or are the same altogether. A
# word in place of a number goes to quarantine; the same key twice within a file does so too.
NUMBER = st.sampled_from(["1", "2", "three"])
BILL = st.builds("m,electricity,2023-0{0}-01,2023-0{0}-28,{1},{2}".format, st.integers(1, 2), NUMBER, st.integers(0, 1))
JOB = st.builds(
    "{0}|tern|2024-01-10T0{0}:00:00|2024-01-10T08:00:01|2024-01-10T09:00:00|COMPLETED|{1}".format,
    st.integers(1, 2),
    NUMBER,
)
HOUR = st.builds(
    "gpu05\t2024-01-10 0{0}:00:00\t{1}\t100\t300\t50\t40\t60\t50\t0\t100\t10\t0\t20".format, st.integers(1, 2), NUMBER
)
SERVER_HEAD = (
    "name\ttimestamp\tpowerave\tpowermin\tpowermax\ttempave\ttempmin\ttempmax\tutilave\tutilmin\tutilmax\t"
    "gmemave\tgmemmin\tgmemmax"
)


def _table(head: str, line: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(line, min_size=1, max_size=3).map(lambda lines: "\n".join([head, *lines]) + "\n")


def _system(nodes: int) -> str:
    return json.dumps(
        {
            "system_name": "server",
            "accelerator_model_name": "A",
            "accelerators_per_node": 2,
            "number_of_nodes": nodes,
            "submitter": "Tern",
        }
    )


CONTENT = {
    "bills": ("template_utility_bills", "csv", _table(HEADER, BILL)),
    "jobs": ("sacct", "txt", _table("JobIDRaw|Cluster|Submit|Start|End|State|NCPUs", JOB)),
    "servers": ("gpu_server_hourly", "txt", _table(SERVER_HEAD, HOUR)),
    "systems": ("mlperf_system", "json", st.integers(1, 2).map(_system)),
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[set[str]]]:
    """Nights: by path, the contents that are put there; and the bills that somebody repairs that evening."""
    pools = {kind: draw(st.lists(content, min_size=1, max_size=3)) for kind, (_, _, content) in CONTENT.items()}
    delivery = st.tuples(st.sampled_from(list(CONTENT)), st.sampled_from("abc"), st.integers(0, 2))
    nights, mended = [], []
    for _ in range(draw(st.integers(1, 3))):
        delivered = draw(st.lists(delivery, max_size=4))
        nights.append(
            {
                f"{kind}/{name}.{CONTENT[kind][1]}": pools[kind][which % len(pools[kind])]
                for kind, name, which in delivered
            }
        )
        mended.append(set(draw(st.lists(st.sampled_from(pools["bills"]), max_size=1))))
    return nights, mended


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[tuple[Lake, Workspace]]:
    """A workspace into which nothing was taken yet, open to write."""
    (tmp_path / "suanheng.toml").write_text("", encoding="utf-8")
    (tmp_path / "sites.toml").write_text("", encoding="utf-8")
    (tmp_path / "sources.toml").write_text(SOURCES, encoding="utf-8")
    workspace = open_workspace(tmp_path)
    night.ingest(workspace, Steps(), datetime(2024, 2, 1, tzinfo=UTC))
    with writing(workspace) as lake:
        yield lake, workspace


@pytest.mark.long
def test_order_independence_of_formats_shuffled_duplicated_late_corrected_and_repaired(empty) -> None:
    """However files of several formats and repairs came, the end is that of all of them in one night."""
    lake, workspace = empty
    numbers = count(1)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(history=histories())
    def holds(history: tuple[list[dict[str, str]], list[set[str]]]) -> None:
        nights, mended = history
        number = next(numbers)
        slowly, at_once = f"slowly-{number}", f"at-once-{number}"
        for files, repaired in zip(nights, mended, strict=True):
            _evening(lake, workspace, slowly, files, repaired)
        together = {path: content for night in nights for path, content in night.items()}
        _evening(lake, workspace, at_once, together, set().union(*mended))

        assert _held(lake, slowly) == _held(lake, at_once)
        assert waiting(lake, workspace) == []
        assert stage.stale_datasets(lake) == []
        for site_id in (slowly, at_once):
            shutil.rmtree(workspace.root / "landing" / site_id, ignore_errors=True)

    holds()


def _evening(lake: Lake, workspace: Workspace, site_id: str, files: Mapping[str, str], repaired: set[str]) -> None:
    folder = workspace.root / "landing" / site_id
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    for content in repaired:
        _repair(workspace, site_id, content)
    for group in waiting(lake, workspace):
        land(lake, group)
    for pair in stage.stale_datasets(lake):
        stage.stage_dataset(lake, *pair)


def _repair(workspace: Workspace, site_id: str, bills: str) -> None:
    """Somebody says that the first bill of a file is one of March over 7 kWh."""
    probe = workspace.root / "probe"
    probe.write_text(bills, encoding="utf-8")
    content = Content(hash_of_content(probe), site_id, "template_utility_bills")
    values = dict(zip(HEADER.split(","), ["m", "electricity", "2023-03-01", "2023-04-01", "7", "0"], strict=True))
    sheet = Sheet(content, list(values), {2: Record(values, reason="known to be wrong")})
    sheet.write(repairs.path_of(workspace.repairs_folder, content))


def _held(lake: Lake, site_id: str) -> dict[str, list[str]]:
    """All rows of a site that are staged or in quarantine, without the names of site and run."""
    tables = [*(f"staged.{dataset}" for dataset in DATASETS), "quarantine.records"]
    query = "SELECT COLUMNS(c -> c NOT IN ('site_id', 'run_id')) FROM {} WHERE site_id = ?"
    found = {table: lake.frame(query.format(table), [site_id]).rows() for table in tables}
    # A record that failed the gate of staged says which site it is of.
    return {table: sorted(repr(row).replace(site_id, "") for row in rows) for table, rows in found.items()}
