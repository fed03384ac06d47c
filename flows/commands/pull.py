"""Verbs about Prometheus: pull from servers, and what becomes of each metric."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from suanheng.config.errors import BadSettings, ExitCode
from suanheng.config.workspace import Workspace, open_workspace
from suanheng.flows.commands.console import (
    JsonOption,
    WorkspaceOption,
    progress_bar,
    say_json,
    say_table,
    words,
)
from suanheng.warehouse.lake import reading

if TYPE_CHECKING:
    from suanheng.config.pulls import Pull

_COUNTS = ("new", "replaced", "unchanged", "kept", "empty", "values")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(pull)
    app.command()(metrics)


def pull(
    name: Annotated[list[str] | None, typer.Argument(help="Only these pulls.")] = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Ask the Prometheus servers of pulls.toml for what is missing, into the landing zone; ingest nothing."""
    from suanheng.flows.landing import pull as pulling
    from suanheng.flows.orchestration.steps import Failure, Steps

    opened = open_workspace(workspace)
    orders = _wanted(opened, name or [])
    now = datetime.now(UTC)
    with progress_bar(quiet=as_json) as bar:
        steps = Steps(bar).each(
            "pull", orders, lambda order: pulling.pull(order, opened, now), part=lambda order: order.name
        )
        results = list(steps)
    pulled = [asdict(result) for result in results if not isinstance(result, Failure)]
    failures = {failure.part: str(failure.error) for failure in results if isinstance(failure, Failure)}
    unbound = _unbound(opened, orders)
    code = ExitCode.ERROR if failures else ExitCode.DONE
    if as_json:
        say_json({"pulls": pulled, "failures": failures, "unbound": unbound, "exit_code": code})
    else:
        _tell(pulled, failures, unbound)
    sys.exit(code)


def metrics(workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> None:
    """What becomes of every metric that was ingested; those that no mapping names are counted and named."""
    query = """
        WITH readings AS (
            SELECT site_id, metric, labels FROM raw.prometheus_matrix
            UNION ALL
            SELECT site_id, metric, labels FROM raw.prometheus_text
            UNION ALL
            SELECT site_id, metric, labels FROM raw.prometheus_json_lines
        ),
        mapped AS (
            SELECT
                metric,
                string_agg(DISTINCT exporter, ', ' ORDER BY exporter) AS exporter,
                string_agg(DISTINCT dataset || '.' || column_name, ', ' ORDER BY dataset || '.' || column_name)
                    AS columns
            FROM reference.metric_mappings
            WHERE is_usable
            GROUP BY metric
        )
        SELECT
            site_id,
            metric,
            exporter,
            CASE WHEN exporter IS NULL THEN 'not mapped' ELSE coalesce(columns, 'known, not used') END AS becomes,
            count(DISTINCT labels) AS series,
            count(*) AS samples
        FROM readings
        LEFT JOIN mapped USING (metric)
        GROUP BY site_id, metric, exporter, columns
        ORDER BY exporter IS NOT NULL, site_id, metric
    """
    with reading(open_workspace(workspace)) as lake:
        rows = lake.frame(query).to_dicts()
    if as_json:
        say_json(rows)
        return
    say_table(rows)
    unmapped = sum(row["becomes"] == "not mapped" for row in rows)
    if unmapped:
        words.print(
            f"Not mapped, so that they feed nothing: {unmapped}. To use one, add it to reference/metric_mappings.csv."
        )


def _wanted(workspace: Workspace, names: list[str]) -> "list[Pull]":
    from suanheng.config.pulls import read_pulls

    orders = read_pulls(workspace.pulls_file)
    there = [order.name for order in orders]
    if not orders:
        raise BadSettings(f"{workspace.pulls_file} names no pull. See docs/prometheus.md for how to write one.")
    if unknown := sorted(set(names) - set(there)):
        raise BadSettings(f"There is no pull {', '.join(unknown)}. There are: {', '.join(there)}.")
    return [order for order in orders if not names or order.name in names]


def _unbound(workspace: Workspace, orders: "list[Pull]") -> list[str]:
    """Pulls whose files no source ingests."""
    from suanheng.config.sources import source_files
    from suanheng.flows.landing.pending import sources_of

    sources = sources_of(workspace)
    bound = {
        (file.path.parent, file.site_id)
        for file in source_files(workspace.root, sources)
        if file.source.format == "prometheus_matrix"
    }
    return [
        order.name
        for order in orders
        if any(order.folder.glob("*.json.gz")) and (order.folder, order.site) not in bound
    ]


def _tell(pulled: list[dict[str, Any]], failures: dict[str, str], unbound: list[str]) -> None:
    say_table([{"pull": part["name"], **{count: part[count] for count in _COUNTS}} for part in pulled])
    for part in pulled:
        for metric, samples in part["unmapped"].items():
            words.print(f"{part['name']}: {metric} is not mapped and feeds nothing ({samples} samples)", markup=False)
        if part["kept"]:
            words.print(
                f"{part['name']}: the server now holds less of {part['kept']} windows than when they were first "
                "pulled, as when its retention runs out; the files stay as they are",
                markup=False,
            )
    if failures:
        say_table(
            [{"pull": part, "why": why} for part, why in failures.items()], "Failed; what was pulled before stays"
        )
    for name in unbound:
        words.print(
            f"{name}: no [[source]] of format prometheus_matrix takes its files in; add one to sources.toml",
            markup=False,
        )
