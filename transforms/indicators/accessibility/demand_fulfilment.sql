-- One row per site and month: demand that started in time over all demand, in device-hours.
-- Demand counts in the month it was asked for: by the device-hours it took, or by those asked for where it has not run
-- to its end. What never started counts as not fulfilled. Requests of unknown size lower the coverage.
-- name: Demand fulfilment | 普适
-- formula: Σ device-hours started within the waiting-time target ÷ Σ device-hours requested
-- unit: 1
-- better: higher
-- origin: declared
-- window: period
-- gap: no workload records
-- source: our design choice
-- grain: site_id, month_start
WITH demand AS (
    SELECT *
    FROM rollups.workload_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND requests > 0
),
waiting_time_target AS (
    SELECT reference_id, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'waiting_time_target_s' AND is_usable
)
SELECT
    site_id,
    month_start,
    fulfilled_device_hours AS numerator,
    CASE WHEN fulfilled_device_hours IS NOT NULL THEN requested_device_hours END AS denominator,
    sized_requests::DECIMAL(38, 9) AS observed,
    requests::DECIMAL(38, 9) AS expected,
    evidence_rank,
    CASE WHEN reference_id IS NULL THEN []::VARCHAR[] ELSE [reference_id] END AS reference_rows,
    CASE WHEN fulfilled_device_hours IS NULL THEN 'no workload records' END AS gap
FROM demand
LEFT JOIN waiting_time_target ON month_start BETWEEN valid_from AND valid_to
