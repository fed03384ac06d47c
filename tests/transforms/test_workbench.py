"""The workbench lays out warehouses that are older than today's contracts."""

from suanheng.transforms import device_series, spine
from suanheng.transforms.build import compute
from suanheng.transforms.recipes import in_build_order
from suanheng.transforms.workbench import Workbench
from suanheng.warehouse.lake import writing
from tests.conftest import NOW


def test_a_warehouse_that_is_older_than_a_column_or_a_table_is_laid_out_all_the_same(built_workspace) -> None:
    with writing(built_workspace.workspace) as lake:
        with lake.transaction("an older version", "know less"):
            lake.execute("ALTER TABLE staged.energy_certificates DROP COLUMN contract_id")
            lake.execute("ALTER TABLE staged.utility_bills DROP COLUMN tariff_period")
            lake.execute("DROP TABLE staged.product_footprints")
            lake.execute("DROP TABLE raw.grid_mix_hourly")
        Workbench(lake).lay_out("tiny")
        bills = "SELECT DISTINCT tariff_period FROM bench.staged.utility_bills"
        assert lake.frame("SELECT DISTINCT contract_id FROM bench.staged.energy_certificates").rows() == [(None,)]
        # What the contract says of an empty cell: a bill that names no part of the day is of the whole of it.
        assert lake.frame(bills).rows() == [("total",)]
        assert lake.value("SELECT count(*) FROM bench.staged.product_footprints") == 0
        assert lake.value("SELECT count(*) FROM bench.raw.grid_mix_hourly") == 0


def test_a_quarter_that_is_summed_span_by_span_comes_to_the_same(built_workspace, monkeypatch) -> None:
    with writing(built_workspace.workspace) as lake:
        bench, (scope, *_) = Workbench(lake), spine.scopes(lake)
        tables = [recipe.table for recipe in in_build_order("rollups")]

        def computed() -> dict[str, list[tuple]]:
            compute(lake, bench, scope, NOW)
            return {table: lake.frame(f"FROM bench.{table} ORDER BY ALL").rows() for table in tables}

        def number_of_spans() -> int:
            lake.execute("USE bench")
            found = device_series.spans(lake)
            lake.execute("USE lake")
            return len(found)

        at_once = computed()
        hours = lake.value("SELECT count(DISTINCT hour_start_utc) FROM bench.rollups.device_hour")
        assert (number_of_spans(), hours > 24) == (1, True)
        monkeypatch.setattr(device_series, "SERIES_HOURS_AT_ONCE", 1)
        assert computed() == at_once
        assert number_of_spans() >= hours
