-- One row per site and month: compute achieved over the theoretical peak of the same device-hours.
-- Runs that state their model operations, and benchmarks that state floating-point operations per second, in the
-- declared number format; rollups.performance_month keeps the others apart, and their device-hours lower the coverage.
-- name: Measured performance | 实测性能
-- formula: Σ achieved PFLOP-h ÷ Σ peak PFLOP-h
-- unit: 1
-- better: higher
-- origin: published
-- window: period
-- gap: no benchmark
-- source: the name is published, the ratio to the peak is our design choice
-- grain: site_id, month_start
WITH declared_precision AS (
    SELECT text_value AS declared_precision, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'declared_precision' AND is_usable
),
evidence AS (
    SELECT performance_month.*, precision = declared_precision AS is_declared
    FROM rollups.performance_month
    LEFT JOIN declared_precision ON month_start BETWEEN valid_from AND valid_to
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    sum(achieved_pflop_h) FILTER (WHERE is_declared) AS numerator,
    sum(peak_pflop_h) FILTER (WHERE is_declared) AS denominator,
    coalesce(sum(covered_device_hours) FILTER (WHERE is_declared), 0) AS observed,
    sum(device_hours) AS expected,
    coalesce(max(evidence_rank) FILTER (WHERE is_declared), max(evidence_rank))::INTEGER AS evidence_rank,
    list_sort(list_distinct(flatten(list(reference_rows) FILTER (WHERE is_declared)))) AS reference_rows,
    CASE
        WHEN numerator IS NOT NULL THEN NULL
        WHEN bool_and(lacks_peak) THEN 'no peak for the accelerator'
        ELSE 'no benchmark'
    END AS gap
FROM evidence
GROUP BY site_id, month_start
