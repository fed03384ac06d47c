"""The gate before a publication: Great Expectations on the indicator and scorecard tables, and its page as evidence."""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

import polars as pl
from lxml import html
from lxml.html import builder

from suanheng.transforms.definitions.recipes import recipes
from suanheng.warehouse.lake import Lake

SHOWN_ROWS = 20
"""Rows of a failing expectation that its result names."""

CRITICAL = "critical"
"""Severity of an expectation without which nothing is published. The others, ``warning``, are said and stored."""


@dataclass(frozen=True)
class Finding:
    """What came of one expectation.

    Attributes:
        table: what it was held against: completeness, volume, drift, freshness, reference_integrity.
        expectation: what was expected, in words.
        severity: ``critical`` or ``warning``.
        holds: whether it holds.
        observed: what was found.
        rows: rows that break it, at most 20.
    """

    table: str
    expectation: str
    severity: str
    holds: bool
    observed: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Gate:
    """What came of all expectations.

    Attributes:
        findings: one per expectation.
        page: Great Expectations' own pages, as one HTML document without network.
    """

    findings: list[Finding]
    page: str

    @property
    def failing(self) -> list[Finding]:
        """Critical expectations that do not hold."""
        return [finding for finding in self.findings if not finding.holds and finding.severity == CRITICAL]


def hold_to_expectations(lake: Lake, composite: Mapping[str, Any]) -> Gate:
    """Check the tables behind a scorecard before it is published.

    Args:
        lake: the warehouse.
        composite: the row of ``scorecards.composites`` that is to be published.
    """
    lake.set_variables(
        {name: composite[name] for name in ("site_id", "period", "period_kind", "period_start", "period_end")}
    )
    tables = {recipe.name: lake.frame(recipe.query) for recipe in recipes("gate")}
    limits = dict(
        lake.frame(
            "SELECT name, value FROM reference.parameters WHERE starts_with(name, 'gate_') AND is_usable"
        ).iter_rows()
    )
    # Great Expectations reads these when it is imported, and draws progress bars for a person who is not there.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with redirect_stderr(io.StringIO()):
        results = list(_results(tables, limits))
        findings = [finding for table, result in results for finding in _findings(table, result)]
        title = f"Publication gate: {composite['site_id']} {composite['period']}"
        page = _as_one_page(title, findings, [result for _, result in results])
    return Gate(findings, page)


def _expectations(limits: Mapping[str, float]) -> dict[str, list[Any]]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    critical, warning = FailureSeverity.CRITICAL, FailureSeverity.WARNING
    tolerance, factor = limits["gate_volume_tolerance"], limits["gate_drift_factor"]
    return {
        "completeness": [
            gxe.ExpectColumnValuesToBeInSet(column="rows", value_set=[1], severity=critical),
            gxe.ExpectColumnValuesToBeUnique(column="indicator", severity=critical),
        ],
        "volume": [
            gxe.ExpectColumnValuesToBeBetween(
                column="ratio", min_value=1 - tolerance, max_value=1 + tolerance, severity=critical
            )
        ],
        "drift": [
            gxe.ExpectColumnValuesToBeBetween(column="ratio", min_value=1 / factor, max_value=factor, severity=warning)
        ],
        "freshness": [
            gxe.ExpectColumnValuesToBeBetween(
                column="days_before_end", max_value=limits["gate_freshness_days"], severity=critical
            )
        ],
        "reference_integrity": [gxe.ExpectColumnValuesToBeInSet(column="holds", value_set=[True], severity=critical)],
    }


def _results(tables: Mapping[str, pl.DataFrame], limits: Mapping[str, float]) -> Iterator[tuple[str, Any]]:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_pandas("warehouse")
    for table, expectations in _expectations(limits).items():
        if tables[table].is_empty():
            continue
        batches = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        suite = context.suites.add(gx.ExpectationSuite(name=table, expectations=expectations))
        checks = context.validation_definitions.add(gx.ValidationDefinition(data=batches, suite=suite, name=table))
        key = tables[table].columns[0]
        yield (
            table,
            checks.run(
                batch_parameters={"dataframe": tables[table].to_pandas()},
                result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [key]},
            ),
        )


def _findings(table: str, result: Any) -> Iterator[Finding]:
    for one in result.results:
        config = one.expectation_config
        stated = {name: value for name, value in config.kwargs.items() if name not in ("batch_id",)}
        broken = one.result.get("unexpected_index_list") or []
        yield Finding(
            table=table,
            expectation=f"{config.type} {stated}",
            severity=str(getattr(config.severity, "value", config.severity)),
            holds=bool(one.success),
            observed=f"{one.result.get('unexpected_count', 0)} of {one.result.get('element_count', 0)} rows break it",
            rows=[{name: _plain(value) for name, value in row.items()} for row in broken[:SHOWN_ROWS]],
        )


def _plain(value: Any) -> Any:
    """A NumPy scalar as the number it is."""
    return value.item() if hasattr(value, "item") else value


_EMPTY_PAGE = "<html><head><meta charset='utf-8'><title>Publication gate</title></head><body></body></html>"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b2733; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
th, td { border-bottom: 1px solid #d7dee6; padding: .35rem .6rem; text-align: left; vertical-align: top }
.badge { background: #eef2f6; border-radius: .3rem; padding: 0 .35rem }
h2 { margin-top: 3rem; border-top: 2px solid #1b2733; padding-top: .6rem } ol, ul { padding-left: 1.2rem }
"""


_NOT_FOR_A_FILE = (
    "//script | //link | //img | //style | //button | //nav | //footer | //input | //label | //a[@data-toggle]"
    " | //div[contains(@class, 'card')][div/strong[text() = 'Actions' or text() = 'Table of Contents']]"
)
"""What Great Expectations' pages fetch from elsewhere, or what does nothing without it."""


def _as_one_page(title: str, findings: list[Finding], results: list[Any]) -> str:
    """What was found, and below it Great Expectations' own pages, without network."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    page = html.document_fromstring(_EMPTY_PAGE)
    page.head.append(builder.STYLE(_STYLE))
    page.body.extend([builder.H1(title), _table(findings)])
    for result in results:
        shown = html.document_fromstring(DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(result)))
        for element in shown.xpath(_NOT_FOR_A_FILE):
            element.drop_tree()
        for element in shown.xpath("//a"):
            element.drop_tag()
        for icon in shown.xpath("//i"):
            icon.text = "✓" if "text-success" in icon.get("class", "") else "✗"
        page.body.extend([builder.H2(result.suite_name.replace("_", " ")), *shown.body])
    return html.tostring(page, encoding="unicode", doctype="<!doctype html>")


def _table(findings: list[Finding]) -> html.HtmlElement:
    rows = [
        builder.TR(
            *(
                builder.TD(cell)
                for cell in ("✓" if one.holds else "✗", one.table, one.severity, one.expectation, one.observed)
            )
        )
        for one in findings
    ]
    head = builder.TR(*(builder.TH(cell) for cell in ("", "table", "severity", "expected", "found")))
    return builder.TABLE(head, *rows)
