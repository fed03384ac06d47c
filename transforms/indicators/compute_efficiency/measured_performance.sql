-- One row per site and month: compute achieved over the theoretical peak of the same device-hours.
-- Runs that state their model operations, and benchmarks that state floating-point operations per second. A benchmark
-- counts by its duration and devices, its peak is its own or that of its accelerators at its own precision; a result
-- above its peak, or one that its own rules call invalid, does not count.
-- name: Measured performance | 实测性能
-- formula: Σ achieved PFLOP-h ÷ Σ peak PFLOP-h
-- unit: 1
-- better: higher
-- origin: published
-- window: period
-- gap: no benchmark
-- source: the name is published, the ratio to the peak is our design choice
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
peaks AS (
    SELECT reference_id, sku, precision, peak_tflops
    FROM reference.accelerators
    WHERE is_usable AND sparsity = 'dense' AND unit = 'TFLOPS' AND peak_tflops > 0
),
units (unit, pflops) AS (
    VALUES ('gflop/s', 1e-6), ('gflops', 1e-6), ('tflop/s', 1e-3), ('tflops', 1e-3), ('pflop/s', 1.0), ('pflops', 1.0)
),
benchmarks AS (
    SELECT
        months.site_id,
        month_start,
        coalesce(device_count, 1) AS devices,
        date_diff('microsecond', greatest(started_at_utc, start_utc), least(ended_at_utc, end_utc)) / 3.6e9 AS hours,
        value * pflops AS achieved_pflops,
        coalesce(peak_value * pflops, device_count * peak_tflops / 1000) AS peak_pflops,
        achieved_pflops <= peak_pflops AND is_valid IS DISTINCT FROM FALSE AS is_covered,
        evidence_rank,
        CASE WHEN peak_value IS NULL THEN peaks.reference_id END AS peak_reference
    FROM staged.benchmark_results
    JOIN months
        ON benchmark_results.site_id = months.site_id AND started_at_utc < end_utc AND ended_at_utc > start_utc
    JOIN units ON lower(benchmark_results.unit) = units.unit
    JOIN reference.evidence_classes USING (evidence_class)
    LEFT JOIN peaks USING (sku, precision)
),
evidence AS (
    SELECT
        site_id,
        month_start,
        achieved_pflop_h,
        peak_covered_pflop_h AS peak_pflop_h,
        covered_device_hours,
        allocated_device_hours AS device_hours,
        evidence_rank,
        reference_rows
    FROM rollups.compute_month
    SEMI JOIN months USING (site_id, month_start)
    UNION ALL BY NAME
    SELECT
        site_id,
        month_start,
        (CASE WHEN is_covered THEN achieved_pflops * hours END)::DECIMAL(38, 9) AS achieved_pflop_h,
        (CASE WHEN is_covered THEN peak_pflops * hours END)::DECIMAL(38, 9) AS peak_pflop_h,
        (CASE WHEN is_covered THEN devices * hours END)::DECIMAL(38, 9) AS covered_device_hours,
        (devices * hours)::DECIMAL(38, 9) AS device_hours,
        evidence_rank,
        CASE WHEN is_covered AND peak_reference IS NOT NULL THEN [peak_reference] ELSE [] END AS reference_rows
    FROM benchmarks
)
SELECT
    site_id,
    month_start,
    sum(achieved_pflop_h) AS numerator,
    sum(peak_pflop_h) AS denominator,
    coalesce(sum(covered_device_hours), 0) AS observed,
    sum(device_hours) AS expected,
    max(evidence_rank)::INTEGER AS evidence_rank,
    list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows,
    CASE WHEN sum(achieved_pflop_h) IS NULL THEN 'no benchmark' END AS gap
FROM evidence
GROUP BY site_id, month_start
