-- One row per site and month: busy device-hours over the installed device-hours that were observed.
-- Device-hours without telemetry are unknown, neither idle nor busy: they lower the coverage, not the value. Telemetry
-- beyond the inventory of a server or a month does not make up for telemetry missing in another.
-- Availability, allocation ratio and activity ratio multiply to this value: they share its device-hours.
-- name: Resource utilisation | 资源利用率
-- formula: Σ busy device-hours ÷ Σ observed installed device-hours
-- unit: 1
-- better: higher
-- origin: published
-- window: trailing year
-- gap: no telemetry
-- source: long-term (one year) monitored mean of the whole centre, Inspur text of 2023-12 (secondary)
-- grain: site_id, month_start
WITH capacity AS (
    SELECT site_id, month_start, installed_device_hours
    FROM rollups.capacity_month
    WHERE installed_device_hours > 0
),
inventory AS (
    SELECT site_id, month_start, sum(matched_device_hours) AS matched_device_hours
    FROM rollups.inventory_month
    GROUP BY site_id, month_start
),
activity AS (
    SELECT
        site_id,
        month_start,
        busy_device_hours,
        utilisation_device_hours,
        evidence_rank,
        utilisation_device_hours > 0 AS is_known
    FROM rollups.activity_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN is_known THEN busy_device_hours END AS numerator,
    CASE WHEN is_known THEN utilisation_device_hours END AS denominator,
    CASE WHEN installed_device_hours > 0 THEN matched_device_hours ELSE 0 END AS observed,
    coalesce(installed_device_hours, utilisation_device_hours) AS expected,
    evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN NOT is_known THEN 'no telemetry' END AS gap
FROM activity
LEFT JOIN capacity USING (site_id, month_start)
LEFT JOIN inventory USING (site_id, month_start)
