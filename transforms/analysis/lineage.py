"""How a figure came about: from an indicator back to the reference facts and the files it was made from."""

from dataclasses import dataclass
from typing import Any

from suanheng.config.errors import SuanhengError
from suanheng.schemas.staged import DATASETS
from suanheng.transforms.definitions.recipes import Recipe, recipes
from suanheng.warehouse.lake import Lake


class NotThere(SuanhengError):
    """Raised when a site, period or indicator does not exist."""


@dataclass(frozen=True)
class Explanation:
    """Everything behind one figure.

    Attributes:
        figure: the row of scorecards.indicators: numerator, denominator, value, coverage, evidence, status, score.
        catalogue: the indicator's entry in the catalogue: formula, unit, source, recipe.
        tables: tables its recipe rests on, from the indicator back to staged.
        months: the monthly facts that were summed.
        reference: the reference facts used, whole.
        files: files whose rows were used: path, hash, dataset, rows used, rows quarantined, repaired and corrected.
        bill_lines: where bills were used, what each line of them gave to each month: place, days, proration, quantity.
        findings: where telemetry was used, how often it contradicted itself or physics: month, subject, rule, example.
    """

    figure: dict[str, Any]
    catalogue: dict[str, Any]
    tables: list[str]
    months: list[dict[str, Any]]
    reference: list[dict[str, Any]]
    files: list[dict[str, Any]]
    bill_lines: list[dict[str, Any]]
    findings: list[dict[str, Any]]


def explain(lake: Lake, site_id: str, period: str, indicator: str) -> Explanation:
    """Trace one indicator of one site in one period.

    Raises:
        NotThere: there is no such figure; the message lists what there is.
    """
    figure = _figure(lake, site_id, period, indicator)
    catalogue = lake.frame("SELECT * FROM reference.indicators WHERE indicator = ?", [indicator]).row(0, named=True)
    recipe = next(recipe for recipe in recipes("indicators") if recipe.name == indicator and recipe.folder)
    tables = rests_on(recipe)
    window = [site_id, figure["window_start"], figure["window_end"]]
    return Explanation(
        figure=figure,
        catalogue=catalogue,
        tables=tables,
        months=_months(lake, indicator, window),
        reference=[_reference_row(lake, reference_id) for reference_id in figure["reference_rows"]],
        files=[file for table in tables if table.startswith("staged.") for file in _files(lake, table, window)],
        bill_lines=_bill_lines(lake, window) if "rollups.bill_day" in tables else [],
        findings=_findings(lake, tables, window),
    )


def _figure(lake: Lake, site_id: str, period: str, indicator: str) -> dict[str, Any]:
    query = "SELECT * FROM scorecards.indicators WHERE site_id = ? AND period = ? AND indicator = ?"
    rows = lake.frame(query, [site_id, period, indicator])
    if rows.height:
        return rows.row(0, named=True)
    for column, wanted in (("site_id", site_id), ("period", period), ("indicator", indicator)):
        known = lake.frame(f"SELECT DISTINCT {column} FROM scorecards.indicators ORDER BY 1")[column].to_list()
        if wanted not in known:
            what = column.removesuffix("_id")
            raise NotThere(f"There is no {what} {wanted!r}. Known: {', '.join(known) or 'none; run suanheng nightly'}.")
    raise NotThere(f"{site_id} has no scorecard for {period}. See which there are: suanheng status")


_SUMMED = {"rollups.series_hour": ["staged.accelerator_samples"]}
"""What no recipe makes, and what it is summed from: transforms/telemetry/hourly_sums.py."""


def rests_on(recipe: Recipe) -> list[str]:
    """Tables a recipe rests on, from what it reads itself back to staged and raw."""
    made_by = {made.table: made for made in recipes("rollups")}
    found: list[str] = []
    waiting = sorted(recipe.reads)
    while waiting:
        table = waiting.pop(0)
        if table in found or table.startswith("reference."):
            continue
        found.append(table)
        waiting += sorted(made_by[table].reads) if table in made_by else _SUMMED.get(table, [])
    return found


def _months(lake: Lake, indicator: str, window: list[Any]) -> list[dict[str, Any]]:
    query = (
        "SELECT month_start, numerator, denominator, observed, expected, gap FROM indicators.monthly_facts "
        "WHERE indicator = ? AND site_id = ? AND month_start >= ? AND month_start < ? ORDER BY month_start"
    )
    return lake.frame(query, [indicator, *window]).to_dicts()


def _reference_row(lake: Lake, reference_id: str) -> dict[str, Any]:
    table = reference_id.partition("/")[0]
    rows = lake.frame(f'SELECT * FROM reference."{table}" WHERE reference_id = ?', [reference_id])
    return rows.row(0, named=True)


def _files(lake: Lake, table: str, window: list[Any]) -> list[dict[str, Any]]:
    """Files with rows of a staged dataset that cover the window; a day of slack covers every time zone."""
    dataset = table.removeprefix("staged.")
    happened = DATASETS[dataset].happened
    inside, bounds = "", []
    if happened is not None:
        inside = (
            f"AND {happened[0]} < ?::DATE + INTERVAL 14 HOUR "
            f"AND coalesce({happened[1]}, {happened[0]}) >= ?::DATE - INTERVAL 14 HOUR"
        )
        bounds = [window[2], window[1]]
    query = f"""
        WITH used AS (
            SELECT file_id, count(*) AS rows_used FROM {table} WHERE site_id = ? {inside} GROUP BY file_id
        ),
        staged_quarantine AS (
            SELECT file_id, count(*) AS rows FROM quarantine.records
            WHERE stage = 'staged' AND site_id = ? AND table_name = ? GROUP BY file_id
        )
        SELECT
            file.path, used.file_id, '{dataset}' AS dataset, file.evidence_class, used.rows_used,
            file.rows_quarantined + coalesce(staged_quarantine.rows, 0) AS rows_quarantined,
            (
                SELECT count(*) FROM ops.repairs AS r
                WHERE r.file_id = file.file_id AND r.site_id = file.site_id AND r.raw_table = file.raw_table
            ) AS rows_repaired,
            (
                SELECT count(*) FROM ops.corrected_rows AS r
                WHERE r.file_id = file.file_id AND r.site_id = file.site_id AND r.dataset = '{dataset}'
            ) AS rows_corrected
        FROM used
        JOIN ops.files AS file ON file.file_id = used.file_id AND file.site_id = ? AND file.status = 'loaded'
        LEFT JOIN staged_quarantine ON staged_quarantine.file_id = used.file_id
        ORDER BY file.path
    """
    return lake.frame(query, [window[0], *bounds, window[0], dataset, window[0]]).to_dicts()


def _bill_lines(lake: Lake, window: list[Any]) -> list[dict[str, Any]]:
    query = """
        SELECT
            month_start, path, line."row_number", meter_id, commodity, line_type, tariff_period,
            service_start, service_end, count(*) AS days, proration, is_estimated,
            sum(energy_kwh) AS energy_kwh, sum(water_m3) AS water_m3
        FROM rollups.bill_day AS line
        JOIN (
            SELECT site_id, file_id, min(path) AS path FROM ops.files WHERE status = 'loaded' GROUP BY ALL
        ) USING (site_id, file_id)
        WHERE site_id = ? AND month_start >= ? AND month_start < ?
        GROUP BY ALL
        ORDER BY month_start, commodity, meter_id, service_start, path, line."row_number"
    """
    return lake.frame(query, window).to_dicts()


_FOUND_IN = {
    "rollups.device_hour": ("device",),
    "rollups.meter_hour": ("meter", "server"),
    "rollups.run_month": ("run", "device type"),
    "rollups.capacity_month": ("device type",),
}
"""Subjects of findings by the rollup that uses what they say."""


def _findings(lake: Lake, tables: list[str], window: list[Any]) -> list[dict[str, Any]]:
    subjects = [subject for table in tables for subject in _FOUND_IN.get(table, ())]
    query = """
        SELECT month_start, subject_kind, subject_id, rule, findings, first_at_utc, example
        FROM rollups.telemetry_findings_month
        WHERE list_contains(?, subject_kind) AND site_id = ? AND month_start >= ? AND month_start < ?
        ORDER BY month_start, subject_kind, subject_id, rule
    """
    return lake.frame(query, [subjects, *window]).to_dicts()
