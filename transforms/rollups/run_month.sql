-- One row per site, month and run: the part of the run that is in the month.
-- What a run states for its whole length falls evenly on the time from its start to its end. A run without an end has
-- no length yet and no row; a run without a device count has no device-hours: unknown, not zero. While runs hold more
-- devices together than are installed, each counts its share of them. Operations of different number formats do not
-- add up. A run is as busy as its operations are of the dense peak of its own accelerator at its own precision (the
-- declared one where it states none); that share of the peak at the declared precision is what it achieved. Its own
-- format is kept beside it. Where a run in another format does not state its operations, nobody can convert them, and
-- it has no peak; FP16 and BF16 are one where their peaks are. A run that claims more operations than its accelerators
-- can do has the wrong key, so its operations are not used.
-- grain: site_id, month_start, cluster_id, job_id, submitted_at_utc
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
peaks AS (
    SELECT reference_id, sku, precision, peak_tflops, unit
    FROM reference.accelerators
    WHERE is_usable AND peak_tflops > 0
),
names AS (
    SELECT name, sku, coalesce(sku, name) AS device_type, device_share
    FROM rollups.accelerator_name
    WHERE site_id = getvariable('site_id')
),
declared_precision AS (
    SELECT reference_id, text_value AS precision, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'declared_precision' AND is_usable
),
overbooked AS (
    SELECT
        month_start,
        device_type,
        from_utc,
        to_utc,
        1 - devices_counted::DOUBLE / devices_held::DOUBLE AS uncounted_share,
        uncounted_share * date_diff('microsecond', from_utc, to_utc) / 1e6 AS uncounted_s,
        sum(uncounted_s) OVER (PARTITION BY month_start, device_type ORDER BY from_utc) - uncounted_s AS uncounted_before_s
    FROM rollups.overbooked_span
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
ended_runs AS (
    SELECT
        workload_runs.* REPLACE (
            coalesce(names.sku, workload_runs.sku) AS sku,
            device_count * coalesce(device_share, 1) AS device_count
        ),
        coalesce(device_type, '') AS device_type,
        date_diff('microsecond', started_at_utc, ended_at_utc) / 1e6 AS run_s
    FROM staged.workload_runs
    LEFT JOIN names ON workload_runs.sku = names.name
    WHERE site_id = getvariable('site_id') AND started_at_utc IS NOT NULL AND ended_at_utc IS NOT NULL
),
parts AS (
    SELECT
        months.month_start,
        ended_runs.*,
        greatest(started_at_utc, start_utc) AS part_from_utc,
        least(ended_at_utc, end_utc) AS part_to_utc,
        date_diff('microsecond', part_from_utc, part_to_utc) / 1e6 AS part_s,
        CASE WHEN run_s = 0 THEN 1 ELSE part_s / run_s END AS share
    FROM ended_runs
    JOIN months
        ON started_at_utc < end_utc
        AND (ended_at_utc > start_utc OR (run_s = 0 AND started_at_utc >= start_utc))
),
begun_parts AS (
    SELECT
        parts.*,
        coalesce(
            uncounted_before_s
            + uncounted_share * date_diff('microsecond', from_utc, least(to_utc, part_from_utc)) / 1e6,
            0
        ) AS uncounted_at_begin_s
    FROM parts
    ASOF LEFT JOIN overbooked
        ON parts.month_start = overbooked.month_start
        AND parts.device_type = overbooked.device_type
        AND parts.part_from_utc >= overbooked.from_utc
),
counted_parts AS (
    SELECT
        begun_parts.*,
        part_s
        - coalesce(
            uncounted_before_s
            + uncounted_share * date_diff('microsecond', from_utc, least(to_utc, part_to_utc)) / 1e6,
            0
        )
        + uncounted_at_begin_s AS counted_s
    FROM begun_parts
    ASOF LEFT JOIN overbooked
        ON begun_parts.month_start = overbooked.month_start
        AND begun_parts.device_type = overbooked.device_type
        AND begun_parts.part_to_utc >= overbooked.from_utc
),
keyed_parts AS (
    SELECT
        counted_parts.* REPLACE (coalesce(counted_parts.precision, declared_precision.precision) AS precision),
        declared_precision.precision AS declared_precision,
        declared_precision.reference_id AS precision_reference,
        counted_parts.precision IS NULL AS is_precision_assumed
    FROM counted_parts
    LEFT JOIN declared_precision
        ON counted_parts.month_start BETWEEN declared_precision.valid_from AND declared_precision.valid_to
),
rated_parts AS (
    SELECT
        keyed_parts.*,
        own.reference_id AS own_reference,
        declared.reference_id AS declared_reference,
        device_count * own.peak_tflops / 1000 AS own_pflops,
        keyed_parts.precision = declared_precision
        OR (
            keyed_parts.precision IN ('BF16', 'FP16')
            AND declared_precision IN ('BF16', 'FP16')
            AND own.peak_tflops = declared.peak_tflops
        ) AS is_in_declared_format,
        CASE
            WHEN own_pflops IS NOT NULL AND (is_in_declared_format OR model_pflop IS NOT NULL)
                THEN device_count * declared.peak_tflops / 1000
        END AS declared_pflops,
        model_pflop <= own_pflops * run_s AND run_s > 0 AND device_count > 0 AS is_covered
    FROM keyed_parts
    LEFT JOIN peaks AS own ON own.sku = keyed_parts.sku AND own.precision = keyed_parts.precision
    LEFT JOIN peaks AS declared
        ON declared.sku = keyed_parts.sku
        AND declared.precision = keyed_parts.declared_precision
        AND declared.unit = 'TFLOPS'
)
SELECT
    site_id,
    month_start,
    cluster_id,
    job_id,
    submitted_at_utc,
    part_from_utc AS from_utc,
    part_to_utc AS to_utc,
    tenant_id,
    workload_class,
    model_name,
    sku,
    precision,
    flops_convention,
    (part_s / 3600)::DECIMAL(38, 9) AS run_hours,
    (device_count * counted_s / 3600)::DECIMAL(38, 9) AS device_hours,
    (
        CASE
            WHEN productive_s IS NOT NULL
                THEN device_count * least(productive_s, run_s) * share * coalesce(counted_s / nullif(part_s, 0), 1) / 3600
        END
    )::DECIMAL(38, 9) AS productive_device_hours,
    (tokens * share)::DECIMAL(38, 9) AS tokens,
    (energy_j * share)::DECIMAL(38, 9) AS energy_j,
    (declared_pflops * counted_s / 3600)::DECIMAL(38, 9) AS peak_pflop_h,
    (CASE WHEN is_covered THEN model_pflop * (declared_pflops / own_pflops) * share / 3600 END)::DECIMAL(38, 9)
        AS achieved_pflop_h,
    coalesce(is_in_declared_format, false) AS is_in_declared_format,
    (own_pflops * counted_s / 3600)::DECIMAL(38, 9) AS peak_at_own_precision_pflop_h,
    (CASE WHEN is_covered THEN model_pflop * share / 3600 END)::DECIMAL(38, 9) AS achieved_at_own_precision_pflop_h,
    (charged_amount * share)::DECIMAL(38, 9) AS charged_amount,
    currency,
    evidence_rank::INTEGER AS evidence_rank,
    CASE
        WHEN own_reference IS NULL THEN []::VARCHAR[]
        WHEN declared_reference IS NULL THEN [own_reference]
        WHEN own_reference = declared_reference AND NOT is_precision_assumed THEN [own_reference]
        WHEN own_reference = declared_reference THEN [own_reference, precision_reference]
        ELSE [own_reference, declared_reference, precision_reference]
    END AS reference_rows
FROM rated_parts
JOIN reference.evidence_classes USING (evidence_class)
