"""Verbs that answer questions: status, explain, sql, report. None of them waits for a writer."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import typer

from suanheng.config.errors import ExitCode
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    fail,
    say_json,
    say_rows,
    say_table,
    words,
)
from suanheng.warehouse.lake import Lake, reading

if TYPE_CHECKING:
    from suanheng.flows.status.freshness import Freshness


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(status)
    app.command("explain")(explain_figure)
    app.command()(sql)
    app.command()(report)


def status(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """What is known per site and quarter; what is stale, late or missing, and why; corrections sources outgrew."""
    query = """
        SELECT
            c.site_id, c.period, c.score, c.score_low, c.score_high, c.grade, c.indicators_scored, c.indicators_total,
            c.coverage, c.evidence_class,
            coalesce((
                SELECT string_agg(i.indicator || ' (' || i.status || ')', ', ' ORDER BY i.indicator)
                FROM scorecards.indicators AS i
                WHERE i.site_id = c.site_id AND i.period = c.period AND i.dimension IS NOT NULL AND NOT i.is_scored
            ), '') AS withheld
        FROM scorecards.composites AS c
        WHERE c.period_kind = 'quarter'
        ORDER BY c.site_id, c.period_start
    """
    from suanheng.flows.status.missing_factors import missing_factors

    opened, now = open_workspace(workspace), datetime.now(UTC)
    with reading(opened) as lake:
        rows = lake.frame(query).to_dicts()
        refused = lake.frame(
            "SELECT correction_id, site_id, finding FROM ops.corrections WHERE rows_refused > 0 ORDER BY ALL"
        ).to_dicts()
        without_factor = missing_factors(lake)
        by_source = _by_binding(opened, lake, now)
        by_quarter = _by_quarter(opened, lake, by_source, now)
    evidence = [asdict(row) for row in by_source]
    if as_json:
        say_json(
            {"quarters": rows, "datasets": by_quarter, "sources": evidence, "corrections_refused": refused}
            | {"missing_factors": without_factor}
        )
        return
    say_table([{name: value for name, value in row.items() if name != "withheld"} for row in rows])
    for row in rows:
        if row["withheld"]:
            words.print(f"{row['site_id']} {row['period']} withheld: {row['withheld']}", markup=False)
    counts = Counter(row["state"] for row in by_quarter)
    words.print("Datasets by quarter: " + (", ".join(f"{n} {state}" for state, n in counts.most_common()) or "none"))
    if not_fresh := [row for row in by_quarter if row["state"] in {"stale", "late", "missing"}]:
        say_table(_datasets_together(not_fresh), "Stale, late or missing")
    if expected := [row for row in evidence if row["state"] in {"late", "missing"}]:
        say_table(expected, "Late or missing by the cadence of their sources")
    if refused:
        say_table(refused, "Corrections that were not applied")
    if without_factor:
        say_table(without_factor, "Carbon that no factor is known for")


def _datasets_together(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for all datasets of a quarter that are in the same state for the same reasons."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        alike.setdefault((row["site_id"], row["period"], row["state"], row["why"]), []).append(row["dataset"])
    return [
        {"site_id": site_id, "period": period, "state": state, "datasets": ", ".join(datasets), "why": why}
        for (site_id, period, state, why), datasets in alike.items()
    ]


def _by_binding(workspace: Workspace, lake: Lake, now: datetime) -> "list[Freshness]":
    """What is fresh, late or missing, by site, dataset and source."""
    from suanheng.config.sites import read_sites
    from suanheng.flows.landing.pending import sources_of
    from suanheng.flows.status.freshness import freshness, known_files

    sources = sources_of(workspace)
    sites = sorted(site.site_id for site in read_sites(workspace.sites_file))
    found = freshness(workspace, sources, sites, known_files(lake), now)
    return sorted(found, key=lambda row: (row.site_id, row.dataset, row.number))


def _by_quarter(workspace: Workspace, lake: Lake, by_source: "list[Freshness]", now: datetime) -> list[dict[str, Any]]:
    """How each dataset of each site stands in each quarter."""
    from suanheng.flows.plan import changed_quarters, settings_now
    from suanheng.flows.status.quarters import dataset_statuses, stated
    from suanheng.transforms.building import periods

    scopes = periods.scopes(lake)
    stale = changed_quarters(lake, settings_now(lake, workspace), scopes, now)
    return [asdict(row) for row in dataset_statuses(scopes, by_source, stated(lake), stale, now)]


def explain_figure(
    site: str, period: str, indicator: str, workspace: WorkspaceOption = Path(), as_json: JsonOption = False
) -> None:
    """How a figure came about: formula, sums, reference facts with source, files."""
    from suanheng.flows.status.missing_factors import missing_factors
    from suanheng.transforms.analysis.lineage import explain

    with reading(open_workspace(workspace)) as lake:
        found = explain(lake, site, period, indicator)
        without_factor = missing_factors(lake, site) if "rollups.carbon_month" in found.tables else []
    if as_json:
        say_json(asdict(found) | {"missing_factors": without_factor})
        return
    figure, entry = found.figure, found.catalogue
    words.print(f"{entry['name_en']} {entry['name_zh']} ({indicator}) of {site} in {period}")
    facts = {
        "formula": entry["formula"],
        "source of the formula": entry["source"],
        "value": _with_unit(figure["value"], figure["unit"]),
        "numerator": figure["numerator"],
        "denominator": figure["denominator"],
        "window": f"{figure['window_start']} to {figure['window_end']} (exclusive), {entry['window']}",
        "status": figure["status"],
        "coverage": figure["coverage"],
        "evidence class": figure["evidence_class"],
        "score": "withheld" if figure["score"] is None else figure["score"],
        "recipe": entry["recipe"],
        "rests on": ", ".join(found.tables),
    }
    say_table([{"what": name, "is": str(value) if value is not None else "unknown"} for name, value in facts.items()])
    say_table(found.months, "Months that were summed")
    say_table([_cited(row) for row in found.reference], "Reference facts used")
    say_table([_shown_file(file, found.files) for file in found.files], "Files")
    if found.bill_lines:
        say_table(found.bill_lines, "Lines of bills by month")
    if without_factor:
        say_table(without_factor, "Carbon that no factor is known for")
    if found.findings:
        say_table(found.findings, "What telemetry could not have meant")


def _shown_file(file: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    """A file as a row; columns of repairs only where something was repaired."""
    rare = {name for name in ("rows_repaired", "rows_corrected") if not any(other[name] for other in files)}
    return {**{name: value for name, value in file.items() if name not in rare}, "file_id": file["file_id"][:12]}


def sql(
    query: str, workspace: WorkspaceOption = Path(), as_json: JsonOption = False, version: int | None = None
) -> None:
    """Ask the warehouse in SQL, read-only, now or as it was at a snapshot (--version)."""
    with reading(open_workspace(workspace), version) as lake:
        try:
            rows = lake.frame(query)
        except duckdb.Error as error:
            fail(str(error), ExitCode.USAGE)
    say_rows(rows.to_dicts(), as_json)


def report(site: str, period: str, workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """Write the scorecard of one site and period again; says where."""
    from suanheng.flows import reports
    from suanheng.transforms.analysis.lineage import NotThere

    opened = open_workspace(workspace)
    with reading(opened) as lake:
        known = lake.value(
            "SELECT count(*) FROM scorecards.composites WHERE site_id = ? AND period = ?", [site, period]
        )
        if not known:
            raise NotThere(f"{site} has no scorecard for {period}. See which there are: suanheng status")
        paths = reports.write(lake.frame, site, period, folder=opened.reports)
    if as_json:
        say_json([str(path) for path in paths])
    else:
        words.print("\n".join(str(path) for path in paths), markup=False)


def _cited(fact: dict[str, Any]) -> dict[str, Any]:
    stated = [fact.get(name) for name in ("value", "text_value", "peak_tflops", "default_kgco2e", "licence_spdx")]
    value = next((str(value) for value in stated if value is not None), "")
    return {
        "fact": fact["reference_id"],
        "value": f"{value} {fact.get('unit') or ''}".strip(),
        "valid": f"{fact['valid_from']} to {fact['valid_to']}" if fact.get("valid_from") else "",
        "confidence": fact["confidence"],
        "source": fact["source"],
    }


def _with_unit(value: Any, unit: str | None) -> str:
    return "unknown" if value is None else f"{value:.6g} {unit if unit and unit != '1' else ''}".strip()
