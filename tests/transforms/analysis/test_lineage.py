"""How a figure came about, down to the lines of bills."""

from datetime import date
from decimal import Decimal

import polars as pl

from suanheng.transforms.analysis.lineage import explain
from suanheng.warehouse.lake import reading, writing


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


def test_what_telemetry_could_not_have_meant_is_told_of_the_figures_that_rest_on_it(built_workspace):
    found = {"month_start": "2023-02-01", "rule": "counter_reset", "findings": 2, "example": "2 falls"}
    with writing(built_workspace.workspace) as lake:
        lake.execute("DELETE FROM rollups.telemetry_findings_month")
        for kind, subject, site, month in (
            ("device", "gpu-1", "tiny", "2023-02-01"),
            ("device", "gpu-1", "tiny", "2023-04-01"),
            ("device", "gpu-1", "other", "2023-02-01"),
            ("meter", "m-1", "tiny", "2023-02-01"),
            ("run", "c1/j1", "tiny", "2023-02-01"),
        ):
            place = {"site_id": site, "subject_kind": kind, "subject_id": subject, "month_start": month}
            lake.insert(
                "rollups.telemetry_findings_month",
                pl.DataFrame([found | place]).with_columns(pl.col("month_start").str.to_date()),
            )

        def subjects(indicator):
            findings = explain(lake, "tiny", "2023Q1", indicator).findings
            assert {row["month_start"] for row in findings} <= {date(2023, 2, 1)}
            return [row["subject_id"] for row in findings]

        assert subjects("resource_utilisation") == ["gpu-1"]
        assert subjects("pue") == ["gpu-1", "m-1"]
        assert subjects("productive_goodput") == ["c1/j1"]
        assert subjects("ecosystem_openness") == []
