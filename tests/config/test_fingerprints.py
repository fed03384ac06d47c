"""Every module moves exactly the fingerprints of what it makes, and what a mended module made is made again."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

import suanheng.config
from suanheng.config import fingerprints
from suanheng.config.fingerprints import FLOORS, ROOMS, Fingerprints
from suanheng.flows.plan import changed_quarters, settings_now
from suanheng.flows.sources import nvidia_smi
from suanheng.schemas.checking.records import Chunk
from suanheng.schemas.formats import formats
from suanheng.schemas.staged import DATASETS, family
from suanheng.transforms.building.build import code_hash
from suanheng.transforms.building.periods import scopes
from suanheng.warehouse.lake import reading
from tests.conftest import NOW, Centre, write_tiny

PACKAGE = Path(next(iter(suanheng.config.__path__))).parent
MODULES = {
    path.relative_to(PACKAGE).as_posix(): path.read_bytes()
    for floor in FLOORS
    for path in sorted((PACKAGE / floor).rglob("*.py"))
}

FOR_ALL_FILES = ("landing", "contracts", "storing")
"""Rooms without which no file becomes raw rows."""

FOR_ALL_DATASETS = ("staging", "telemetry", "definitions", "contracts", "storing")
FOR_FACTS = ("definitions", "tables", "contracts")
FOR_QUARTERS = ("building", "contracts", "definitions", "scoring", "storing", "tables", "telemetry")


def results(code: Fingerprints) -> dict[str, str]:
    """Hashes that decide whether something is made again, by what it is."""
    of_templates = {f"template of {name}": code.of_reading("template", name) for name in _families()}
    return {
        **{f"files of {name}": code.of_reading(name) for name in formats()},
        **of_templates,
        **{f"datasets of {name}": code.of_staging(name) for name in _families()},
        **{f"quarters, {room}": hash_ for room, hash_ in code.of_quarter().items()},
        "facts": code.of_facts(),
        "publications": code.everything(),
    }


def _families() -> set[str]:
    return {family(dataset) for dataset in DATASETS}


@cache
def untouched() -> dict[str, str]:
    return results(Fingerprints(MODULES))


@cache
def named_in(path: str) -> set[str]:
    """Modules of sources, raw contracts and datasets that a module names, and those that these name: read as text."""
    found, following = set(), [path]
    while following:
        module = following.pop()
        if module in found:
            continue
        found.add(module)
        text = MODULES[module].decode()
        for package, names in re.findall(r"^\s*from suanheng\.([\w.]+) import (\([^)]*\)|[^\n]*)", text, re.MULTILINE):
            folder = package.replace(".", "/")
            imported = {f"{folder}.py", *(f"{folder}/{name}.py" for name in re.findall(r"\w+", names))}
            following += [
                other
                for other in imported & MODULES.keys()
                if re.match(r"flows/sources/|schemas/raw/|schemas/datasets/", other)
            ]
    return found


def expected(path: str) -> set[str]:
    """What is made again when a module changes, by hand: from the room it stands in."""
    room = fingerprints.installed().names[path]
    if room is None:
        return set()
    moved = {"publications"}
    moved |= {f"quarters, {room}"} if room in FOR_QUARTERS else set()
    moved |= {"facts"} if room in FOR_FACTS else set()
    for name in formats():
        own = named_in(f"flows/sources/{name}.py") | named_in(f"schemas/raw/{name}.py")
        moved |= {f"files of {name}"} if room in FOR_ALL_FILES or path in own else set()
    for name in _families():
        own = named_in(f"schemas/datasets/{name}.py")
        moved |= {f"datasets of {name}"} if room in FOR_ALL_DATASETS or path in own else set()
        of_template = own | named_in("flows/sources/template.py")
        moved |= {f"template of {name}"} if room in FOR_ALL_FILES or path in of_template else set()
    return moved


@pytest.mark.parametrize("path", MODULES)
def test_a_touched_module_moves_what_it_makes_and_nothing_else(path: str):
    touched = results(Fingerprints({**MODULES, path: MODULES[path] + b"\n# touched\n"}))

    assert {name for name, hash_ in touched.items() if hash_ != untouched()[name]} == expected(path)


@pytest.mark.parametrize(
    ("path", "fingerprint"),
    [
        ("flows/sources/sacct.py", "format sacct"),
        ("schemas/raw/sacct.py", "format sacct"),
        ("flows/sources/reading/cells.py", "reading cells"),
        ("flows/landing/land.py", "landing"),
        ("flows/landing/repairs.py", "landing"),
        ("flows/landing/in_place.py", "landing"),
        ("transforms/telemetry/overlapping_files.py", "telemetry"),
        ("transforms/building/scratch.py", "building"),
        ("transforms/building/build.py", "building"),
        ("transforms/building/periods.py", "building"),
        ("transforms/scoring/judge.py", "scoring"),
        ("transforms/analysis/score_changes.py", "scoring"),
        ("transforms/analysis/whatif.py", None),
        ("schemas/tables/scorecards.py", "tables"),
        ("flows/reports/pages.py", None),
        ("flows/commands/run.py", None),
        ("config/sites.py", None),
    ],
)
def test_a_module_stands_in_its_room(path: str, fingerprint: str | None):
    assert fingerprints.installed().names[path] == fingerprint


def test_the_package_is_hashed_as_it_is_installed():
    assert fingerprints.installed().names == Fingerprints(MODULES).names


def test_a_module_in_no_known_room_is_refused():
    with pytest.raises(LookupError, match=r"transforms/hydrology/rain\.py is in no room"):
        _ = Fingerprints({"transforms/hydrology/rain.py": b""}).names


def test_no_pattern_is_left_over():
    fitting = {next(p for p in ROOMS if Path(path).match(p)) for path in MODULES}

    assert fitting == set(ROOMS)


def test_an_unknown_fingerprint_is_refused():
    with pytest.raises(LookupError, match="no fingerprint format sacc"):
        Fingerprints(MODULES).of_reading("sacc")


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have a module of the package be another one from now on."""

    def mended(path: str) -> None:
        code = Fingerprints({**MODULES, path: MODULES[path] + b"\n# mended\n"})
        monkeypatch.setattr(fingerprints, "installed", lambda: code)

    return mended


SOURCE = """
[[source]]
format = "nvidia_smi"
files = "landing/{site}/nvidia_smi/*"
time_zone = "Asia/Shanghai"
"""
SAMPLE = Path(__file__).parents[1] / "data" / "nvidia_smi_nulls.csv"
POWER_W = "SELECT max(power_w) FROM staged.accelerator_samples WHERE sku = 'NVIDIA Own 80GB'"


def _with_capture(centre: Centre) -> Centre:
    """A centre whose only server is also asked by nvidia-smi."""
    sources = centre.root / "sources.toml"
    sources.write_text(sources.read_text(encoding="utf-8") + SOURCE, encoding="utf-8")
    place = centre.root / "landing" / "tiny" / "nvidia_smi" / "capture.csv"
    place.parent.mkdir(parents=True)
    shutil.copy(SAMPLE, place)
    return centre


def _halved(read: Callable[..., Iterator[Chunk]]) -> Callable[..., Iterator[Chunk]]:
    """A reader with a fault: it halves every power."""
    power = pl.col("power.draw [W]").str.extract(r"([\d.]+)").cast(pl.Float64) / 2

    def read_wrongly(path: Path, options: Mapping[str, Any]) -> Iterator[Chunk]:
        for chunk in read(path, options):
            yield Chunk(chunk.rows.with_columns(power.cast(pl.String) + " W"), chunk.unreadable)

    return read_wrongly


def _contents(centre: Centre) -> dict[str, Any]:
    """Every table by its hash; of explanations, whose last bit depends on what is explained with them, the rows."""
    tables = centre.digests("staged", "rollups", "indicators", "scorecards")
    del tables['scorecards."explanations"']
    explained = centre.ask("FROM scorecards.explanations ORDER BY site_id, period, indicator")
    return {**tables, "explanations": explained.with_columns(cs.float().round(9)).rows()}


@pytest.mark.long
def test_a_mended_reader_reads_its_files_again_and_no_others(built_workspace, tmp_path, mend, monkeypatch):
    centre = _with_capture(built_workspace)
    with monkeypatch.context() as faulty:
        faulty.setattr(nvidia_smi, "read", _halved(nvidia_smi.read))
        centre.night()
    # The capture says 512.25 W; half of it is what the fault makes of it.
    assert centre.value(POWER_W) == 256.125

    mend("flows/sources/nvidia_smi.py")
    outcome = centre.night()

    assert [(x.format, x.why) for x in outcome.landings] == [("nvidia_smi", "read again: reader changed")]
    assert centre.value(POWER_W) == 512.25
    assert centre.night().changed_nothing

    anew = _with_capture(write_tiny(tmp_path / "anew"))
    anew.night()
    assert _contents(anew) == _contents(centre)


def test_a_changed_page_or_verb_makes_nothing_again(built_workspace, mend):
    mend("flows/reports/pages.py")
    assert built_workspace.night().changed_nothing

    mend("flows/commands/run.py")
    assert built_workspace.night().changed_nothing


def test_changed_scoring_builds_quarters_and_reads_nothing(built_workspace, mend):
    mend("transforms/scoring/judge.py")
    with reading(built_workspace.workspace) as lake:
        settings = settings_now(lake, built_workspace.workspace)
        why = {quarter.why for quarter in changed_quarters(lake, settings, scopes(lake), NOW)}
    assert "the code of scoring changed" in why

    outcome = built_workspace.night()

    assert (outcome.landings, outcome.stagings) == ([], [])
    assert outcome.built == ["tiny 2023Q1", "tiny 2023Q2"]


def test_a_publication_rests_on_every_module_that_can_change_a_number(mend):
    before = code_hash()

    mend("flows/reports/pages.py")
    assert code_hash() == before

    mend("flows/sources/nvidia_smi.py")
    assert code_hash() != before
