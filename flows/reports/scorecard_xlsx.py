"""One scorecard as a spreadsheet: the same rows as the JSON, headings in Chinese and English, text always as text."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from suanheng.flows.reports.layout import written_whole
from suanheng.flows.reports.read import Row, ScorecardView
from suanheng.flows.reports.texts import LANGUAGES, texts

Cell = str | float | int | Decimal | date | bool | None
Columns = Sequence[tuple[str, str]]
"""Heading (a key of the texts) and column of the rows."""

_FORMULA_SIGNS = ("=", "+", "-", "@")
_LONGEST_TEXT = 32_767
"""Characters a cell can hold."""

_DIMENSIONS: Columns = (
    ("dimensions.dimension", "dimension"),
    ("dimensions.weight", "weight"),
    ("dimensions.score", "score"),
    ("sheet.score_low", "score_low"),
    ("sheet.score_high", "score_high"),
    ("sheet.indicators_scored", "indicators_scored"),
    ("sheet.indicators_total", "indicators_total"),
)
_FACTS: Columns = (
    ("sheet.key", "indicator"),
    ("indicators.indicator", "name"),
    ("indicators.value", "value"),
    ("indicators.unit", "unit"),
    ("indicators.coverage", "coverage"),
    ("indicators.evidence", "evidence_class"),
    ("indicators.status", "status"),
    ("indicators.better", "better"),
    ("indicators.origin", "origin"),
    ("derivation.numerator", "numerator"),
    ("derivation.denominator", "denominator"),
    ("sheet.window_start", "window_start"),
    ("sheet.window_end", "window_end"),
    ("derivation.formula", "formula"),
    ("derivation.source", "source"),
)
_SCORES: Columns = (
    ("indicators.dimension", "dimension"),
    ("indicators.weight", "weight"),
    ("indicators.score", "score"),
    ("sheet.score_low", "score_low"),
    ("sheet.score_high", "score_high"),
    ("sheet.minimum_coverage", "minimum_coverage"),
    ("sheet.goalpost_at_0", "goalpost_at_0"),
    ("sheet.goalpost_at_100", "goalpost_at_100"),
)
_TARGETS: Columns = (
    ("targets.document", "document"),
    ("targets.metric", "metric"),
    ("sheet.comparator", "comparator"),
    ("targets.target", "target_value"),
    ("indicators.unit", "unit"),
    ("targets.value", "value"),
    ("targets.outcome", "outcome"),
    ("sheet.reason", "reason"),
    ("targets.applies", "applies_to"),
    ("sheet.key", "reference_id"),
)
_HISTORY: Columns = (
    ("fact.period", "period"),
    ("sheet.period_start", "period_start"),
    ("sheet.period_end", "period_end"),
    ("composite.title", "score"),
    ("sheet.score_low", "score_low"),
    ("sheet.score_high", "score_high"),
    ("composite.grade", "grade"),
    ("sheet.indicators_scored", "indicators_scored"),
    ("sheet.indicators_total", "indicators_total"),
    ("composite.evaluability", "evaluability"),
    ("fact.hash", "methodology_hash"),
)
_ENERGY = ("bill_kwh", "meter_kwh", "device_kwh", "unexplained_kwh", "unexplained_ratio", "status")
_DIFFERENCE: Columns = (
    ("fact.period", "period"),
    ("energy.pair", "pair"),
    ("sheet.left_kwh", "left_kwh"),
    ("sheet.right_kwh", "right_kwh"),
    ("energy.unexplained_kwh", "unexplained_kwh"),
    ("energy.unexplained_ratio", "unexplained_ratio"),
    ("energy.cause", "cause"),
)
_COMPOSITE: Columns = (
    ("composite.title", "score"),
    ("sheet.score_low", "score_low"),
    ("sheet.score_high", "score_high"),
    ("composite.grade", "grade"),
    ("sheet.grade_low", "grade_low"),
    ("sheet.grade_high", "grade_high"),
    ("sheet.indicators_scored", "indicators_scored"),
    ("sheet.indicators_total", "indicators_total"),
    ("composite.coverage", "coverage"),
    ("composite.evaluability", "evaluability"),
    ("fact.weakest", "evidence_class"),
    ("fact.methodology", "methodology"),
    ("fact.hash", "methodology_hash"),
    ("fact.run", "run_id"),
)


def write(view: ScorecardView, path: Path) -> Path:
    """Write the scorecard to ``path``; every sheet carries the notice if evidence is simulated."""
    composite = view.composite
    with written_whole(path) as begun, xlsxwriter.Workbook(begun) as workbook:
        # The period's end instead of the clock: the same scorecard gives the same file.
        workbook.set_properties({"created": datetime.combine(composite["period_end"], time())})
        sheets = _Sheets(workbook, _both("simulated.scorecard") if composite["is_simulated"] else None)
        sheets.pairs("sheet.scorecard", _overview(view))
        sheets.table("sheet.dimensions", _DIMENSIONS, (_worded(row) for row in view.dimensions))
        sheets.table("sheet.indicators", (*_SCORES[:1], *_FACTS, *_SCORES[1:]), map(_worded, view.indicators))
        sheets.table("sheet.supplementary", _FACTS, map(_worded, view.supplementary))
        sheets.table(
            "sheet.references", (("sheet.key", "indicator"), ("sheet.reference", "reference")), _references(view)
        )
        sheets.table("sheet.targets", _TARGETS, map(_target, view.targets))
        sheets.pairs("sheet.energy", _energy(view.reconciliation))
        sheets.table("sheet.differences", _DIFFERENCE, map(_difference, view.differences))
        sheets.table("sheet.history", _HISTORY, view.history.iter_rows(named=True))
    return path


class _Sheets:
    """The sheets of one workbook, each with the notice, bold headings and frozen panes."""

    def __init__(self, workbook: xlsxwriter.Workbook, notice: str | None) -> None:
        self._workbook = workbook
        self._notice = notice
        self._heading = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._warning = workbook.add_format({"bold": True, "font_color": "#7f4d00", "bg_color": "#fff3d6"})
        self._day = workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self._quoted = workbook.add_format({"quote_prefix": True})

    def table(self, title: str, columns: Columns, rows: Iterable[Row]) -> None:
        """Add a sheet with one line of headings and one line per row."""
        sheet, line = self._sheet(title)
        for column, (heading, _) in enumerate(columns):
            sheet.write_string(line, column, _both(heading, "\n"), self._heading)
        sheet.set_column(0, len(columns) - 1, 18)
        sheet.freeze_panes(line + 1, 1)
        for number, row in enumerate(rows, line + 1):
            for column, (_, name) in enumerate(columns):
                self._put(sheet, number, column, row[name])

    def pairs(self, title: str, pairs: Iterable[tuple[str, Cell]]) -> None:
        """Add a sheet with one line per quantity: its name and its value."""
        sheet, line = self._sheet(title)
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 60)
        for number, (name, value) in enumerate(pairs, line):
            sheet.write_string(number, 0, name, self._heading)
            self._put(sheet, number, 1, value)

    def _sheet(self, title: str) -> tuple[Worksheet, int]:
        sheet = self._workbook.add_worksheet(_both(title, " "))
        if self._notice is None:
            return sheet, 0
        sheet.write_string(0, 0, self._notice, self._warning)
        return sheet, 1

    def _put(self, sheet: Worksheet, line: int, column: int, value: Cell) -> None:
        """Write one value by its type. Text never becomes a formula or a link, unknown stays an empty cell."""
        match value:
            case None:
                return
            case bool():
                sheet.write_boolean(line, column, value)
            case int() | float() | Decimal():
                sheet.write_number(line, column, float(value))
            case date():
                sheet.write_datetime(line, column, value, self._day)
            case _:
                text = _fitting(str(value))
                sheet.write_string(line, column, text, self._style_of(text))

    def _style_of(self, text: str) -> Format | None:
        return self._quoted if text.startswith(_FORMULA_SIGNS) else None


def _fitting(text: str) -> str:
    """Cut text longer than a cell, and say so in its place."""
    if len(text) <= _LONGEST_TEXT:
        return text
    ending = f" … [{len(text)}]"
    return text[: _LONGEST_TEXT - len(ending)] + ending


def _both(key: str, between: str = " / ") -> str:
    return between.join(texts(language)(key) for language in LANGUAGES)


def _both_words(vocabulary: str, code: object) -> str:
    words = dict.fromkeys(texts(language).word(vocabulary, code) for language in LANGUAGES)
    return " / ".join(word for word in words if word)


def _both_names(row: Row, column: str, otherwise: str) -> str:
    names = dict.fromkeys(texts(language).name(row, column, otherwise) for language in LANGUAGES)
    return " / ".join(names)


def _overview(view: ScorecardView) -> list[tuple[str, Cell]]:
    site, composite = view.site, view.composite
    return [
        (_both("fact.site"), _both_names(site, "name", site["site_id"])),
        (_both("sheet.key"), site["site_id"]),
        (_both("fact.operator"), site["operator"]),
        (_both("fact.region"), site["region_code"]),
        (_both("fact.time_zone"), site["time_zone"]),
        (_both("fact.period"), composite["period"]),
        (_both("sheet.period_start"), composite["period_start"]),
        (_both("sheet.period_end"), composite["period_end"]),
        *((_both(heading), composite[column]) for heading, column in _COMPOSITE),
    ]


def _worded(row: Row) -> Row:
    """Replace the codes of an indicator or a dimension by words in both languages."""
    named = {**row, "name": _both_names(row, "name", row["indicator"])} if "indicator" in row else dict(row)
    for column, vocabulary in (
        ("dimension", "dimension"),
        ("evidence_class", "evidence"),
        ("status", "status"),
        ("better", "better"),
        ("origin", "origin"),
    ):
        if named.get(column) is not None:
            named[column] = _both_words(vocabulary, named[column])
    return named


def _target(row: Row) -> Row:
    outcome = {True: "targets.met", False: "targets.missed", None: "targets.unknown"}[row["is_met"]]
    return {
        **row,
        "document": _both_names(row, "document", row["reference_id"]),
        "metric": _both_words("metric", row["metric"]),
        "outcome": _both(outcome),
        "reason": _both_words("reason", row["reason"]) if row["reason"] is not None else None,
    }


def _references(view: ScorecardView) -> list[Row]:
    return [
        {"indicator": row["indicator"], "reference": reference}
        for row in view.indicators + view.supplementary
        for reference in row["reference_rows"] or []
    ]


def _energy(reconciliation: Row | None) -> list[tuple[str, Cell]]:
    if reconciliation is None:
        return [(_both("sheet.energy"), _both("energy.none"))]
    return [
        (
            _both(f"energy.{name}"),
            _both_words("reconciliation", reconciliation[name]) if name == "status" else reconciliation[name],
        )
        for name in _ENERGY
    ]


def _difference(row: Row) -> Row:
    return {**row, "pair": _both_words("pair", row["pair"]), "cause": _both_words("cause", row["cause"])}
