"""Carbon factors that are missing: of which place, year and kind, what is nearest, and the row to add."""

from typing import Any

from suanheng.warehouse.lake import Lake

_TABLES = {"rollups.grid_factor_month", "rollups.carbon_month", "rollups.fuel_carbon_month"}
_GRID = (
    "reference/grid_emission_factors.csv",
    "reference_id,region_type,region_zh,region_en,region_code,year,factor_kind,value,unit,valid_from,valid_to,"
    "source,confidence,is_usable",
)
_GENERATOR = (
    "reference/parameters.csv",
    "reference_id,name,value,text_value,unit,meaning,valid_from,valid_to,source,confidence,is_usable",
)


def missing_factors(lake: Lake, site_id: str | None = None) -> list[dict[str, Any]]:
    """One row per site, year and kind of factor without which the carbon of electricity is unknown.

    Columns: site_id; region; year; kind of factor; months without it; nearest usable factor there is, if any; file of
    the workspace to add it to; columns of that file.

    Args:
        lake: the warehouse.
        site_id: only this site.
    """
    query = """
        SELECT
            site_id, region_code AS region, year(month_start)::INTEGER AS year, 'grid, average' AS kind,
            count(*)::INTEGER AS months, coalesce(min(nearest_reference_id), 'none') AS nearest
        FROM rollups.grid_factor_month
        JOIN rollups.carbon_month USING (site_id, month_start)
        WHERE basis = 'location' AND reference_id IS NULL AND energy_kwh IS NOT NULL AND coalesce(site_id = $site, true)
        GROUP BY ALL
        UNION ALL
        SELECT
            site_id, site_id, year(month_start)::INTEGER, 'own generator (parameter generator_kgco2e_per_kwh)',
            count(*)::INTEGER, 'none'
        FROM rollups.fuel_carbon_month
        WHERE generator_unknown_kwh > 0 AND coalesce(site_id = $site, true)
        GROUP BY ALL
        ORDER BY ALL
    """
    there = lake.frame("SELECT table_schema || '.' || table_name FROM information_schema.tables").to_series()
    if not set(there) >= _TABLES:
        # An older version wrote the warehouse; its next night says what is missing.
        return []
    found = lake.frame(query, {"site": site_id}).to_dicts()
    for row in found:
        row["add to"], row["columns"] = _GRID if row["kind"].startswith("grid") else _GENERATOR
    return found
