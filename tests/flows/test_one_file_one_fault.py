"""Whatever a file makes a library do costs that file and nothing else; times beyond the calendar reach no cast."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from suanheng.config.errors import is_fault_of_work
from suanheng.config.workspace import open_workspace
from suanheng.flows import night
from suanheng.flows.orchestration.steps import Steps
from suanheng.flows.sources import template
from suanheng.schemas.checking.records import Chunk, check
from suanheng.schemas.columns import day, instant, name
from suanheng.schemas.contract import Contract
from suanheng.warehouse.lake import reading

NOW = datetime(2024, 6, 1, tzinfo=UTC)
SITES = "".join(f'[[site]]\nsite_id = "{name}"\nname_en = "{name}"\ntime_zone = "UTC"\n' for name in ("east", "west"))
SOURCE = '[[source]]\nformat = "template"\ndataset = "accelerator_samples"\nfiles = "landing/{site}/samples/*"\n'
GOOD = "device_id,sampled_at_utc,power_w\ng0,2024-04-10T10:00:00Z,300\ng0,2024-04-10T10:01:00Z,300\n"

TIMES = Contract("times", "one time", columns={"id": name("Id."), "at": instant("Time."), "on": day("Day.")})


@pytest.fixture
def landed(tmp_path: Path):
    """``landed()`` ingests what ``put`` put below ``landing``; gives status by path, and rules of the quarantine."""
    (tmp_path / "suanheng.toml").write_text("", encoding="utf-8")
    (tmp_path / "sites.toml").write_text(SITES, encoding="utf-8")
    (tmp_path / "sources.toml").write_text(SOURCE, encoding="utf-8")
    for site in ("east", "west"):
        (tmp_path / f"landing/{site}/samples").mkdir(parents=True)
    (tmp_path / "landing/west/samples/good.csv").write_text(GOOD, encoding="utf-8")

    def run():
        workspace = open_workspace(tmp_path)
        night.ingest(workspace, Steps(), NOW)
        with reading(workspace) as lake:
            files = lake.frame("SELECT path, status, problem, rows_accepted FROM ops.files ORDER BY path").rows()
            rules = lake.frame("SELECT rule, column_name, value FROM quarantine.records").rows()
        return {Path(path).name: (status, problem, rows) for path, status, problem, rows in files}, rules

    run.folder = tmp_path / "landing/east/samples"
    return run


def test_infinity_of_duckdb_is_one_quarantined_record_and_the_rest_counts(landed):
    duckdb.sql(
        "SELECT 'g' || i AS device_id, CASE i WHEN 0 THEN 'infinity' ELSE '2024-04-10 10:00:00' END::TIMESTAMP "
        "AS sampled_at_utc, 300.0 AS power_w FROM range(2) AS t (i)"
    ).write_parquet(str(landed.folder / "infinity.parquet"))
    files, rules = landed()
    # Two rows each: one of the first is of no time, both of the other site's file count.
    assert {path: (status, rows) for path, (status, _, rows) in files.items()} == {
        "infinity.parquet": ("loaded", 1),
        "good.csv": ("loaded", 2),
    }
    # DuckDB stores infinity as the largest 64-bit count of microseconds, 2^63 - 1.
    assert rules == [("type", "sampled_at_utc", "9223372036854775807 us since 1970")]


class PanicException(BaseException):
    """As a library in Rust raises it: no ``Exception``."""


@pytest.mark.parametrize("error", [PanicException("out of range"), MemoryError(), RecursionError("too deep")])
def test_a_panic_refuses_its_file_by_name_and_no_other(landed, monkeypatch, error):
    (landed.folder / "bad.csv").write_text(GOOD.replace("g0", "bad"), encoding="utf-8")
    whole = template.read

    def read(path, options):
        if path.name == "bad.csv":
            raise error
        return whole(path, options)

    monkeypatch.setattr(template, "read", read)
    files, _ = landed()
    assert files["bad.csv"][0] == "refused"
    assert files["bad.csv"][1].startswith(f"{type(error).__name__} while reading it as template")
    assert files["good.csv"] == ("loaded", None, 2)


def test_who_wants_the_process_to_end_is_heard():
    assert not is_fault_of_work(KeyboardInterrupt())
    assert not is_fault_of_work(SystemExit())


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("count", [2**63 - 1, -(2**63), 2**62])
def test_no_count_of_time_reaches_a_cast_that_it_breaks(unit, count):
    # 2^62 ns are 146 years after 1970, which is a time that may be meant; in every other unit none of these is.
    at = pl.Series("at", [count, 0]).cast(pl.Datetime(unit))
    checked = check(Chunk(pl.DataFrame({"row_number": [1, 2], "id": ["a", "b"]}).with_columns(at)), TIMES, "UTC")
    is_possible = unit == "ns" and count == 2**62
    assert checked.accepted["row_number"].to_list() == ([1, 2] if is_possible else [2])
    assert checked.rejected["value"].to_list() == ([] if is_possible else [f"{count} {unit} since 1970"])


@pytest.mark.parametrize(
    ("at", "is_possible"),
    [
        (datetime(1899, 12, 31, 23, 59, 59), False),
        (datetime(1900, 1, 1), True),
        (datetime(2200, 12, 31, 23), True),
        (datetime(2201, 1, 1), False),
    ],
)
def test_instants_are_of_1900_to_2200_as_values_and_as_texts(at, is_possible):
    for cell in (at, at.isoformat()):
        checked = check(Chunk(pl.DataFrame({"row_number": [1], "at": [cell]})), TIMES, "UTC")
        assert checked.accepted.height == int(is_possible)


def test_a_day_that_never_comes_may_be_written_and_days_beyond_the_calendar_are_named():
    on = pl.Series("on", [(date(9999, 12, 31) - date(1970, 1, 1)).days, 2**31 - 1], pl.Int32).cast(pl.Date)
    checked = check(Chunk(pl.DataFrame({"row_number": [1, 2]}).with_columns(on)), TIMES, "UTC")
    assert checked.accepted["on"].to_list() == [date(9999, 12, 31)]
    assert checked.rejected["value"].to_list() == ["2147483647 days since 1970"]


@pytest.mark.parametrize("is_put_back", [True, False])
def test_a_file_that_changes_between_hash_and_read_is_refused_until_it_rests(landed, monkeypatch, is_put_back):
    path = landed.folder / "growing.csv"
    path.write_text(GOOD, encoding="utf-8")
    other, whole = GOOD.replace("300", "999"), template.read

    def read(place, options):
        if place.name != "growing.csv":
            return whole(place, options)
        place.write_text(other, encoding="utf-8")
        rows = list(whole(place, options))
        place.write_text(GOOD if is_put_back else other, encoding="utf-8")
        return iter(rows)

    monkeypatch.setattr(template, "read", read)
    files, _ = landed()
    assert files["growing.csv"][0] == "refused"
    assert "changed between being hashed and being read" in files["growing.csv"][1]
    assert files["good.csv"] == ("loaded", None, 2)
    monkeypatch.setattr(template, "read", whole)
    files, _ = landed()
    assert files["growing.csv"] == ("loaded", None, 2)
