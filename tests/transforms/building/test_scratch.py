"""The scratch database lays out warehouses that are older than today's contracts."""

from datetime import timedelta

import pytest

from suanheng.transforms.building import build, periods
from suanheng.transforms.building.build import compute
from suanheng.transforms.building.scratch import ScratchDatabase
from suanheng.transforms.building.staleness import stale_scopes
from suanheng.transforms.definitions.recipes import in_build_order
from suanheng.transforms.scoring.methodology import load
from suanheng.transforms.telemetry import quarter_sums
from suanheng.warehouse.lake import Lake, writing
from tests.conftest import NOW

CHOICES = load("hqc-2024").carbon


def test_a_warehouse_that_is_older_than_a_column_or_a_table_is_laid_out_all_the_same(built_workspace) -> None:
    with writing(built_workspace.workspace) as lake:
        with lake.transaction("know less"):
            lake.execute("ALTER TABLE staged.energy_certificates DROP COLUMN contract_id")
            lake.execute("ALTER TABLE staged.utility_bills DROP COLUMN tariff_period")
            lake.execute("DROP TABLE staged.product_footprints")
            lake.execute("DROP TABLE raw.grid_mix_hourly")
            lake.execute("DROP TABLE rollups.interleaved_series")
            lake.execute("ALTER TABLE ops.files DROP COLUMN is_adopted")
        ScratchDatabase(lake).lay_out("tiny")
        bills = "SELECT DISTINCT tariff_period FROM bench.staged.utility_bills"
        assert lake.frame("SELECT DISTINCT contract_id FROM bench.staged.energy_certificates").rows() == [(None,)]
        # What the contract says of an empty cell: a bill that names no part of the day is of the whole of it.
        assert lake.frame(bills).rows() == [("total",)]
        assert lake.value("SELECT count(*) FROM bench.staged.product_footprints") == 0
        assert lake.value("SELECT count(*) FROM bench.raw.grid_mix_hourly") == 0
        assert lake.value("SELECT count(*) FROM bench.rollups.interleaved_series") == 0
        assert lake.frame("SELECT DISTINCT is_adopted FROM bench.ops.files").rows() == [(False,)]


def test_a_site_is_laid_out_as_the_books_say_of_it_when_it_is(built_workspace) -> None:
    interleaved = "INSERT INTO rollups.interleaved_series VALUES (?, 'file', 'gpu-1', '')"
    there = "SELECT site_id FROM bench.rollups.interleaved_series"
    with writing(built_workspace.workspace) as lake:
        scratch = ScratchDatabase(lake)
        for site_id in ("tiny", "other"):
            lake.execute(interleaved, [site_id])
        scratch.lay_out("tiny")
        assert lake.frame(there).rows() == [("tiny",)]
        lake.execute(interleaved, ["tiny"])
        scratch.refresh()
        scratch.lay_out("tiny")
        assert lake.frame(there).rows() == [("tiny",)] * 2
        files = "SELECT count(*) FROM {0}ops.files WHERE site_id = 'tiny'"
        assert lake.value(files.format("bench.")) == lake.value(files.format("")) > 0
        scratch.lay_out("other")
        assert lake.frame(there).rows() == [("other",)]
        assert lake.value("SELECT count(*) FROM bench.ops.files") == 0


def test_a_quarter_that_is_summed_span_by_span_comes_to_the_same(built_workspace, monkeypatch) -> None:
    with writing(built_workspace.workspace) as lake:
        scratch, (scope, *_) = ScratchDatabase(lake), periods.scopes(lake)
        tables = [recipe.table for recipe in in_build_order("rollups")]

        def computed() -> dict[str, list[tuple]]:
            compute(lake, scratch, scope, NOW, CHOICES)
            return {table: lake.frame(f"FROM bench.{table} ORDER BY ALL").rows() for table in tables}

        def number_of_spans() -> int:
            lake.execute("USE bench")
            found = quarter_sums.spans(lake)
            lake.execute("USE lake")
            return len(found)

        at_once = computed()
        hours = lake.value("SELECT count(DISTINCT hour_start_utc) FROM bench.rollups.device_hour")
        assert (number_of_spans(), hours > 24) == (1, True)
        monkeypatch.setattr(quarter_sums, "SERIES_HOURS_AT_ONCE", 1)
        assert computed() == at_once
        assert number_of_spans() >= hours


def test_a_span_ends_with_the_last_hour_that_holds_samples(built_workspace) -> None:
    # Two samples a quarter apart: a span as long as many samples would need reaches beyond the calendar.
    with writing(built_workspace.workspace) as lake:
        scratch, (scope, *_) = ScratchDatabase(lake), periods.scopes(lake)
        compute(lake, scratch, scope, NOW, CHOICES)
        lake.execute("USE bench")
        start = lake.value("SELECT getvariable('start_utc')")
        lake.execute("DELETE FROM rollups.boundary_series_hour")
        for days in (0, 80):
            lake.execute(
                "INSERT INTO rollups.boundary_series_hour (hour_start_utc) VALUES (?)", [start + timedelta(days=days)]
            )
        ends = {"span_start_utc": start, "span_end_utc": start + timedelta(days=80, hours=1)}
        assert quarter_sums.spans(lake) == [ends]
        lake.execute("USE lake")


@pytest.mark.long
def test_rows_of_a_rollup_that_goes_and_comes_back_are_not_counted_twice(built_workspace, monkeypatch) -> None:
    rows = "SELECT count(*) FROM rollups.activity_month"
    with writing(built_workspace.workspace) as lake:
        scope, before = periods.scopes(lake)[0], lake.value(rows)
        assert "rollups.activity_month" in lake.value("SELECT filled FROM ops.builds ORDER BY quarter_start LIMIT 1")
        made = build._tables_of_months()
        with monkeypatch.context() as older:
            older.setattr(build, "_tables_of_months", lambda: [t for t in made if t != "rollups.activity_month"])
            _rebuild(lake, scope)
        assert lake.value(rows) == before
        _rebuild(lake, scope)
        assert lake.value(rows) == before


def test_a_quarter_of_which_nobody_knows_what_it_filled_is_taken_out_of_every_table(built_workspace) -> None:
    rows = "SELECT count(*) FROM rollups.activity_month"
    with writing(built_workspace.workspace) as lake:
        scope, before = periods.scopes(lake)[0], lake.value(rows)
        lake.execute("UPDATE ops.builds SET filled = NULL")
        _rebuild(lake, scope)
        assert lake.value(rows) == before


def _rebuild(lake: Lake, scope: periods.Scope) -> None:
    computed = compute(lake, ScratchDatabase(lake), scope, NOW, CHOICES)
    methodology = load("hqc-2024")
    build.build(lake, computed, stale_scopes(lake, [scope], methodology, NOW, {scope})[0], methodology)
