-- One row per site, month and number format: compute achieved, beside the theoretical peak of the same device-hours.
-- Runs that state their model operations, and benchmarks that state floating-point operations per second, both held
-- against the peak of their own format: figures of different formats do not add up. FP16 counts as the declared BF16
-- where the accelerator has one peak for both. A benchmark counts by its duration
-- and devices, its peak is its own or that of its accelerators; a result above its peak, or one that its own rules call
-- invalid, does not count. Nor does a month in which runs that share devices claim more together than these can do.
-- as a view: measured performance is that of the declared format; the others are here to be asked for
-- grain: site_id, month_start, precision
WITH peaks AS (
    SELECT reference_id, sku, precision, peak_tflops
    FROM reference.accelerators
    WHERE is_usable AND unit = 'TFLOPS' AND peak_tflops > 0
),
declared_precision AS (
    SELECT text_value AS precision, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'declared_precision' AND is_usable
),
units (unit, pflops) AS (
    VALUES ('gflop/s', 1e-6), ('gflops', 1e-6), ('tflop/s', 1e-3), ('tflops', 1e-3), ('pflop/s', 1.0), ('pflops', 1.0)
),
benchmarks AS (
    SELECT
        months.site_id,
        months.month_start,
        coalesce(benchmark_results.precision, declared_precision.precision) AS precision,
        device_count * coalesce(device_share, 1) AS sized_devices,
        coalesce(sized_devices, 1) AS devices,
        date_diff('microsecond', greatest(started_at_utc, start_utc), least(ended_at_utc, end_utc)) / 3.6e9 AS hours,
        value * pflops AS achieved_pflops,
        coalesce(peak_value * pflops, sized_devices * peak_tflops / 1000) AS peak_pflops,
        achieved_pflops <= peak_pflops AND is_valid IS DISTINCT FROM FALSE AS is_covered,
        benchmark_results.precision IS NOT NULL AS is_precision_known,
        evidence_rank,
        CASE WHEN peak_value IS NULL THEN peaks.reference_id END AS peak_reference
    FROM staged.benchmark_results
    JOIN reference.site_months AS months
        ON benchmark_results.site_id = months.site_id AND started_at_utc < end_utc AND ended_at_utc > start_utc
    JOIN units ON lower(benchmark_results.unit) = units.unit
    JOIN reference.evidence_classes USING (evidence_class)
    LEFT JOIN declared_precision ON months.month_start BETWEEN valid_from AND valid_to
    LEFT JOIN rollups.accelerator_name AS names
        ON benchmark_results.site_id = names.site_id AND benchmark_results.sku = names.name
    LEFT JOIN peaks ON peaks.sku = names.sku AND peaks.precision = benchmark_results.precision
),
run_sums AS (
    SELECT
        site_id,
        month_start,
        CASE WHEN is_in_declared_format THEN declared_precision.precision ELSE run_month.precision END AS precision,
        sum(achieved_at_own_precision_pflop_h) AS achieved_pflop_h,
        sum(peak_at_own_precision_pflop_h) FILTER (WHERE achieved_at_own_precision_pflop_h IS NOT NULL) AS peak_pflop_h,
        sum(device_hours) FILTER (WHERE achieved_at_own_precision_pflop_h IS NOT NULL) AS covered_device_hours,
        sum(device_hours) AS device_hours,
        max(evidence_rank)::INTEGER AS evidence_rank,
        list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows,
        bool_and(peak_at_own_precision_pflop_h IS NULL) AS lacks_peak
    FROM rollups.run_month
    LEFT JOIN declared_precision ON month_start BETWEEN valid_from AND valid_to
    WHERE device_hours > 0
    GROUP BY ALL
),
evidence AS (
    SELECT
        * REPLACE (
            CASE WHEN is_possible THEN achieved_pflop_h END AS achieved_pflop_h,
            CASE WHEN is_possible THEN peak_pflop_h END AS peak_pflop_h,
            CASE WHEN is_possible THEN covered_device_hours END AS covered_device_hours
        )
    FROM (SELECT *, achieved_pflop_h <= peak_pflop_h + 0.000001 AS is_possible FROM run_sums)
    UNION ALL BY NAME
    SELECT
        site_id,
        month_start,
        precision,
        (CASE WHEN is_covered THEN achieved_pflops * hours END)::DECIMAL(38, 9) AS achieved_pflop_h,
        (CASE WHEN is_covered THEN peak_pflops * hours END)::DECIMAL(38, 9) AS peak_pflop_h,
        (CASE WHEN is_covered THEN devices * hours END)::DECIMAL(38, 9) AS covered_device_hours,
        (devices * hours)::DECIMAL(38, 9) AS device_hours,
        evidence_rank,
        CASE WHEN is_covered AND peak_reference IS NOT NULL THEN [peak_reference] ELSE [] END AS reference_rows,
        peak_pflops IS NULL AND is_precision_known AS lacks_peak
    FROM benchmarks
)
SELECT
    site_id,
    month_start,
    precision,
    sum(achieved_pflop_h) AS achieved_pflop_h,
    sum(peak_pflop_h) AS peak_pflop_h,
    coalesce(sum(covered_device_hours), 0) AS covered_device_hours,
    sum(device_hours) AS device_hours,
    bool_and(lacks_peak) AS lacks_peak,
    max(evidence_rank)::INTEGER AS evidence_rank,
    list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows
FROM evidence
GROUP BY site_id, month_start, precision
