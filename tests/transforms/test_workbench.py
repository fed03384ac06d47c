"""The workbench lays out warehouses that are older than today's contracts."""

from suanheng.transforms.workbench import Workbench
from suanheng.warehouse.lake import writing


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
