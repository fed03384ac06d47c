-- One row per Slurm job, keyed by cluster, job id and submission: job ids begin anew after a while, and a requeued job
-- keeps its id.
-- Before Slurm 23.02 the start is the time from which the job could have run. Where that is so, and the job ended later
-- than it ran and was suspended for, it began as long before its end.
-- A request for GPUs counts as unknown where GPUs were allocated and none requested: older Slurm did not record it.
WITH jobs AS (
    SELECT
        *,
        to_seconds("time.elapsed" + coalesce("time.suspended", 0)) AS lasted,
        -- Slurm lists a total (gres/gpu=4), a total per type (gres/gpu:a100=4), or both.
        CASE
            WHEN "tres.allocated" IS NULL THEN NULL
            WHEN "tres.allocated" LIKE '%gres/gpu=%'
                THEN nullif(regexp_extract("tres.allocated", 'gres/gpu=(\d+)', 1), '')::BIGINT
            ELSE coalesce(
                list_sum(regexp_extract_all("tres.allocated", 'gres/gpu:[^=,]+=(\d+)', 1)::BIGINT []), 0
            )::BIGINT
        END AS gpus_allocated,
        CASE
            WHEN "tres.requested" IS NULL THEN NULL
            WHEN "tres.requested" LIKE '%gres/gpu=%'
                THEN nullif(regexp_extract("tres.requested", 'gres/gpu=(\d+)', 1), '')::BIGINT
            ELSE coalesce(
                list_sum(regexp_extract_all("tres.requested", 'gres/gpu:[^=,]+=(\d+)', 1)::BIGINT []), 0
            )::BIGINT
        END AS gpus_requested,
        regexp_extract("tres.requested", '(?:^|,)mem=(\d{1,9})M', 1) AS requested_mb,
        regexp_extract("tres.allocated", '(?:^|,)cpu=(\d+)', 1) AS cpus,
        regexp_extract("tres.allocated", '(?:^|,)energy=(\d{1,18})(?:,|$)', 1) AS joules
    FROM raw.sacct_json
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    cluster AS cluster_id,
    job_id,
    "time.submission" AS submitted_at_utc,
    CASE
        WHEN "time.start" = "time.eligible" AND "time.end" - lasted > "time.start" THEN "time.end" - lasted
        ELSE "time.start"
    END AS started_at_utc,
    "time.end" AS ended_at_utc,
    CASE
        WHEN "state.current" IN ('NODE_FAIL', 'BOOT_FAIL') THEN 'node_failure'
        WHEN "state.current" = 'DEADLINE' THEN 'timeout'
        WHEN "state.current" = 'REVOKED' THEN 'cancelled'
        WHEN "state.current" = 'STOPPED' THEN 'suspended'
        WHEN "state.current" IN ('COMPLETING', 'RESIZING', 'CONFIGURING') THEN 'running'
        ELSE lower("state.current")
    END AS state,
    "user" AS user_id,
    account AS tenant_id,
    partition AS queue,
    allocation_nodes AS node_count,
    gpus_allocated AS device_count,
    nullif(cpus, '')::BIGINT AS cpu_count,
    CASE WHEN gpus_requested = 0 AND gpus_allocated > 0 THEN NULL ELSE gpus_requested END AS requested_device_count,
    "time.limit" * 60 AS requested_s,
    nullif(nullif(requested_mb, '')::DOUBLE, 0) * 1048576 AS requested_memory_bytes,
    nullif(nullif(joules, '')::DOUBLE, 0) AS energy_j
FROM jobs
