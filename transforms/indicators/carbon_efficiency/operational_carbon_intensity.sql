-- One row per site and month: location-based carbon of grid electricity over effective compute.
-- Effective compute is what the runs achieved. Where part of a month's electricity is unknown, compute counts in the
-- same share of days, because energy that is unknown is not zero.
-- name: Operational carbon intensity | 运行碳效
-- formula: Σ location-based kgCO2e ÷ Σ effective PFLOP-hours
-- unit: kgCO2e/PFLOP-h
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: GHG Protocol Scope 2, location-based; unit of work ours
-- grain: site_id, month_start
WITH facts AS (
    SELECT *, coalesce(location_gap, compute_gap) AS gap
    FROM rollups.carbon_intensity_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN gap IS NULL THEN location_kgco2e END AS numerator,
    (CASE WHEN gap IS NULL THEN effective_pflop_h * energy_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN days * least(energy_share, compute_share) ELSE 0 END)::DECIMAL(38, 9) AS observed,
    days::DECIMAL(38, 9) AS expected,
    greatest(location_evidence_rank, compute_evidence_rank) AS evidence_rank,
    list_sort(list_distinct(flatten([location_reference_rows, compute_reference_rows]))) AS reference_rows,
    gap
FROM facts
