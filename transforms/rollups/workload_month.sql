-- One row per site and month: runs, demand and device-hours of the month.
-- Three clocks meet here: device-hours, tokens and energy count where a run ran, waits where it started, demand where
-- it was asked for. Demand is measured by what the run took, and by what was asked for where it has not run to its end.
-- What its user withdrew before the target had passed was neither served nor refused and is no demand. Of a cancelled
-- request without an end, and of one that waits and whose target had not passed when the site last said anything, nobody
-- knows yet: its demand has no size, and the coverage falls.
-- Of a run whose submission is not known neither the wait is known nor whether it was in time, so its demand has no size.
-- Unsized runs have no device-hours yet, because they have no end or no device count.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
waiting_time_target AS (
    SELECT value AS target_s, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'waiting_time_target_s' AND is_usable
),
slowdown_floor AS (
    SELECT value AS floor_s, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'bounded_slowdown_floor_s' AND is_usable
),
last_word AS (
    SELECT max(greatest(submitted_at_utc, started_at_utc, ended_at_utc)) AS last_at_utc
    FROM staged.workload_runs
    WHERE site_id = getvariable('site_id')
),
runs AS (
    SELECT
        submitted_at_utc,
        started_at_utc,
        ended_at_utc,
        state,
        CASE WHEN is_submission_known THEN date_diff('microsecond', submitted_at_utc, started_at_utc) / 1e6 END AS wait_s,
        date_diff('microsecond', started_at_utc, ended_at_utc) / 1e6 AS run_s,
        CASE
            WHEN is_submission_known THEN coalesce(
                coalesce(device_count, requested_device_count) * run_s,
                coalesce(requested_device_count, device_count) * requested_s
            ) / 3600
        END AS demanded_device_hours,
        device_count * run_s IS NULL AS is_unsized,
        evidence_rank
    FROM staged.workload_runs
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
),
work AS (
    SELECT
        month_start,
        sum(run_hours) FILTER (WHERE device_hours > 0) AS run_hours,
        sum(device_hours) AS allocated_device_hours,
        sum(productive_device_hours) AS productive_device_hours,
        sum(device_hours) FILTER (WHERE productive_device_hours IS NOT NULL) AS productive_known_device_hours,
        sum(device_hours) FILTER (WHERE workload_class IN ('training', 'fine_tuning')) AS training_device_hours,
        sum(productive_device_hours) FILTER (WHERE workload_class IN ('training', 'fine_tuning'))
            AS training_productive_device_hours,
        sum(device_hours) FILTER (
            WHERE workload_class IN ('training', 'fine_tuning') AND productive_device_hours IS NOT NULL
        ) AS training_productive_known_device_hours,
        sum(tokens) AS tokens,
        sum(tokens) FILTER (WHERE energy_j IS NOT NULL) AS tokens_with_energy,
        sum(energy_j) FILTER (WHERE tokens IS NOT NULL) AS energy_of_tokens_j,
        sum((energy_j::DOUBLE / 3.6e6)::DECIMAL(38, 9)) AS energy_kwh,
        sum(device_hours) FILTER (WHERE energy_j IS NOT NULL) AS energy_device_hours,
        max(evidence_rank)::INTEGER AS evidence_rank
    FROM rollups.run_month
    SEMI JOIN months USING (site_id, month_start)
    GROUP BY month_start
),
started_runs AS (
    SELECT
        month_start,
        wait_s,
        is_unsized,
        CASE
            WHEN wait_s IS NOT NULL AND run_s IS NOT NULL AND floor_s > 0
                THEN greatest(1, (wait_s + run_s) / greatest(run_s, floor_s))
        END
            ::DECIMAL(38, 9) AS bounded_slowdown,
        evidence_rank
    FROM runs
    JOIN months ON started_at_utc >= start_utc AND started_at_utc < end_utc
    LEFT JOIN slowdown_floor ON month_start BETWEEN valid_from AND valid_to
),
starts AS (
    SELECT
        month_start,
        count(*) AS runs,
        count(*) FILTER (WHERE is_unsized) AS unsized_runs,
        count(wait_s) AS waited_runs,
        sum(wait_s::DECIMAL(38, 9)) AS wait_s,
        count(bounded_slowdown) AS slowdown_runs,
        sum(bounded_slowdown) AS bounded_slowdowns,
        max(evidence_rank)::INTEGER AS evidence_rank
    FROM started_runs
    GROUP BY month_start
),
judged AS (
    SELECT
        * REPLACE (CASE WHEN is_judged THEN demanded_device_hours END AS demanded_device_hours)
    FROM (
        SELECT
            *,
            submitted_at_utc + to_microseconds((target_s * 1e6)::BIGINT) AS target_at_utc,
            CASE
                WHEN started_at_utc IS NOT NULL OR target_s IS NULL THEN true
                WHEN state = 'cancelled' THEN ended_at_utc IS NOT NULL
                ELSE ended_at_utc IS NOT NULL OR target_at_utc <= last_at_utc
            END AS is_judged,
            coalesce(started_at_utc IS NULL AND state = 'cancelled' AND ended_at_utc <= target_at_utc, false)
                AS is_withdrawn
        FROM runs
        CROSS JOIN last_word
        JOIN months ON submitted_at_utc >= start_utc AND submitted_at_utc < end_utc
        LEFT JOIN waiting_time_target ON month_start BETWEEN valid_from AND valid_to
    )
    WHERE NOT is_withdrawn
),
demand AS (
    SELECT
        month_start,
        count(*) AS requests,
        count(demanded_device_hours) AS sized_requests,
        sum(demanded_device_hours::DECIMAL(38, 9)) AS requested_device_hours,
        sum(
            CASE
                WHEN target_s IS NULL THEN NULL
                WHEN wait_s <= target_s THEN demanded_device_hours
                WHEN demanded_device_hours IS NOT NULL THEN 0
            END::DECIMAL(38, 9)
        ) AS fulfilled_device_hours,
        max(evidence_rank)::INTEGER AS evidence_rank
    FROM judged
    GROUP BY month_start
)
SELECT
    site_id,
    month_start,
    coalesce(runs, 0) AS runs,
    coalesce(unsized_runs, 0) AS unsized_runs,
    run_hours,
    allocated_device_hours,
    productive_device_hours,
    productive_known_device_hours,
    training_device_hours,
    training_productive_device_hours,
    training_productive_known_device_hours,
    tokens,
    tokens_with_energy,
    energy_of_tokens_j,
    energy_kwh,
    energy_device_hours,
    wait_s,
    coalesce(waited_runs, 0) AS waited_runs,
    bounded_slowdowns,
    coalesce(slowdown_runs, 0) AS slowdown_runs,
    coalesce(requests, 0) AS requests,
    coalesce(sized_requests, 0) AS sized_requests,
    requested_device_hours,
    fulfilled_device_hours,
    greatest(work.evidence_rank, starts.evidence_rank, demand.evidence_rank) AS evidence_rank
FROM months
LEFT JOIN work USING (month_start)
LEFT JOIN starts USING (month_start)
LEFT JOIN demand USING (month_start)
WHERE coalesce(work.evidence_rank, starts.evidence_rank, demand.evidence_rank) IS NOT NULL
