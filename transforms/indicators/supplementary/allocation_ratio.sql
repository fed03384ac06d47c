-- One row per site and month: device-hours held by runs over available device-hours.
-- Second factor of utilisation; the hours not allocated are those nobody asked for or the scheduler could not place.
-- name: Allocation ratio | 分配率
-- formula: Σ allocated device-hours ÷ Σ available device-hours
-- unit: 1
-- better: higher
-- origin: declared
-- window: trailing year
-- gap: no workload records
-- source: decomposition of accelerator hours (secondary, third-party copy)
-- grain: site_id, month_start
WITH chain AS (
    SELECT
        *,
        CASE
            WHEN available_device_hours IS NULL THEN 'no incidents log'
            WHEN allocated_device_hours IS NULL THEN 'no workload records'
        END AS gap
    FROM rollups.utilisation_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN gap IS NULL THEN allocated_device_hours END AS numerator,
    CASE WHEN gap IS NULL THEN available_device_hours END AS denominator,
    CASE WHEN gap IS NULL THEN installed_device_hours ELSE 0 END AS observed,
    installed_device_hours AS expected,
    allocation_evidence_rank AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM chain
