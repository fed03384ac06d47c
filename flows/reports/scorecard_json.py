"""One scorecard as JSON, held to ``scorecard.schema.json`` beside this module.

Scores, values and shares are JSON numbers. Sums (numerators, denominators, kWh) are exact decimals and stand as text,
so that three months still add up to their quarter to the last digit after a reader's floating point.
Unknown is ``null``.
"""

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from suanheng.flows.reports.read import Row, ScorecardView
from suanheng.flows.reports.texts import LANGUAGES, texts

FORMAT = "suanheng-scorecard/1"

_SITE = ("site_id", "name_zh", "name_en", "operator", "time_zone", "region_code", "commissioned_on", "size_class")
_COMPOSITE = (
    "score",
    "score_low",
    "score_high",
    "grade",
    "grade_low",
    "grade_high",
    "indicators_scored",
    "indicators_total",
    "coverage",
    "evidence_class",
)
_DIMENSION = ("dimension", "weight", "score", "score_low", "score_high", "indicators_scored", "indicators_total")
_FACTS = (
    "indicator",
    "name_zh",
    "name_en",
    "value",
    "unit",
    "better",
    "origin",
    "numerator",
    "denominator",
    "window_start",
    "window_end",
    "coverage",
    "evidence_class",
    "status",
    "reference_rows",
    "formula",
    "source",
)
_SCORED = (
    *_FACTS,
    "dimension",
    "weight",
    "goalpost_at_0",
    "goalpost_at_100",
    "score",
    "score_low",
    "score_high",
    "minimum_coverage",
)
_TARGET = (
    "reference_id",
    "document_zh",
    "document_en",
    "metric",
    "comparator",
    "target_value",
    "unit",
    "applies_to",
    "value",
    "is_met",
    "reason",
)
_ENERGY = ("bill_kwh", "meter_kwh", "device_kwh", "unexplained_kwh", "unexplained_ratio", "status")
_DIFFERENCE = (
    "period",
    "pair",
    "left_kwh",
    "right_kwh",
    "difference_kwh",
    "unexplained_kwh",
    "unexplained_ratio",
    "cause",
)
_HISTORY = (
    "period",
    "period_start",
    "period_end",
    "methodology_hash",
    "score",
    "score_low",
    "score_high",
    "grade",
    "evaluability",
)


def document(view: ScorecardView) -> dict[str, Any]:
    """Return the scorecard as plain values, ready for JSON."""
    composite = view.composite
    is_simulated = bool(composite["is_simulated"])
    return {
        "format": FORMAT,
        "site": _pick(view.site, _SITE),
        "period": {
            "name": composite["period"],
            "kind": composite["period_kind"],
            "start": _plain(composite["period_start"]),
            "end": _plain(composite["period_end"]),
        },
        "methodology": {"name": composite["methodology"], "hash": composite["methodology_hash"]},
        "run_id": composite["run_id"],
        "is_simulated": is_simulated,
        "notice": {language: texts(language)("simulated.scorecard") for language in LANGUAGES}
        if is_simulated
        else None,
        "composite": _pick(composite, _COMPOSITE),
        "evaluability": _plain(composite["evaluability"]),
        "dimensions": _picks(view.dimensions, _DIMENSION),
        "indicators": _picks(view.indicators, _SCORED),
        "supplementary": _picks(view.supplementary, _FACTS),
        "policy_targets": _picks(view.targets, _TARGET),
        "energy_reconciliation": _pick(view.reconciliation, _ENERGY) if view.reconciliation else None,
        "energy_differences": _picks(view.differences, _DIFFERENCE),
        "history": _picks(view.history.iter_rows(named=True), _HISTORY),
    }


def text(view: ScorecardView) -> str:
    """Return the scorecard as JSON text."""
    return json.dumps(document(view), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


@cache
def schema() -> dict[str, Any]:
    """Read the JSON Schema (2020-12) the documents are held to."""
    path = Path(__file__).with_name("scorecard.schema.json")
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def _picks(rows: Iterable[Row], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    return [_pick(row, columns) for row in rows]


def _pick(row: Row, columns: tuple[str, ...]) -> dict[str, Any]:
    return {column: _plain(row[column]) for column in columns}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return value
