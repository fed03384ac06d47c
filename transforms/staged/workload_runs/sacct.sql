-- One row per Slurm job, keyed by cluster, raw job id and submission: job ids begin anew after a while.
-- leaves out: steps of jobs (123.batch, 123.0), whose nodes, time and energy the job's own record holds already.
-- A request for GPUs counts as unknown where GPUs were allocated and none requested: older Slurm did not record it.
WITH jobs AS (
    SELECT
        *,
        rtrim(split_part(state, ' ', 1), '+') AS state_word,
        string_split(replace(timelimit, '-', ':'), ':') AS limit_parts
    FROM raw.sacct
    WHERE jobidraw NOT LIKE '%.%'
),

gpus AS (
    SELECT
        *,
        -- Slurm lists a total (gres/gpu=4), a total per type (gres/gpu:a100=4), or both.
        CASE
            WHEN alloctres IS NULL THEN NULL
            WHEN alloctres LIKE '%gres/gpu=%' THEN regexp_extract(alloctres, 'gres/gpu=(\d+)', 1)::BIGINT
            ELSE coalesce(
                list_sum(regexp_extract_all(alloctres, 'gres/gpu:[^=,]+=(\d+)', 1)::BIGINT []), 0
            )::BIGINT
        END AS gpus_allocated,
        CASE
            WHEN reqtres IS NULL THEN NULL
            WHEN reqtres LIKE '%gres/gpu=%' THEN regexp_extract(reqtres, 'gres/gpu=(\d+)', 1)::BIGINT
            ELSE coalesce(
                list_sum(regexp_extract_all(reqtres, 'gres/gpu:[^=,]+=(\d+)', 1)::BIGINT []), 0
            )::BIGINT
        END AS gpus_requested
    FROM jobs
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    cluster AS cluster_id,
    jobidraw AS job_id,
    submit AS submitted_at_utc,
    start AS started_at_utc,
    "end" AS ended_at_utc,
    CASE state_word
        WHEN 'NODE_FAIL' THEN 'node_failure'
        WHEN 'BOOT_FAIL' THEN 'node_failure'
        WHEN 'DEADLINE' THEN 'timeout'
        WHEN 'REVOKED' THEN 'cancelled'
        WHEN 'STOPPED' THEN 'suspended'
        WHEN 'COMPLETING' THEN 'running'
        WHEN 'RESIZING' THEN 'running'
        WHEN 'CONFIGURING' THEN 'running'
        ELSE lower(state_word)
    END AS state,
    "user" AS user_id,
    account AS tenant_id,
    partition AS queue,
    nnodes AS node_count,
    gpus_allocated AS device_count,
    ncpus AS cpu_count,
    CASE WHEN gpus_requested = 0 AND gpus_allocated > 0 THEN NULL ELSE gpus_requested END AS requested_device_count,
    -- Seconds, minutes, hours, days, read from the right.
    limit_parts[-1]::DOUBLE
    + coalesce(limit_parts[-2]::DOUBLE, 0) * 60
    + coalesce(limit_parts[-3]::DOUBLE, 0) * 3600
    + coalesce(limit_parts[-4]::DOUBLE, 0) * 86400 AS requested_s,
    -- Slurm writes 0 where it measures no energy.
    nullif(consumedenergyraw, 0) AS energy_j
FROM gpus
