-- One row per site, month and run: the part of the run that is in the month.
-- What a run states for its whole length falls evenly on the time from its start to its end. A run without an end has
-- no length yet and no row; a run without a device count has no device-hours: unknown, not zero.
-- The peak is that of the run's own accelerator at the run's own precision, or at the declared one where it states
-- none; only dense figures in TFLOPS count, because figures under different keys must not meet. A run that claims more
-- operations than its accelerators can do has the wrong key, so its operations are not used.
-- grain: site_id, month_start, cluster_id, job_id, submitted_at_utc
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
declared_precision AS (
    SELECT reference_id, text_value AS precision, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'declared_precision' AND is_usable
),
ended_runs AS (
    SELECT *, date_diff('microsecond', started_at_utc, ended_at_utc) / 1e6 AS run_s
    FROM staged.workload_runs
    WHERE site_id = getvariable('site_id') AND started_at_utc IS NOT NULL AND ended_at_utc IS NOT NULL
),
parts AS (
    SELECT
        months.month_start,
        ended_runs.*,
        greatest(started_at_utc, start_utc) AS from_utc,
        least(ended_at_utc, end_utc) AS to_utc,
        date_diff('microsecond', from_utc, to_utc) / 1e6 AS part_s,
        CASE WHEN run_s = 0 THEN 1 ELSE part_s / run_s END AS share
    FROM ended_runs
    JOIN months
        ON started_at_utc < end_utc
        AND (ended_at_utc > start_utc OR (run_s = 0 AND started_at_utc >= start_utc))
),
keyed_parts AS (
    SELECT
        parts.* REPLACE (coalesce(parts.precision, declared_precision.precision) AS precision),
        CASE WHEN parts.precision IS NULL THEN declared_precision.reference_id END AS precision_reference
    FROM parts
    LEFT JOIN declared_precision
        ON parts.month_start BETWEEN declared_precision.valid_from AND declared_precision.valid_to
),
rated_parts AS (
    SELECT
        keyed_parts.*,
        peaks.reference_id AS peak_reference,
        device_count * peak_tflops / 1000 AS peak_pflops,
        model_pflop <= peak_pflops * run_s AND run_s > 0 AND device_count > 0 AS is_covered
    FROM keyed_parts
    LEFT JOIN peaks USING (sku, precision)
)
SELECT
    site_id,
    month_start,
    cluster_id,
    job_id,
    submitted_at_utc,
    from_utc,
    to_utc,
    tenant_id,
    workload_class,
    model_name,
    sku,
    precision,
    flops_convention,
    (part_s / 3600)::DECIMAL(38, 9) AS run_hours,
    (device_count * part_s / 3600)::DECIMAL(38, 9) AS device_hours,
    (CASE WHEN productive_s IS NOT NULL THEN device_count * least(productive_s, run_s) * share / 3600 END)
        ::DECIMAL(38, 9) AS productive_device_hours,
    (tokens * share)::DECIMAL(38, 9) AS tokens,
    (energy_j * share)::DECIMAL(38, 9) AS energy_j,
    (peak_pflops * part_s / 3600)::DECIMAL(38, 9) AS peak_pflop_h,
    (CASE WHEN is_covered THEN model_pflop * share / 3600 END)::DECIMAL(38, 9) AS achieved_pflop_h,
    (charged_amount * share)::DECIMAL(38, 9) AS charged_amount,
    currency,
    evidence_rank::INTEGER AS evidence_rank,
    CASE
        WHEN peak_reference IS NULL THEN []::VARCHAR[]
        WHEN precision_reference IS NULL THEN [peak_reference]
        ELSE [peak_reference, precision_reference]
    END AS reference_rows
FROM rated_parts
JOIN reference.evidence_classes USING (evidence_class)
