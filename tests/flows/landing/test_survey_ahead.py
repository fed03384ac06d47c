"""A survey that was begun ahead counts only for the file it was begun for, as that is now."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from suanheng.config.sources import SourceFile, source_files
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.landing import in_place
from suanheng.flows.landing.pending import sources_of, waiting
from suanheng.flows.landing.survey_ahead import first_new_file, prefetched_survey, surveying
from suanheng.flows.night import load_facts, night
from suanheng.flows.orchestration.steps import Steps
from suanheng.transforms.building.tables import make_tables
from suanheng.warehouse.lake import Lake, reading, writing

NOW = datetime.fromisoformat("2024-05-01T00:00:00+00:00")
MIDNIGHT = datetime(2024, 1, 10)
HOUR_ROWS = 240
"""Samples of one device in an hour, one every 15 s."""

SITE = '[[site]]\nsite_id = "{}"\nname_en = "Site"\ntime_zone = "{}"\n'
SOURCE = """
[[source]]
format = "template"
dataset = "accelerator_samples"
files = "landing/{site}/*.parquet"
evidence = "measured"
"""


def samples(power_w: float, hours: int = 3) -> pl.DataFrame:
    """One device that draws the same power all the time."""
    rows = range(hours * HOUR_ROWS)
    return pl.DataFrame(
        {
            "device_id": ["gpu-0"] * len(rows),
            "sampled_at_utc": [MIDNIGHT + timedelta(seconds=15 * row) for row in rows],
            "utilisation_ratio": [0.5] * len(rows),
            "power_w": [power_w] * len(rows),
        },
        schema_overrides={"sampled_at_utc": pl.Datetime("us"), "power_w": pl.Float64},
    )


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two sites, one of whose hours begin at half past of the other's; files of 100 rows count as large."""
    monkeypatch.setattr(in_place, "LARGE_ROWS", 100)
    (tmp_path / "suanheng.toml").touch()
    (tmp_path / "sites.toml").write_text(SITE.format("one", "Asia/Shanghai") + SITE.format("half", "Asia/Kolkata"))
    (tmp_path / "sources.toml").write_text(SOURCE)
    return open_workspace(tmp_path)


@pytest.fixture
def lake(workspace: Workspace) -> Iterator[Lake]:
    with writing(workspace) as lake:
        make_tables(lake)
        load_facts(lake, workspace)
        yield lake


@pytest.fixture
def put(workspace: Workspace):
    """Lays a file into the landing zone."""

    def lay(rows: pl.DataFrame, name: str = "day", site_id: str = "one") -> SourceFile:
        path = workspace.root / "landing" / site_id / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        rows.write_parquet(fresh, row_group_size=200)
        fresh.replace(path)
        return next(file for file in source_files(workspace.root, sources_of(workspace)) if file.path == path)

    return lay


@pytest.fixture
def surveyed_when_asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that were surveyed no sooner than they were asked for."""
    asked: list[Path] = []
    survey_whole = in_place.survey_whole

    def survey(lake: Lake, path: Path, site_id: str):
        asked.append(path)
        return survey_whole(lake, path, site_id)

    monkeypatch.setattr(in_place, "survey_whole", survey)
    return asked


def test_what_was_begun_ahead_is_what_a_survey_finds(lake, put, surveyed_when_asked) -> None:
    file = put(samples(400))
    with prefetched_survey(lake, file) as prefetched:
        found = prefetched.survey(lake, file.path, "one")
    assert surveyed_when_asked == []
    asked = in_place.survey_whole(lake, file.path, "one")
    assert found.rows == asked.rows == 3 * HOUR_ROWS
    for part in ("suspected", "duplicates", "hours", "boundary"):
        assert getattr(found, part).equals(getattr(asked, part))


def test_a_file_that_was_replaced_meanwhile_is_surveyed_as_it_lies_now(lake, put, surveyed_when_asked) -> None:
    file = put(samples(400))
    with prefetched_survey(lake, file) as prefetched:
        put(samples(100))
        found = prefetched.survey(lake, file.path, "one")
    assert surveyed_when_asked == [file.path]
    assert set(found.boundary["power_w"]) == {100.0}


def test_another_file_is_surveyed_when_it_is_asked_for(lake, put, surveyed_when_asked) -> None:
    first, other = put(samples(400)), put(samples(100), "other")
    with prefetched_survey(lake, first) as prefetched:
        assert set(prefetched.survey(lake, other.path, "one").boundary["power_w"]) == {100.0}
        assert set(prefetched.survey(lake, first.path, "one").boundary["power_w"]) == {400.0}
    assert surveyed_when_asked == [other.path]


def test_hours_of_another_site_begin_elsewhere(lake, put, surveyed_when_asked) -> None:
    file = put(samples(400))
    with prefetched_survey(lake, file) as prefetched:
        hours = prefetched.survey(lake, file.path, "half").hours["hour_start_utc"]
    assert surveyed_when_asked == [file.path]
    assert set(hours.dt.minute()) == {30}


def test_a_file_nobody_asks_for_is_given_up(lake, put, surveyed_when_asked) -> None:
    with prefetched_survey(lake, put(samples(400))):
        pass
    assert surveyed_when_asked == []


def test_two_sites_of_one_file_each_get_their_own_hours(lake, put, surveyed_when_asked) -> None:
    file = put(samples(400))
    with prefetched_survey(lake, file) as prefetched:
        assert set(prefetched.survey(lake, file.path, "half").hours["hour_start_utc"].dt.minute()) == {30}
        assert set(prefetched.survey(lake, file.path, "one").hours["hour_start_utc"].dt.minute()) == {0}
    assert surveyed_when_asked == [file.path]


def test_what_nobody_will_ask_for_is_given_up(lake, workspace, put, surveyed_when_asked) -> None:
    file = put(samples(400))
    put(samples(100), "other")
    (group,) = waiting(lake, workspace)
    for awaited, asked_twice in ((group[:1], []), (group[1:], [file.path])):
        surveyed_when_asked.clear()
        with prefetched_survey(lake, file) as prefetched, surveying(lake, workspace, [awaited], prefetched) as surveyor:
            assert surveyor(lake, file.path, "one").rows == 3 * HOUR_ROWS
        assert surveyed_when_asked == asked_twice


def test_a_file_that_went_before_its_survey_was_begun_is_told_when_it_is_asked_for(lake, put) -> None:
    file = put(samples(400))
    file.path.unlink()
    with prefetched_survey(lake, file) as prefetched, pytest.raises(FileNotFoundError):
        prefetched.survey(lake, file.path, "one")


def test_the_first_large_file_at_a_path_nobody_knows(lake, workspace, put) -> None:
    small, large = put(samples(400)[:50], "a-small"), put(samples(400), "b-large")
    assert first_new_file(lake, workspace, [small, large]) == large
    lake.execute(
        "INSERT INTO ops.files BY NAME SELECT 'landing/one/b-large.parquet' AS path, 'one' AS site_id, 'x' AS file_id"
    )
    assert first_new_file(lake, workspace, [small, large]) is None
    of_half = put(samples(400), "c", "half")
    other = put(samples(100), "c")
    assert first_new_file(lake, workspace, [other, of_half]) == of_half


def test_a_broken_file_is_refused_and_the_next_one_taken_in(workspace, put) -> None:
    broken = put(samples(400), "a-broken").path
    content = bytearray(broken.read_bytes())
    content[100:2000] = bytes(1900)
    broken.write_bytes(content)
    put(samples(100), "b-whole")
    outcome = night(workspace, Steps(), NOW, write_reports=False)
    refused, taken = sorted(outcome.landings, key=lambda landing: landing.path)
    assert refused.problem is not None and "a-broken" in refused.path
    assert (taken.problem, taken.rows_accepted) == (None, 3 * HOUR_ROWS)
    with reading(workspace) as lake:
        adopted = lake.frame("SELECT status, is_adopted FROM ops.files ORDER BY path").rows()
    assert adopted == [("refused", False), ("loaded", True)]


def test_a_copy_of_a_known_file_is_taken_for_the_same(workspace, put) -> None:
    put(samples(400))
    night(workspace, Steps(), NOW, write_reports=False)
    put(samples(400), "copy")
    outcome = night(workspace, Steps(), NOW, write_reports=False)
    assert [landing.rows_accepted for landing in outcome.landings] == []
    with reading(workspace) as lake:
        assert lake.value("SELECT count(*) FROM staged.accelerator_samples") == 3 * HOUR_ROWS
