-- One row per site and month: market-based carbon of grid electricity over effective compute.
-- Stands beside the location-based figure, never in its place. Claims that are matched by year may exceed what a month
-- used: the sum over the period counts, and is no less than what was burnt on site. Effective compute is what the runs achieved. Where part
-- of a month's electricity is unknown, compute counts in the same share, because energy that is unknown is not zero.
-- name: Market-based carbon intensity | 市场法碳强度
-- formula: Σ market-based kgCO2e ÷ Σ effective PFLOP-hours
-- unit: kgCO2e/PFLOP-h
-- better: lower
-- origin: standard
-- window: period
-- gap: no workload records
-- source: GHG Protocol Scope 2, market-based; residual factor and unit of work ours
-- grain: site_id, month_start
WITH facts AS (
    SELECT *, coalesce(market_gap, compute_gap) AS gap
    FROM rollups.carbon_intensity_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN gap IS NULL THEN market_kgco2e END AS numerator,
    CASE WHEN gap IS NULL THEN scope_1_kgco2e END AS numerator_at_least,
    (CASE WHEN gap IS NULL THEN effective_pflop_h * energy_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN days * least(energy_share, compute_share) ELSE 0 END)::DECIMAL(38, 9) AS observed,
    days::DECIMAL(38, 9) AS expected,
    greatest(market_evidence_rank, compute_evidence_rank) AS evidence_rank,
    list_sort(list_distinct(flatten([market_reference_rows, compute_reference_rows]))) AS reference_rows,
    gap
FROM facts
