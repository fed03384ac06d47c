"""The scorecard as JSON and as a spreadsheet: the same numbers as the warehouse."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import polars as pl
import pytest

from suanheng.flows.reports import scorecard_json, scorecard_xlsx
from suanheng.flows.reports.read import Query, load
from suanheng.flows.reports.scorecard_json import schema
from suanheng.flows.reports.texts import texts

SITES = ("langfang", "guian", "nothing", "hostile", "demo")


def _json(reports: Path, site: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((reports / site / "2023Q2.json").read_text(encoding="utf-8"))
    return read


def _table(reports: Path, site: str, sheet: str) -> tuple[list[str], list[list[Any]]]:
    workbook = openpyxl.load_workbook(reports / site / "2023Q2.xlsx")
    (found,) = [name for name in workbook.sheetnames if name.endswith(sheet)]
    rows = [[cell.value for cell in row] for row in workbook[found].iter_rows()]
    is_marked = "simulated" in str(rows[0][0])
    heads, *body = rows[1:] if is_marked else rows
    return [head.split("\n")[1] for head in heads], body


def test_the_schema_is_a_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("site", SITES)
def test_every_document_keeps_the_schema(reports: Path, site: str) -> None:
    document = _json(reports, site)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    assert list(jsonschema.Draft202012Validator(schema(), format_checker=checker).iter_errors(document)) == []


def test_the_schema_refuses_what_is_not_said_in_it(reports: Path) -> None:
    document = _json(reports, "langfang") | {"composite": {}}
    assert not jsonschema.Draft202012Validator(schema()).is_valid(document)
    assert not jsonschema.Draft202012Validator(schema()).is_valid(_json(reports, "langfang") | {"more": 1})


def test_json_has_the_numbers_of_the_warehouse_exactly(query: Query, reports: Path) -> None:
    card, document = load(query, "langfang", "2023Q2"), _json(reports, "langfang")
    assert document["composite"]["score"] == card.composite["score"]
    for shown, row in zip(document["indicators"], card.indicators, strict=True):
        assert shown["value"] == row["value"]
        assert Decimal(shown["numerator"]) == row["numerator"]
        assert Decimal(shown["denominator"]) == row["denominator"]


def test_unknown_is_null_and_says_why(reports: Path) -> None:
    document = _json(reports, "nothing")
    assert document["composite"]["score"] is None
    assert {row["value"] for row in document["indicators"]} == {None}
    assert {row["status"] for row in document["indicators"]} == {"no telemetry"}
    assert document["energy_reconciliation"]["bill_kwh"] is None


def test_simulated_evidence_is_said_in_the_files_too(reports: Path) -> None:
    assert "模拟数据" in _json(reports, "demo")["notice"]["zh"]
    assert _json(reports, "langfang")["notice"] is None
    for sheet in openpyxl.load_workbook(reports / "demo" / "2023Q2.xlsx"):
        assert "simulated" in str(sheet["A1"].value)


@pytest.mark.parametrize(
    ("site", "sheet"), [("guian", "Indicators"), ("demo", "Indicators"), ("guian", "Supplementary")]
)
def test_the_spreadsheet_has_the_numbers_of_the_json(reports: Path, site: str, sheet: str) -> None:
    heads, body = _table(reports, site, f" {sheet}")
    t = texts("en")
    rows = _json(reports, site)["supplementary" if sheet == "Supplementary" else "indicators"]
    assert len(body) == len(rows)
    columns = [("sheet.key", "indicator"), ("indicators.value", "value"), ("indicators.coverage", "coverage")]
    if sheet == "Indicators":
        columns += [("indicators.score", "score"), ("sheet.score_low", "score_low")]
        columns += [("sheet.goalpost_at_100", "goalpost_at_100")]
    for key, name in columns:
        place = heads.index(t(key))
        # A cell holds 16 significant digits.
        assert [row[place] for row in body] == [
            pytest.approx(row[name], rel=1e-15) if isinstance(row[name], float) else row[name] for row in rows
        ], name


def test_a_spreadsheet_replaces_the_one_before_it_and_leaves_nothing_else(query: Query, tmp_path: Path) -> None:
    path = tmp_path / "scorecard.xlsx"
    for site in ("guian", "langfang"):
        assert scorecard_xlsx.write(load(query, site, "2023Q2"), path) == path
        cells = [cell.value for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
        assert site in cells
    assert "guian" not in cells
    assert list(tmp_path.iterdir()) == [path]


def test_differences_of_energy_stand_in_both_files(reports: Path) -> None:
    rows = _json(reports, "guian")["energy_differences"]
    assert [(row["period"], row["unexplained_kwh"], row["cause"]) for row in rows] == [
        ("2023-05", "500.000000000", "missing_meter_hours"),
        ("2023-06", "600.000000000", "unknown"),
    ]
    heads, body = _table(reports, "guian", "Energy differences")
    place = heads.index(texts("en")("energy.cause"))
    assert "Hours without a meter reading" in body[0][place]
    assert _json(reports, "langfang")["energy_differences"] == []


def test_no_cell_is_a_formula_or_a_link(reports: Path) -> None:
    workbook = openpyxl.load_workbook(reports / "hostile" / "2023Q2.xlsx")
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"n", "s", "d", "b"}
    assert not [cell for cell in cells if cell.hyperlink]
    (operator,) = [cell for cell in cells if cell.value == "=1+1"]
    assert operator.data_type == "s"
    assert operator.quotePrefix


def test_a_document_can_be_made_without_a_reconciliation(query: Query) -> None:
    def without_reconciliation(sql: str) -> pl.DataFrame:
        return query(sql).clear() if "bill_kwh" in sql else query(sql)

    document = scorecard_json.document(load(without_reconciliation, "demo", "2023Q2"))
    assert document["energy_reconciliation"] is None
    jsonschema.Draft202012Validator(schema()).validate(document)
