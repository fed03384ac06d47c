-- One row per site and month: busy device-hours over the device-hours held by runs.
-- Third factor of utilisation. Work outside of recorded runs counts as busy, so the ratio may exceed 1: records are
-- missing.
-- name: Activity ratio | 活跃率
-- formula: Σ busy device-hours ÷ Σ allocated device-hours
-- unit: 1
-- better: higher
-- origin: declared
-- window: trailing year
-- gap: no telemetry
-- source: decomposition of accelerator hours (secondary, third-party copy)
-- grain: site_id, month_start
WITH inventory AS (
    SELECT site_id, month_start, sum(matched_device_hours) AS matched_device_hours
    FROM rollups.inventory_month
    GROUP BY site_id, month_start
),
chain AS (
    SELECT
        *,
        CASE
            WHEN allocated_device_hours IS NULL THEN 'no workload records'
            WHEN busy_device_hours IS NULL THEN 'no telemetry'
        END AS gap
    FROM rollups.utilisation_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN gap IS NULL THEN busy_device_hours END AS numerator,
    CASE WHEN gap IS NULL THEN allocated_device_hours END AS denominator,
    CASE WHEN gap IS NULL THEN matched_device_hours ELSE 0 END AS observed,
    installed_device_hours AS expected,
    activity_evidence_rank AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM chain
LEFT JOIN inventory USING (site_id, month_start)
