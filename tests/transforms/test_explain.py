"""How a figure came about, down to the lines of bills."""

from datetime import date
from decimal import Decimal

from suanheng.transforms.analysis.lineage import explain
from suanheng.warehouse.lake import reading


def test_the_lines_of_bills_behind_a_figure_say_where_they_stand_and_how_they_were_spread(built_once):
    with reading(built_once.workspace) as lake:
        lines = explain(lake, "tiny", "2023Q1", "operational_carbon_intensity").bill_lines
    january = [line for line in lines if line["month_start"] == date(2023, 1, 1)]
    electricity, water = (line | {"path": line["path"].rpartition("/")[2]} for line in january)
    assert electricity == {
        "month_start": date(2023, 1, 1),
        "path": "2023-01.csv",
        "row_number": 2,
        "meter_id": "account-1",
        "commodity": "electricity",
        "line_type": "consumption",
        "tariff_period": "total",
        "service_start": date(2023, 1, 1),
        "service_end": date(2023, 2, 1),
        "days": 31,
        "proration": "even",
        "is_estimated": False,
        "energy_kwh": Decimal(1310),
        "water_m3": None,
    }
    assert (water["row_number"], water["water_m3"]) == (3, Decimal(2))


def test_a_figure_without_bills_has_no_lines_of_them(built_once):
    with reading(built_once.workspace) as lake:
        assert explain(lake, "tiny", "2023Q1", "ecosystem_openness").bill_lines == []
