-- One row per site and month: device-hours not lost to incidents over installed device-hours.
-- Planned interruptions count as lost: the device-hours were not there to be used. First factor of utilisation.
-- name: Availability | 可用率
-- formula: 1 − Σ device-hours lost to incidents ÷ Σ installed device-hours
-- unit: 1
-- better: higher
-- origin: declared
-- window: trailing year
-- gap: no incidents log
-- source: decomposition of accelerator hours (secondary, third-party copy)
-- grain: site_id, month_start
WITH chain AS (
    SELECT
        *,
        CASE
            WHEN available_device_hours IS NULL THEN 'no incidents log'
        END AS gap
    FROM rollups.utilisation_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN gap IS NULL THEN available_device_hours END AS numerator,
    CASE WHEN gap IS NULL THEN observed_device_hours END AS denominator,
    CASE WHEN gap IS NULL THEN installed_device_hours ELSE 0 END AS observed,
    installed_device_hours AS expected,
    availability_evidence_rank AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM chain
