"""Scorecards made by hand, in an in-memory DuckDB: what a report is rendered from before any pipeline has run.

langfang   complete: every indicator scored, six quarters of history, one year, one month
guian      four indicators withheld, for four different reasons
nothing    a centre that delivered no file at all
hostile    names that are markup, formulas and quotes
demo       simulated evidence

``indicators.csv`` beside this file names the indicators and what the complete site scores on each.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb
import polars as pl
import pytest

from suanheng.flows.reports.read import Query
from suanheng.flows.reports.writing import write_all
from suanheng.schemas.tables.scorecards import SCORECARDS

Rows = list[dict[str, Any]]

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=1+1"
HASH = "5f2b7c0d9e4a41d38c6f1b2a7e90d4c35f2b7c0d9e4a41d38c6f1b2a7e90d4c3"

PERIODS = {
    "2022Q1": ("quarter", date(2022, 1, 1), date(2022, 4, 1)),
    "2022Q2": ("quarter", date(2022, 4, 1), date(2022, 7, 1)),
    "2022Q3": ("quarter", date(2022, 7, 1), date(2022, 10, 1)),
    "2022Q4": ("quarter", date(2022, 10, 1), date(2023, 1, 1)),
    "2023Q1": ("quarter", date(2023, 1, 1), date(2023, 4, 1)),
    "2023Q2": ("quarter", date(2023, 4, 1), date(2023, 7, 1)),
    "2022": ("year", date(2022, 1, 1), date(2023, 1, 1)),
    "2023-06": ("month", date(2023, 6, 1), date(2023, 7, 1)),
}

CATALOGUE = list(csv.DictReader((Path(__file__).parent / "indicators.csv").open(encoding="utf-8")))
DIMENSIONS = list(dict.fromkeys(about["dimension"] for about in CATALOGUE if about["dimension"]))

SITES = [
    ("langfang", "廊坊智算中心", "Langfang AI Computing Centre", "Northern Compute Co.", "CN-HE", "very_large"),
    ("guian", "贵安智算中心", "Gui'an AI Computing Centre", "Southwest Compute Co.", "CN-GZ", "large"),
    ("nothing", "未报数中心", "Silent Centre", None, None, None),
    ("hostile", SCRIPT, f'{SCRIPT}"onmouseover="x', FORMULA, "CN-BJ", "small"),
    ("demo", "示例中心", "Example Centre", "Nobody", "CN-SC", "large"),
]

TOO_EARLY = {"affordability": "too early"}
WITHHELD = {
    "model_compute_efficiency": "no model evaluation",
    "affordability": "no offers",
    "supply_chain_completeness": "no bill of materials",
    "operational_carbon_intensity": "below coverage",
}
NO_FILE = dict.fromkeys((about["indicator"] for about in CATALOGUE), "no telemetry")

# site, period, points above the scores of indicators.csv, status of what is not ok, evidence
MADE = [
    ("langfang", "2022Q1", -9.0, {}, "metered"),
    ("langfang", "2022Q2", -7.5, {}, "metered"),
    ("langfang", "2022Q3", -6.0, TOO_EARLY, "metered"),
    ("langfang", "2022Q4", -4.5, {}, "metered"),
    ("langfang", "2023Q1", -3.0, {}, "metered"),
    ("langfang", "2023Q2", -1.5, {}, "metered"),
    ("langfang", "2022", -3.0, {}, "metered"),
    ("langfang", "2023-06", 1.0, {}, "metered"),
    ("guian", "2022Q4", -6.0, WITHHELD, "measured"),
    ("guian", "2023Q1", -4.0, WITHHELD, "measured"),
    ("guian", "2023Q2", -2.0, WITHHELD, "measured"),
    ("nothing", "2023Q2", 0.0, NO_FILE, None),
    ("hostile", "2023Q2", -12.0, {}, "measured"),
    ("demo", "2023Q2", 4.0, {"compatibility": "no compatibility tests"}, "simulated"),
]


def _indicator(position: int, about: dict[str, str], shift: float, status: str, evidence: str | None) -> dict[str, Any]:
    """One row of scorecards.indicators, without its site and period."""
    is_scored = bool(about["dimension"]) and status == "ok"
    row: dict[str, Any] = {
        "indicator": about["indicator"],
        "position": position,
        "is_scored": is_scored,
        "unit": about["unit"],
        "better": about["better"],
        "origin": about["origin"],
        "status": status,
        "reference_rows": [],
    }
    value, kind = float(about["value"] or "nan"), about["evidence_class"]
    if about["dimension"]:
        at_0, at_100, score = (float(about[name]) for name in ("goalpost_at_0", "goalpost_at_100", "score"))
        score += shift
        value, kind = at_0 + score / 100 * (at_100 - at_0), "measured" if position % 3 else "declared"
        row |= {
            "dimension": about["dimension"],
            "weight": 1.0,
            "goalpost_at_0": at_0,
            "goalpost_at_100": at_100,
            "minimum_coverage": 0.75,
            "score": score if is_scored else None,
            "score_low": score if is_scored else 0.0,
            "score_high": score if is_scored else 100.0,
        }
    if status in {"ok", "below coverage"}:
        row |= {
            "value": value,
            "numerator": Decimal(str(round(value * float(about["denominator"]), 6))),
            "denominator": Decimal(about["denominator"]),
            "coverage": 0.9996 if status == "ok" else 0.31,
            "evidence_class": "simulated" if evidence == "simulated" else kind,
            "reference_rows": [about["reference"]] if about["reference"] else [],
        }
    return row


def _indicators(shift: float, statuses: dict[str, str], evidence: str | None) -> Rows:
    unmeasured = {"wue": "no meter readings"} | statuses
    return [
        _indicator(position, about, shift, unmeasured.get(about["indicator"], "ok"), evidence)
        for position, about in enumerate(CATALOGUE, 1)
    ]


def _level(rows: Rows) -> dict[str, Any]:
    """Means of the rows below; the real methodology is not needed to look at a page."""
    is_complete = all(row["score"] is not None for row in rows)
    return {
        "score": mean(row["score"] for row in rows) if is_complete else None,
        "score_low": mean(row["score_low"] for row in rows),
        "score_high": mean(row["score_high"] for row in rows),
    }


def _counts(rows: Rows) -> dict[str, int]:
    return {"indicators_scored": sum(row["is_scored"] for row in rows), "indicators_total": len(rows)}


def _dimensions(indicators: Rows) -> Rows:
    members = {name: [row for row in indicators if row.get("dimension") == name] for name in DIMENSIONS}
    return [
        {"dimension": name, "position": position, "weight": 1.0} | _level(rows) | _counts(rows)
        for position, (name, rows) in enumerate(members.items(), 1)
    ]


def _grades(level: dict[str, Any], has_evidence: bool) -> dict[str, str | None]:
    if not has_evidence:
        return {}
    low, high = (
        next(grade for grade, lowest in (("A", 80), ("B", 60), ("C", 40), ("D", 20), ("E", 0)) if score >= lowest)
        for score in (level["score_low"], level["score_high"])
    )
    return {"grade": low if low == high else None, "grade_low": low, "grade_high": high}


def _composite(period: str, indicators: Rows, dimensions: Rows, evidence: str | None) -> dict[str, Any]:
    kind, start, end = PERIODS[period]
    level = _level(dimensions)
    return {
        "period_kind": kind,
        "period_start": start,
        "period_end": end,
        "methodology": "hqc-2024",
        "methodology_hash": HASH,
        "run_id": "run-0001",
        "coverage": 0.9312 if evidence else 0.0,
        "evaluability": 0.648 if evidence else 0.0,
        "evidence_class": "simulated" if evidence == "simulated" else "declared" if evidence else None,
        "is_simulated": evidence == "simulated",
        **level,
        **_counts([row for row in indicators if row.get("dimension")]),
        **_grades(level, evidence is not None),
    }


def _reconciliation(site: str) -> dict[str, Any]:
    return {
        "bill_kwh": Decimal("15230411.25"),
        "meter_kwh": Decimal("15102938.1"),
        "device_kwh": Decimal("9988120.004"),
        "unexplained_kwh": Decimal("127473.15"),
        "unexplained_ratio": 0.00837,
        "status": "unexplained" if site == "guian" else "ok",
    }


def _differences(site: str) -> Rows:
    """April agrees; in May the meter was silent for a week; nobody knows what happened to the bill of June."""
    causes = {4: "none", 5: "missing_meter_hours", 6: "unknown"}
    return [
        {
            "site_id": site,
            "period": f"2023-{month:02}",
            "month_start": date(2023, month, 1),
            "pair": "bill_and_meter",
            "left_kwh": Decimal(1000),
            "right_kwh": Decimal(1000 - 100 * month),
            "difference_kwh": Decimal(100 * month),
            "unexplained_kwh": Decimal(100 * month),
            "unexplained_ratio": 0.1 * month,
            "cause": cause,
        }
        for month, cause in causes.items()
    ]


def _targets() -> Rows:
    document = {
        "document_zh": "数据中心绿色低碳发展专项行动计划",
        "document_en": "Special action plan for green and low-carbon data centres",
        "applies_to": "new or expanded large and very large data centres",
    }
    judged = [
        ("pue", "<=", "1.3", "ratio", 1.2614, True, None),
        (
            "pue_average",
            "<",
            "1.25",
            "ratio",
            1.2614,
            False,
            "the target binds an average; the site is compared with it",
        ),
        ("rack_occupancy", ">=", "60", "percent", None, None, "no value"),
        ("green_low_carbon_grade", ">=", "4A", "grade", None, None, "text target"),
    ]
    names = ("metric", "comparator", "target_value", "unit", "value", "is_met", "reason")
    return [
        {"reference_id": f"policy_targets/{row[0]}", **document, **dict(zip(names, row, strict=True))} for row in judged
    ]


def _tables() -> dict[str, Rows]:
    tables: dict[str, Rows] = {name: [] for name in SCORECARDS if name != "explanations"}
    for site, period, shift, statuses, evidence in MADE:
        key = {"site_id": site, "period": period}
        _, start, end = PERIODS[period]
        indicators = _indicators(shift, statuses, evidence)
        dimensions = _dimensions(indicators)
        tables["indicators"] += [{**key, "window_start": start, "window_end": end, **row} for row in indicators]
        tables["dimensions"] += [key | row for row in dimensions]
        tables["composites"].append(key | _composite(period, indicators, dimensions, evidence))
        tables["energy_reconciliation"].append(key | (_reconciliation(site) if evidence else {"status": "no bill"}))
        tables["policy_targets"] += [key | row for row in _targets()] if evidence else []
    tables["energy_differences"] = _differences("guian")
    return tables


def _reference() -> dict[str, pl.DataFrame]:
    columns = ["site_id", "name_zh", "name_en", "operator", "region_code", "size_class"]
    return {
        "sites": pl.DataFrame(SITES, schema=columns, orient="row").with_columns(
            time_zone=pl.lit("Asia/Shanghai"), commissioned_on=pl.lit(date(2021, 6, 18))
        ),
        "indicators": pl.DataFrame(CATALOGUE)
        .select("indicator", "dimension", "name_zh", "name_en", "unit", "better", "origin")
        .with_columns(
            formula=pl.lit("Σ numerator ÷ Σ denominator"), source=pl.lit("https://example.org/standard (secondary)")
        ),
    }


@pytest.fixture(scope="session")
def scorecards() -> dict[str, pl.DataFrame]:
    """The scorecard tables, typed as their contracts say."""
    return {
        name: pl.DataFrame(rows, schema=SCORECARDS[name].dtypes(), strict=False) for name, rows in _tables().items()
    }


@pytest.fixture(scope="session")
def query(scorecards: dict[str, pl.DataFrame]) -> Iterator[Query]:
    """Runs SQL on the fixture's tables."""
    with duckdb.connect() as connection:
        for schema, tables in (("scorecards", scorecards), ("reference", _reference())):
            connection.execute(f"CREATE SCHEMA {schema}")
            for name, frame in tables.items():
                connection.register("frame", frame)
                connection.execute(f"CREATE TABLE {schema}.{name} AS FROM frame")
        yield lambda sql: connection.execute(sql).pl()


@pytest.fixture(scope="session")
def reports(query: Query, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every report of the fixture."""
    folder = tmp_path_factory.mktemp("reports")
    assert list(write_all(query, folder))
    return folder


@pytest.fixture(scope="session")
def page_of(reports: Path) -> Callable[[str, str], str]:
    """Reads a report: ``page_of("langfang", "2023Q2.en.html")``."""
    return lambda site, name: (reports / site / name).read_text(encoding="utf-8")
