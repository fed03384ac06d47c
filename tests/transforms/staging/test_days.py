"""Large datasets are staged day by day: a night touches days of its files, and the end is that of all at once."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows import night
from suanheng.flows.landing import in_place
from suanheng.flows.night import load_facts
from suanheng.flows.orchestration.steps import Steps
from suanheng.schemas.formats import formats
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.staging import feeding, partitions, stage
from suanheng.warehouse.lake import Lake, writing
from tests.conftest import stagings
from tests.flows.landing.test_in_place import Site, samples

TESTS = Path(__file__).parents[2]
FIRST = datetime(2024, 1, 1)
DAY = timedelta(days=1)
SITES = 60

_numbers = count()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Workspace]]:
    root = tmp_path_factory.mktemp("days")
    (root / "suanheng.toml").touch()
    (root / "sites.toml").write_text(
        "".join(
            f'[[site]]\nsite_id = "days-{number}"\nname_en = "Days {number}"\nname_zh = "日{number}"\n'
            'time_zone = "Asia/Shanghai"\nregion_code = "CN-HE"\ncountry = "CN"\n'
            for number in range(SITES)
        ),
        encoding="utf-8",
    )
    (root / "sources.toml").write_text(
        '[[source]]\nformat = "template"\ndataset = "accelerator_samples"\nfiles = "landing/{site}/*.parquet"\n'
        'cadence = "once"\nevidence = "measured"\n',
        encoding="utf-8",
    )
    workspace = open_workspace(root)
    with writing(workspace) as lake:
        make_tables(lake)
        load_facts(lake, workspace)
        yield lake, workspace


@pytest.fixture
def site(warehouse: tuple[Lake, Workspace], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site of its own, whose files are all copied."""
    monkeypatch.setattr(in_place, "LARGE_ROWS", 10**9)
    return Site(*warehouse, f"days-{next(_numbers)}", in_place=False)


@pytest.fixture
def fed_days(monkeypatch: pytest.MonkeyPatch) -> list[date | None]:
    """Days that are fed from now on."""
    days: list[date | None] = []

    def noted(lake: Lake, batch: list[partitions.Partition]) -> pl.DataFrame:
        days.extend(partition.day for partition in batch)
        return feeding.fed(lake, batch)

    monkeypatch.setattr(stage, "fed", noted)
    return days


def of_day(number: int, **more: object) -> pl.DataFrame:
    """96 samples of two devices, a quarter of an hour apart: a day of UTC."""
    return samples(devices=2, count=96, begin=FIRST + number * DAY, **more).with_columns(
        pl.Series("sampled_at_utc", [FIRST + number * DAY + place * timedelta(minutes=15) for place in range(96)] * 2)
    )


def test_a_late_file_touches_the_day_it_is_of_and_no_other(site: Site, fed_days: list[date | None]) -> None:
    for number in (0, 1, 3):
        site.put(f"day-{number}", of_day(number))
    site.night()
    assert fed_days == [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 4)]
    fed_days.clear()

    site.put("late", of_day(1, seed=2))
    site.night()

    assert fed_days == [date(2024, 1, 2)]
    # "late" sorts after "day-1", so its 192 samples count instead of those.
    counts = stagings(site.lake).filter(pl.col("site_id") == site.site_id).row(0, named=True)
    assert (counts["rows_fed"], counts["rows_staged"], counts["rows_superseded"]) == (768, 576, 192)
    assert site.hours().equals(site.hours_by_windows())


def test_a_file_that_goes_takes_its_days_with_it(site: Site, fed_days: list[date | None]) -> None:
    site.put("kept", of_day(0))
    site.put("gone", pl.concat([of_day(1), of_day(2)]))
    site.night()
    fed_days.clear()

    site.put("gone", of_day(2))
    site.night()

    assert fed_days == [date(2024, 1, 2), date(2024, 1, 3)]
    days = "SELECT DISTINCT sampled_at_utc::DATE AS day FROM staged.accelerator_samples WHERE site_id = ? ORDER BY day"
    assert site.lake.frame(days, [site.site_id])["day"].to_list() == [date(2024, 1, 1), date(2024, 1, 3)]
    ledger = "SELECT day FROM ops.stagings WHERE site_id = ? ORDER BY day"
    assert site.lake.frame(ledger, [site.site_id])["day"].to_list() == [date(2024, 1, 1), date(2024, 1, 3)]
    assert site.hours().equals(site.hours_by_windows())


def test_a_night_without_news_feeds_nothing(site: Site, fed_days: list[date | None]) -> None:
    site.put("a", of_day(0))
    site.night()
    fed_days.clear()
    site.night()
    assert fed_days == []


def test_days_are_staged_together_as_far_as_memory_allows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "ROWS_AT_ONCE", 400)  # two days of 192 rows, not three
    batches = []
    monkeypatch.setattr(stage, "fed", lambda lake, batch: batches.append(len(batch)) or feeding.fed(lake, batch))
    for number in range(5):
        site.put(f"day-{number}", of_day(number))
    site.night()

    assert batches == [2, 2, 1]
    assert site.staged().height == 5 * 192
    assert site.hours().equals(site.hours_by_windows())


def test_a_day_that_is_fed_in_spans_comes_to_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "ROWS_OF_A_SPAN", 50)
    site.put("b", of_day(0))
    site.put("a", of_day(0, seed=4).head(100))
    site.night()
    # "b" sorts last: all its samples count, and of "a" none.
    assert site.staged().height == 192
    assert site.hours().equals(site.hours_by_windows())


def test_of_a_long_file_only_the_days_that_are_staged_are_fed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "ROWS_AT_ONCE", 400)  # two days of 192 rows
    shown: list[tuple[int, ...]] = []

    def noted(lake: Lake, *asked: object) -> None:
        _show(lake, *asked)
        rows = (
            "SELECT day(sampled_at_utc) AS day FROM feeding.raw.template_accelerator_samples GROUP BY ALL ORDER BY ALL"
        )
        shown.append(tuple(lake.frame(rows)["day"]))

    _show = feeding._show
    monkeypatch.setattr(feeding, "_show", noted)
    site.put("long", pl.concat([of_day(number) for number in range(7)]))
    site.night()

    # Two days at a time, and the days beside them.
    assert shown == [(1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7), (6, 7)]
    assert site.staged().height == 7 * 192
    assert site.hours().equals(site.hours_by_windows())


def test_a_feed_that_dates_rows_on_a_day_the_reader_did_not_see_stops_the_staging(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "SELECT * FROM raw.template_accelerator_samples"
    a_day_later = "SELECT * REPLACE (sampled_at_utc + INTERVAL 1 DAY AS sampled_at_utc)" + own.removeprefix("SELECT *")
    query = feeding._query
    monkeypatch.setattr(feeding, "_query", lambda *asked: query(*asked).replace(own, a_day_later))
    site.put("a", of_day(0))
    with pytest.raises(RuntimeError, match=r"a\.parquet: feeds of accelerator_samples date rows on days"):
        site.night()
    assert site.staged().is_empty()


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_files_in_place_and_copied_ones_come_to_what_their_samples_are(
    site: Site, warehouse: tuple[Lake, Workspace], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files large and small that come, overlap, repeat instants, are replaced and go, against windows over samples.

    In the end a second site gets the files that are left all at once.
    """
    chance = np.random.default_rng(seed)
    left: dict[str, pl.DataFrame] = {}
    for step in range(7):
        name = f"{chance.integers(5)}"
        if name in left and len(left) > 1 and chance.random() < 0.3:
            site.put(name, _somewhere(chance).head(1))
            left[name] = pl.read_parquet(site.workspace.root / "landing" / site.site_id / f"{name}.parquet")
        else:
            left[name] = _somewhere(chance)
            site.put(name, left[name])
        monkeypatch.setattr(in_place, "LARGE_ROWS", 100 if chance.random() < 0.5 else 10**9)
        if chance.random() < 0.6 or step == 6:
            site.night()
            assert site.hours().equals(site.hours_by_windows())
            counts = stagings(site.lake).filter(pl.col("site_id") == site.site_id).row(0, named=True)
            assert counts["rows_staged"] == site.staged().height
            parts = ("rows_dropped", "rows_staged", "rows_superseded", "rows_quarantined")
            assert counts["rows_fed"] == sum(counts[part] for part in parts)

    at_once = Site(*warehouse, f"days-{next(_numbers)}", in_place=False)
    monkeypatch.setattr(in_place, "LARGE_ROWS", 10**9)
    for name, rows in left.items():
        at_once.put(name, rows)
    at_once.night()
    assert at_once.staged().equals(site.staged())
    assert at_once.hours().equals(site.hours())


def _somewhere(chance: np.random.Generator) -> pl.DataFrame:
    """Samples of some devices, a minute to an hour apart, from some moment of three days on."""
    begin = FIRST + timedelta(minutes=15 * int(chance.integers(3 * 96)))
    rows = samples(devices=int(chance.integers(1, 4)), count=60, begin=begin, seed=int(chance.integers(1000)))
    step = timedelta(minutes=int(chance.choice([1, 15, 60])))
    times = [begin + place * step for place in range(60)] * (rows.height // 60)
    return rows.with_columns(pl.Series("sampled_at_utc", times))


def test_every_format_knows_the_days_its_feeds_date_rows_on(tmp_path: Path) -> None:
    """A row on another day than the ledger says of its file would be looked for where it is not."""
    by_day = {name for name, dataset in DATASETS.items() if dataset.is_staged_by_day}
    concerned = [form for form in formats().values() if by_day & set(form.feeds)]
    (tmp_path / "suanheng.toml").touch()
    for place, form in enumerate(concerned):
        folder = tmp_path / "landing" / f"site-{place}"
        folder.mkdir(parents=True)
        sample = TESTS / form.sample
        shutil.copyfile(sample, folder / sample.name)
        said = dict(form.sample_source)
        for option in form.side_files:
            beside = said["options"][option]
            shutil.copyfile(sample.with_name(beside), folder / beside)
        options = ", ".join(f"{key} = {json.dumps(value)}" for key, value in said.pop("options", {}).items())
        stated = "".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items())
        with (tmp_path / "sources.toml").open("a", encoding="utf-8") as file:
            file.write(
                f'[[source]]\nformat = "{form.name}"\nfiles = "landing/{{site}}/{sample.name}"\ncadence = "once"\n'
                f'evidence = "measured"\nsite = "site-{place}"\n{stated}options = {{ {options} }}\n'
            )
        with (tmp_path / "sites.toml").open("a", encoding="utf-8") as file:
            file.write(
                f'[[site]]\nsite_id = "site-{place}"\nname_en = "Site {place}"\nname_zh = "站{place}"\n'
                'time_zone = "Asia/Shanghai"\nregion_code = "CN-HE"\ncountry = "CN"\n'
            )
    outcome = night.ingest(open_workspace(tmp_path), Steps(), datetime.now(UTC))

    assert outcome.failures == {}
    assert len(concerned) >= 12
    assert [(landing.format, landing.problem) for landing in outcome.landings if landing.problem] == []
