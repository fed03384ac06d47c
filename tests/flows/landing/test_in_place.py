"""Telemetry that is ingested in place comes to the same as telemetry that is copied row by row.

Both are done in one warehouse, for two sites that get the same files: of one of them every Parquet file counts as
large. What they come to is compared with each other, and with windows over the sorted samples, which is another method.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.landing import in_place
from suanheng.flows.landing.land import Landing, land
from suanheng.flows.landing.pending import waiting
from suanheng.flows.night import load_facts
from suanheng.schemas.formats import template
from suanheng.transforms.building.scratch import EMPTY_SCOPE, ScratchDatabase
from suanheng.transforms.building.tables import make_tables
from suanheng.transforms.staging import stage
from suanheng.transforms.telemetry import survey
from suanheng.transforms.telemetry.hourly_sums import SUMS
from suanheng.transforms.telemetry.quarter_sums import make_series_hours
from suanheng.warehouse.lake import Lake, writing

CONTRACT = template("accelerator_samples").contract
MIDNIGHT = datetime(2024, 1, 1)
PAIRS = 40
"""Sites are used once: two for each comparison."""

WINDOWS = Path(__file__).with_name("series_hours_by_windows.sql").read_text(encoding="utf-8")
NAMED = ("device_id", "instance_id", "hour_start_utc", "node_id", "sku")


@dataclass
class Site:
    """A site of the warehouse, and its landing zone."""

    lake: Lake
    workspace: Workspace
    site_id: str
    in_place: bool

    def put(self, name: str, rows: pl.DataFrame, row_group_size: int = 50) -> None:
        """Was stored a Parquet file into the landing zone, in place of one of that name."""
        path = self.workspace.root / "landing" / self.site_id / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        rows.write_parquet(fresh, row_group_size=row_group_size)
        fresh.replace(path)

    def remove(self, name: str) -> None:
        """Take a file out of the landing zone."""
        (self.workspace.root / "landing" / self.site_id / f"{name}.parquet").unlink()

    def night(self) -> list[Landing]:
        """Ingest and stage what is new of the site."""
        landings = []
        for files in waiting(self.lake, self.workspace):
            if files[0].bound.site_id == self.site_id:
                landings += land(self.lake, files)
        for pair in stage.stale_datasets(self.lake):
            if pair[0] == self.site_id:
                stage.stage_dataset(self.lake, *pair)
        return landings

    def staged(self) -> pl.DataFrame:
        """Samples that count, without where they were read."""
        columns = ", ".join(CONTRACT.columns)
        query = f"SELECT file_id, {columns} FROM staged.accelerator_samples WHERE site_id = ? ORDER BY ALL"
        return self.lake.frame(query, [self.site_id])

    def hours(self) -> pl.DataFrame:
        """Sums per series and hour of the quarter."""
        scratch = ScratchDatabase(self.lake)
        scratch.lay_out(self.site_id)
        self.lake.set_variables(self._quarter())
        self.lake.execute(f"USE {scratch.name}")
        make_series_hours(self.lake)
        sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in SUMS)
        hours = self.lake.frame(
            "SELECT device_id, instance_id, hour_start_utc, max(node_id) AS node_id, max(sku) AS sku, "
            f"{sums} FROM rollups.series_hour GROUP BY ALL ORDER BY ALL"
        )
        self.lake.execute("USE lake")
        return hours

    def hours_by_windows(self) -> pl.DataFrame:
        """The same by windows over the samples, sorted."""
        self.lake.set_variables(self._quarter())
        return self.lake.frame(f"FROM ({WINDOWS}) ORDER BY ALL").select(*NAMED, *SUMS)

    def quarantined(self) -> pl.DataFrame:
        """Records in quarantine."""
        query = (
            "SELECT stage, file_id, table_name, row_number, rule, column_name, value, message "
            "FROM quarantine.records WHERE site_id = ? ORDER BY ALL"
        )
        return self.lake.frame(query, [self.site_id])

    def counts(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What the ledger says of files and of the dataset."""
        files = "SELECT path, rows_read, rows_accepted, rows_quarantined, first_at, last_at, status FROM ops.files"
        counts = ("rows_fed", "rows_dropped", "rows_staged", "rows_superseded", "rows_quarantined")
        rows = f"SELECT {', '.join(f'sum({name})::BIGINT AS {name}' for name in counts)} FROM ops.stagings"
        found = self.lake.frame(f"{files} WHERE site_id = ? ORDER BY ALL", [self.site_id])
        return (
            found.with_columns(pl.col("path").str.split("/").list.last()),
            self.lake.frame(f"{rows} WHERE site_id = ?", [self.site_id]),
        )

    def _quarter(self) -> dict[str, object]:
        end = MIDNIGHT + timedelta(days=91)
        return {**EMPTY_SCOPE, "site_id": self.site_id, "start_utc": MIDNIGHT, "end_utc": end}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Workspace]]:
    root = tmp_path_factory.mktemp("in-place")
    (root / "suanheng.toml").touch()
    (root / "sites.toml").write_text(
        "".join(
            f'[[site]]\nsite_id = "{kind}-{number}"\nname_en = "Site"\ntime_zone = "Asia/Shanghai"\n'
            for kind in ("copied", "placed")
            for number in range(PAIRS)
        )
    )
    (root / "sources.toml").write_text(
        '[[source]]\nformat = "template"\ndataset = "accelerator_samples"\nfiles = "landing/{site}/*.parquet"\n'
        'evidence = "measured"\n'
    )
    workspace = open_workspace(root)
    with writing(workspace) as lake:
        make_tables(lake)
        load_facts(lake, workspace)
        yield lake, workspace


_numbers = count()


@pytest.fixture
def both(
    warehouse: tuple[Lake, Workspace], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[Site], object]], tuple[Site, Site]]]:
    """``both(do)`` does something with two sites: one whose files are copied, and one whose files stay in place."""
    number = next(_numbers)
    lake, workspace = warehouse
    sites = [Site(lake, workspace, f"{kind}-{number}", kind == "placed") for kind in ("copied", "placed")]

    def with_both(do: Callable[[Site], object]) -> tuple[Site, Site]:
        for site in sites:
            monkeypatch.setattr(in_place, "LARGE_ROWS", 0 if site.in_place else 10**9)
            do(site)
        return sites[0], sites[1]

    yield with_both


def assert_same(copied: Site, placed: Site) -> None:
    """Both sites hold the same, and the sums are those of the sorted samples."""
    adopted = placed.lake.frame("SELECT bool_and(is_adopted) FROM ops.files WHERE site_id = ?", [placed.site_id])
    assert adopted.item() is True
    assert copied.lake.value("SELECT bool_or(is_adopted) FROM ops.files WHERE site_id = ?", [copied.site_id]) is False
    assert placed.staged().equals(copied.staged())
    assert placed.quarantined().equals(copied.quarantined())
    for of_placed, of_copied in zip(placed.counts(), copied.counts(), strict=True):
        assert of_placed.equals(of_copied)
    assert placed.hours().equals(copied.hours())
    assert copied.hours().equals(copied.hours_by_windows())


def samples(
    devices: int = 3,
    count: int = 200,
    every_s: float = 15,
    begin: datetime = MIDNIGHT,
    seed: int = 1,
    **columns: object,
) -> pl.DataFrame:
    """Samples of some devices, sorted by device and time; the counter rises by power x time."""
    chance = np.random.default_rng(seed)
    power = chance.integers(100, 700, (devices, count)).astype(float)
    at = [begin + timedelta(seconds=every_s * number) for number in range(count)]
    return pl.DataFrame(
        {
            "node_id": [f"node-{device // 2}" for device in range(devices) for _ in range(count)],
            "device_id": [f"gpu-{device}" for device in range(devices) for _ in range(count)],
            "sku": ["H100 SXM 80GB"] * (devices * count),
            "sampled_at_utc": at * devices,
            "utilisation_ratio": chance.random(devices * count).round(3),
            "memory_used_bytes": chance.integers(0, 80, devices * count).astype(float),
            "memory_total_bytes": [80.0] * (devices * count),
            "power_w": power.ravel(),
            "energy_counter_j": (power.cumsum(axis=1) * every_s).ravel(),
            **columns,
        },
        schema_overrides={"sampled_at_utc": pl.Datetime("us")},
    )


def test_a_day_in_order(both):
    copied, placed = both(lambda site: (site.put("a", samples(count=600)), site.night()))
    assert_same(copied, placed)
    assert placed.hours()["samples"].sum() == 1800


def test_what_was_summed_was_not_looked_at_again(both, monkeypatch):
    # 3 devices x 200 samples in batches of 50: 12 runs, each with two ends and two neighbours.
    monkeypatch.setattr(survey, "BATCH_ROWS", 50)
    _, placed = both(lambda site: (site.put("a", samples()), site.night()))
    assert placed.lake.value("SELECT count(*) FROM rollups.boundary_samples WHERE site_id = ?", [placed.site_id]) == 48
    assert not placed.lake.value("SELECT count(*) FROM rollups.interleaved_series WHERE site_id = ?", [placed.site_id])


def test_all_devices_of_an_instant_together(both):
    rows = samples(devices=20).sort("sampled_at_utc", "device_id")
    copied, placed = both(lambda site: (site.put("a", rows), site.night()))
    assert_same(copied, placed)


def test_rows_in_no_order(both):
    rows = samples().sample(fraction=1, shuffle=True, seed=5)
    copied, placed = both(lambda site: (site.put("a", rows), site.night()))
    assert_same(copied, placed)


def test_row_groups_without_rows(both, monkeypatch):
    monkeypatch.setattr(survey, "SLICE_ROWS", 50)
    rows = samples()

    def lay(site: Site) -> None:
        site.put("a", rows)
        path = next((site.workspace.root / "landing" / site.site_id).glob("*.parquet"))
        whole = pq.read_table(path)
        with pq.ParquetWriter(path, whole.schema) as writer:
            for part in (whole[:0], whole[:300], whole[:0], whole[300:], whole[:0]):
                writer.write_table(part)
        assert pq.read_metadata(path).num_row_groups == 5
        site.night()

    copied, placed = both(lay)
    assert_same(copied, placed)
    assert placed.hours()["samples"].sum() == rows.height


def test_bad_rows_go_to_quarantine_one_by_one(both):
    # Rows 11, 21 … are of the first device; each breaks one rule.
    rows = samples().with_row_index("number", offset=1)

    def broken(name: str, number: int, value: object) -> pl.Expr:
        return pl.when(number=number).then(pl.lit(value)).otherwise(name).alias(name)

    wrong = [
        ("utilisation_ratio", 11, 1.5),
        ("power_w", 21, -1.0),
        ("power_w", 31, 20_001.0),
        ("device_id", 41, None),
        ("energy_counter_j", 51, float("inf")),
        ("sampled_at_utc", 61, None),
        ("memory_used_bytes", 71, 81.0),
        ("node_id", 81, "=cmd()"),
        ("device_id", 91, "bad\x07id"),
    ]
    for name, number, value in wrong:
        rows = rows.with_columns(broken(name, number, value))
    copied, placed = both(lambda site: (site.put("a", rows.drop("number")), site.night()))
    assert_same(copied, placed)
    assert placed.quarantined()["row_number"].to_list() == [number for _, number, _ in wrong]


def test_values_that_the_gate_reads_otherwise(both):
    # Not a number and DCGM's blank are unknown, blanks around a name are nothing: so they are staged.
    rows = samples().with_row_index("number", offset=1)
    rows = rows.with_columns(
        power_w=pl.when(number=12).then(float("nan")).otherwise("power_w"),
        energy_counter_j=pl.when(number=30).then(2.0**63).otherwise("energy_counter_j"),
        node_id=pl.when(number=44).then(pl.lit(" node-0 ")).otherwise("node_id"),
    )
    copied, placed = both(lambda site: (site.put("a", rows.drop("number")), site.night()))
    assert_same(copied, placed)
    assert placed.staged()["power_w"].null_count() == 1
    assert placed.staged()["energy_counter_j"].null_count() == 1


def test_the_same_key_twice_in_a_file(both):
    # Beside the first, at the end of a row group (rows 50 and 51), and at the end of the file.
    rows = samples()
    again = pl.concat([rows[:10], rows[9:50], rows[49:], rows[100:103]])
    copied, placed = both(lambda site: (site.put("a", again), site.night()))
    assert_same(copied, placed)
    assert placed.quarantined()["rule"].to_list() == ["duplicate_key"] * 5


def test_a_device_goes_on_in_the_next_file(both):
    days = [samples(begin=MIDNIGHT + timedelta(seconds=3000 * day), seed=day) for day in range(3)]

    def nights(site: Site) -> None:
        for day in (2, 0, 1):
            site.put(f"day-{day}", days[day])
            site.night()

    assert_same(*both(nights))


def test_files_that_overlap(both):
    # The second file states a part of the first anew, and is between its samples; in the end it goes.
    first, second = samples(), samples(devices=2, count=80, begin=MIDNIGHT + timedelta(seconds=1500), seed=9)
    between = second.with_columns(pl.col("sampled_at_utc") + timedelta(seconds=7))

    def lay(site: Site) -> None:
        site.put("a", first)
        site.put("b", pl.concat([second, between]).sort("device_id", "sampled_at_utc"))
        site.night()

    copied, placed = both(lay)
    assert_same(copied, placed)
    assert placed.counts()[1]["rows_superseded"].item() == 160
    assert placed.lake.value("SELECT count(*) FROM rollups.interleaved_series WHERE site_id = ?", [placed.site_id]) == 4

    def take_away(site: Site) -> None:
        site.put("b", samples(devices=1, begin=MIDNIGHT + timedelta(days=20)))
        site.night()

    copied, placed = both(take_away)
    assert_same(copied, placed)
    assert placed.counts()[1]["rows_superseded"].item() == 0
    assert not placed.lake.value("SELECT count(*) FROM rollups.interleaved_series WHERE site_id = ?", [placed.site_id])


def test_in_place_beside_copied(both, monkeypatch):
    # A small CSV-like file states instants between those of a large one: the large one is interleaved with copied rows.
    large, small = samples(), samples(devices=1, count=20, begin=MIDNIGHT + timedelta(seconds=502), seed=3)

    def lay(site: Site) -> None:
        site.put("a", large)
        site.night()
        monkeypatch.setattr(in_place, "LARGE_ROWS", 10**9)
        site.put("b", small)
        site.night()

    copied, placed = both(lay)
    assert placed.staged().equals(copied.staged())
    assert placed.hours().equals(copied.hours())
    assert copied.hours().equals(copied.hours_by_windows())


def test_a_file_that_is_replaced_and_comes_back(both):
    one, other = samples(), samples(seed=2)

    def nights(site: Site) -> None:
        for rows in (one, other, one):
            site.put("a", rows)
            site.night()

    copied, placed = both(nights)
    assert_same(copied, placed)
    assert placed.staged().height == 600


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def test_whatever_devices_do(both, seed, monkeypatch):
    # In half of the runs each row group is looked at for itself.
    monkeypatch.setattr(survey, "BATCH_ROWS", 1 if seed % 2 else survey.BATCH_ROWS)
    # Gaps, stated intervals, instances, several devices in a row, counters that fall, recover and run away, silence.
    chance = np.random.default_rng(seed)
    files = []
    for number in range(3):
        rows = samples(
            devices=4, count=150, begin=MIDNIGHT + timedelta(hours=float(chance.random() * 3)), seed=seed + number
        )
        height = rows.height
        jumps = pl.Series(chance.choice([0, 0, 0, 400, 3600, 90_000], height).cumsum() // 8)
        unknown = {name: pl.Series(chance.random(height) < 0.1) for name in ("power_w", "utilisation_ratio")}
        fallen = pl.Series(chance.random(height) < 0.02)
        rows = rows.with_columns(
            pl.col("sampled_at_utc") + pl.duration(seconds=jumps),
            *(pl.when(~lost).then(pl.col(name)).alias(name) for name, lost in unknown.items()),
            energy_counter_j=pl.when(fallen).then(5.0).otherwise("energy_counter_j"),
            interval_s=pl.Series(chance.choice([float("nan"), 0.0, 15.0, 4000.0], height)).fill_nan(None),
            device_count=pl.Series(chance.integers(1, 9, height)),
            instance_id=pl.Series(chance.choice(["", "GI-1", "GI-2"], height)),
            sku=pl.Series(chance.choice(["H100 SXM 80GB", "unheard of"], height)),
        )
        rows = rows.with_columns(
            power_w=pl.when(pl.Series(chance.random(height) < 0.05)).then(0.0).otherwise("power_w")
        )
        files.append(rows.sort("device_id", "instance_id", "sampled_at_utc") if number else rows)

    def lay(site: Site) -> None:
        for number in chance.permutation(3) if site.in_place else range(3):
            site.put(f"{number}", files[number])
            if chance.random() < 0.7:
                site.night()
        site.night()

    assert_same(*both(lay))


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"sampled_at_utc": pl.Datetime("ms")}, "milliseconds are another type in the warehouse"),
        ({"power_w": pl.Float32}, "so are single floats"),
        ({"device_id": pl.Categorical}, None),
    ],
)
def test_only_what_can_be_read_as_it_lies_stays_in_place(tmp_path, columns, why):
    path = tmp_path / "a.parquet"
    samples().cast(columns).write_parquet(path)
    assert survey.is_adoptable(path) is (why is None)


def test_another_spelling_is_read_row_by_row(tmp_path):
    path = tmp_path / "a.parquet"
    samples().rename({"power_w": "功率"}).write_parquet(path)
    assert not survey.is_adoptable(path)
    path.write_bytes(b"no Parquet")
    assert not survey.is_adoptable(path)
