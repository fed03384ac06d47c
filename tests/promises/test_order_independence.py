"""Promise 11: files may arrive in any order, late, or corrected; the end state depends only on the set of files."""

import random
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suanheng.flows.landing import land, waiting
from suanheng.transforms import staging
from suanheng.warehouse.lake import writing

DATA = ("staged", "rollups", "indicators", "scorecards")
HEADER = "meter_id,commodity,service_start,service_end,energy_kwh,revision"

# A bill line: which month, how much, which revision.
LINE = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 1))
FILE = st.lists(LINE, min_size=1, max_size=3, unique_by=lambda line: (line[0], line[2]))
NAME = st.sampled_from(["a.csv", "b.csv", "c.csv", "d.csv"])
# A night: files that lie in the landing zone from then on, in place of those of the same name.
NIGHTS = st.lists(st.dictionaries(NAME, FILE, max_size=3), min_size=1, max_size=4)

Lines = Sequence[tuple[int, int, int]]


def expected(nights: list[dict[str, Lines]]) -> set[tuple[int, int, int]]:
    """What must be staged in the end, from the files that lie there in the end: by the rule, in plain Python.

    Per month the highest revision counts, then the file whose path sorts last.
    """
    lying = {name: lines for night in nights for name, lines in night.items()}
    kept: dict[int, tuple[int, str, int]] = {}
    for name, lines in lying.items():
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
                    land(lake, group, "run", "author")
                for pair in staging.stale(lake):
                    staging.stage(lake, *pair, run_id="run", author="author")

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


def test_order_independence_content_that_comes_back_to_its_path_counts_again(built_workspace, correct_a_bill) -> None:
    before = built_workspace.digests(*DATA)
    path = built_workspace.path("utility_bills", "2023-01")
    original = path.read_text(encoding="utf-8")
    correct_a_bill(built_workspace)
    assert built_workspace.night().built == ["tiny 2023Q1", "tiny 2023Q2"]

    path.write_text(original, encoding="utf-8")
    assert built_workspace.night().built == ["tiny 2023Q1", "tiny 2023Q2"]

    assert built_workspace.digests(*DATA) == before


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
