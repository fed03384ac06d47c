-- One row per site and month: productive device-hours over the device-hours of training and fine-tuning.
-- Runs that do not state their productive time lower the coverage.
-- name: Productive goodput | 有效产出
-- formula: Σ productive device-hours ÷ Σ allocated device-hours, training and fine-tuning runs
-- unit: 1
-- better: higher
-- origin: declared
-- window: period
-- gap: no workload records
-- source: AI-Hypercomputer/ml-goodput-measurement src/goodput.py
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    training_productive_device_hours AS numerator,
    training_productive_known_device_hours AS denominator,
    coalesce(training_productive_known_device_hours, 0) AS observed,
    training_device_hours AS expected,
    evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN training_productive_known_device_hours IS NULL THEN 'no workload records' END AS gap
FROM rollups.workload_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND training_device_hours > 0
