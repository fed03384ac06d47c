-- One row per site and month: market-based carbon of grid electricity over effective compute.
-- Stands beside the location-based figure, never in its place. Effective compute is what the runs achieved. Where part
-- of a month's electricity is unknown, compute counts in the same share of days, because energy that is unknown is not
-- zero.
-- name: Market-based carbon intensity | 市场法碳强度
-- formula: Σ market-based kgCO2e ÷ Σ effective PFLOP-hours
-- unit: kgCO2e/PFLOP-h
-- better: lower
-- origin: standard
-- window: period
-- gap: no workload records
-- source: GHG Protocol Scope 2, market-based; residual factor and unit of work ours
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
facts AS (
    SELECT
        months.*,
        carbon.market_kgco2e AS kgco2e,
        effective_pflop_h,
        least(facility_days / days, 1) AS energy_share,
        coalesce(covered_device_hours / nullif(allocated_device_hours, 0), 0) AS compute_share,
        greatest(carbon.market_evidence_rank, compute.evidence_rank) AS evidence_rank,
        list_sort(list_distinct(flatten([carbon.market_reference_rows, compute.reference_rows]))) AS reference_rows,
        CASE
            WHEN carbon.market_kgco2e IS NULL THEN coalesce(carbon.gap, 'no bill')
            WHEN effective_pflop_h IS NULL THEN 'no workload records'
        END AS gap
    FROM months
    LEFT JOIN rollups.energy_month AS energy USING (site_id, month_start)
    LEFT JOIN rollups.carbon_month AS carbon USING (site_id, month_start)
    LEFT JOIN rollups.compute_month AS compute USING (site_id, month_start)
    WHERE carbon.month_start IS NOT NULL OR compute.month_start IS NOT NULL
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN kgco2e END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN effective_pflop_h * energy_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN days * least(energy_share, compute_share) ELSE 0 END)::DECIMAL(38, 9) AS observed,
    days::DECIMAL(38, 9) AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    reference_rows,
    gap
FROM facts
