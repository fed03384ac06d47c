-- One row per run that states its energy, had accelerators to itself, and whose accelerators were sampled.
-- Sampled energy is the trapezoid integral of device power over the run, device by device, cut at the run's start and
-- end on the line between the two samples around each; a mean over an interval counts as that power for all of it.
-- Samples more than 300 s apart are not joined: nobody knows what happened between them. device_s is what the run
-- lasted times its devices, sampled_device_s the part of it that the samples span: only where the two are close may
-- sampled and stated energy be compared.
-- A run does not say which devices it held. It is tied to its site's devices only where as many devices were sampled
-- as it held, and no other run with accelerators overlaps it; runs that cannot be tied have no row.
-- A partitioned device (MIG) repeats its power on every instance and is counted once.
-- grain: site_id, cluster_id, job_id, submitted_at_utc
WITH months AS (
    SELECT month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE
        site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),

accelerated_runs AS (
    SELECT *, coalesce(ended_at_utc, 'infinity'::TIMESTAMP) AS held_until_utc
    FROM staged.workload_runs
    WHERE site_id = getvariable('site_id') AND device_count > 0 AND started_at_utc IS NOT NULL
),

stating_runs AS (
    SELECT
        months.month_start,
        runs.*,
        classes.evidence_rank,
        epoch_us(runs.started_at_utc) / 1e6 AS start_s,
        epoch_us(runs.ended_at_utc) / 1e6 AS end_s
    FROM accelerated_runs AS runs
    INNER JOIN months ON runs.started_at_utc >= months.start_utc AND runs.started_at_utc < months.end_utc
    INNER JOIN reference.evidence_classes AS classes USING (evidence_class)
    WHERE runs.energy_j IS NOT NULL AND runs.started_at_utc < runs.ended_at_utc
),

overlapping_runs AS (
    SELECT DISTINCT stating.cluster_id, stating.job_id, stating.submitted_at_utc
    FROM stating_runs AS stating
    INNER JOIN accelerated_runs AS others
        ON
            -- A run that follows on another may begin in the same microsecond.
            stating.started_at_utc + INTERVAL 1 MILLISECOND < others.held_until_utc
            AND others.started_at_utc + INTERVAL 1 MILLISECOND < stating.held_until_utc
            AND (stating.cluster_id, stating.job_id, stating.submitted_at_utc)
            != (others.cluster_id, others.job_id, others.submitted_at_utc)
),

runs AS (
    SELECT stating_runs.*
    FROM stating_runs
    ANTI JOIN overlapping_runs USING (cluster_id, job_id, submitted_at_utc)
),

-- Without runs it has no row, and no samples are read.
window_of_runs AS (
    SELECT site_id, min(started_at_utc) AS first_start_utc, max(ended_at_utc) AS last_end_utc
    FROM runs
    GROUP BY site_id
),

samples AS (
    SELECT
        samples.device_id,
        epoch_us(samples.sampled_at_utc) / 1e6 AS at_s,
        max(samples.interval_s) AS interval_s,
        max(samples.device_count) AS device_count,
        max(samples.power_w) AS power_w,
        max(classes.evidence_rank) AS evidence_rank
    FROM staged.accelerator_samples AS samples
    INNER JOIN
        window_of_runs
        ON
            samples.site_id = window_of_runs.site_id
            AND samples.sampled_at_utc >= window_of_runs.first_start_utc - INTERVAL 1 HOUR
            AND samples.sampled_at_utc <= window_of_runs.last_end_utc + INTERVAL 300 SECOND
    INNER JOIN reference.evidence_classes AS classes USING (evidence_class)
    WHERE
        samples.site_id = getvariable('site_id')
        AND samples.sampled_at_utc >= getvariable('start_utc') - INTERVAL 1 HOUR
        AND samples.power_w IS NOT NULL
    GROUP BY samples.device_id, samples.sampled_at_utc
),

segments AS (
    SELECT
        device_id,
        device_count,
        evidence_rank,
        at_s AS start_s,
        CASE WHEN interval_s > 0 THEN at_s + interval_s ELSE lead(at_s) OVER device END AS end_s,
        power_w AS start_w,
        CASE WHEN interval_s > 0 THEN power_w ELSE lead(power_w) OVER device END AS end_w,
        coalesce(interval_s > 0, FALSE) AS is_mean
    FROM samples
    WINDOW device AS (PARTITION BY device_id ORDER BY at_s)
),

pieces AS (
    SELECT
        runs.month_start,
        runs.cluster_id,
        runs.job_id,
        runs.submitted_at_utc,
        segments.device_id,
        segments.device_count,
        (segments.start_s >= runs.start_s)::BIGINT AS samples_within,
        greatest(runs.evidence_rank, segments.evidence_rank) AS evidence_rank,
        greatest(segments.start_s, runs.start_s) AS from_s,
        least(segments.end_s, runs.end_s) AS to_s,
        segments.start_s,
        segments.start_w,
        (segments.end_w - segments.start_w) / (segments.end_s - segments.start_s) AS slope_w_per_s
    FROM runs
    INNER JOIN segments ON segments.start_s < runs.end_s AND segments.end_s > runs.start_s
    WHERE segments.is_mean OR segments.end_s - segments.start_s <= 300
),

devices AS (
    SELECT
        cluster_id,
        job_id,
        submitted_at_utc,
        device_id,
        max(device_count) AS device_count,
        sum(samples_within) AS samples,
        max(evidence_rank) AS evidence_rank,
        sum(((to_s - from_s) * device_count)::DECIMAL(38, 9)) AS sampled_device_s,
        sum(
            (
                device_count * (to_s - from_s)
                * (start_w + slope_w_per_s * ((from_s + to_s) / 2 - start_s))
            )::DECIMAL(38, 9)
        ) AS sampled_energy_j
    FROM pieces
    GROUP BY ALL
)

SELECT
    runs.site_id,
    runs.month_start,
    runs.cluster_id,
    runs.job_id,
    runs.submitted_at_utc,
    sum(devices.sampled_energy_j) AS sampled_energy_j,
    runs.energy_j::DECIMAL(38, 9) AS stated_energy_j,
    sum(devices.samples)::BIGINT AS samples,
    sum(devices.sampled_device_s) AS sampled_device_s,
    ((runs.end_s - runs.start_s) * runs.device_count)::DECIMAL(38, 9) AS device_s,
    max(devices.evidence_rank)::INTEGER AS evidence_rank
FROM runs
INNER JOIN devices USING (cluster_id, job_id, submitted_at_utc)
GROUP BY ALL
HAVING sum(devices.device_count) = runs.device_count
