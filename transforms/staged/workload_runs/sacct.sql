-- One row per Slurm job, keyed by cluster, raw job id and submission: job ids begin anew after a while, and a requeued
-- job keeps its id.
-- leaves out: steps of jobs (123.batch, 123.0), whose nodes, time and energy the job's own record holds already.
-- Accelerators are the generic resources gpu, npu, ascend, dcu, mlu, gcu, xpu and hpu. Slurm lists a total
-- (gres/gpu=4), a total per type (gres/npu:910b3=4), or both. The type is the model where there is one only. A job that holds shares of one (mps, shard, or as its
-- type an instance under MIG, e.g. 1g.10gb) holds an unknown number of whole ones.
-- A request for them counts as unknown where some were allocated and none requested: older Slurm did not record it.
-- Memory asked for is per node (n), per CPU (c), or, since Slurm 21.08, in total. From 2147483648M upwards it is a flag
-- of Slurm, and 0 stands for all that the nodes have; then the total among the requested resources counts, if there.
-- Local times repeat an hour when clocks go back, and are taken as the first of the two. A job cannot have run longer
-- than from its start to its end, nor have started before it was submitted: where the elapsed time says so and an hour
-- makes it right, the second is meant.
-- sacct --truncate lists a job in pieces, one per export. Where none begins later than those before it ended, they are
-- one job from the first start to the last end, and the pieces but the last are left out. Where a time between them is
-- missing, or their resources differ, none of them is believed, and staging quarantines them all.
WITH pieces AS (
    SELECT
        *,
        max("end") OVER (
            PARTITION BY site_id, cluster, jobidraw, submit
            ORDER BY start
            RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
        ) AS ended_before,
        min(start) FILTER ("end" IS NOT NULL) OVER (
            PARTITION BY site_id, cluster, jobidraw, submit
        ) AS first_start
    FROM raw.sacct
    WHERE jobidraw NOT LIKE '%.%'
),

whole AS (
    SELECT
        * REPLACE (
            CASE WHEN start IS NOT NULL THEN least(start, first_start) END AS start,
            CASE WHEN coalesce(first_start < max(start) OVER job, false) THEN NULL ELSE elapsed END
                AS elapsed
        ),
        coalesce(first_start < max(start) OVER job, false) AS is_in_pieces,
        is_in_pieces AND (
            bool_or(start > first_start AND coalesce(start > ended_before, true)) OVER job
            OR min(alloctres) OVER job IS DISTINCT FROM max(alloctres) OVER job
        ) AS is_contradicted
    FROM pieces
    WINDOW job AS (PARTITION BY site_id, cluster, jobidraw, submit)
    QUALIFY NOT is_in_pieces OR is_contradicted OR pieces.start = max(pieces.start) OVER job
),

jobs AS (
    SELECT
        * REPLACE (coalesce(nullif(reqcpus, 0), ncpus) AS reqcpus),
        CASE WHEN is_contradicted THEN 'PIECES OF A JOB THAT DO NOT JOIN' ELSE rtrim(split_part(state, ' ', 1), '+') END
            AS state_word,
        regexp_extract_all(alloctres, 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu)=(\d+)', 1)::BIGINT []
            AS allocated,
        regexp_extract_all(alloctres, 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):[^=,]+=(\d+)', 1)::BIGINT []
            AS allocated_by_type,
        regexp_extract_all(reqtres, 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu)=(\d+)', 1)::BIGINT []
            AS requested,
        regexp_extract_all(reqtres, 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):[^=,]+=(\d+)', 1)::BIGINT []
            AS requested_by_type,
        string_split(replace(timelimit, '-', ':'), ':') AS limit_parts,
        string_split(replace(elapsed, '-', ':'), ':') AS elapsed_parts,
        regexp_extract(reqmem, '^(\d+(?:\.\d+)?)([KMGTP]?)([nc]?)$', ['amount', 'prefix', 'per']) AS asked,
        regexp_extract(reqtres, '(?:^|,)mem=(\d+(?:\.\d+)?)([KMGTP]?)', ['amount', 'prefix']) AS asked_in_total
    FROM whole
),

sizes AS (
    SELECT
        *,
        CASE
            WHEN regexp_matches(alloctres, 'gres/(mps|shard|gpu:[^=,]*\d+g\.\d+gb)') THEN NULL
            WHEN alloctres IS NOT NULL THEN coalesce(list_sum(allocated), list_sum(allocated_by_type), 0)::BIGINT
        END AS devices_allocated,
        CASE
            WHEN regexp_matches(reqtres, 'gres/(mps|shard|gpu:[^=,]*\d+g\.\d+gb)') THEN NULL
            WHEN reqtres IS NOT NULL THEN coalesce(list_sum(requested), list_sum(requested_by_type), 0)::BIGINT
        END AS devices_requested,
        -- Seconds, minutes, hours, days, read from the right.
        limit_parts[-1]::DOUBLE
        + coalesce(limit_parts[-2]::DOUBLE, 0) * 60
        + coalesce(limit_parts[-3]::DOUBLE, 0) * 3600
        + coalesce(limit_parts[-4]::DOUBLE, 0) * 86400 AS limit_s,
        to_seconds(
            elapsed_parts[-1]::DOUBLE
            + coalesce(elapsed_parts[-2]::DOUBLE, 0) * 60
            + coalesce(elapsed_parts[-3]::DOUBLE, 0) * 3600
            + coalesce(elapsed_parts[-4]::DOUBLE, 0) * 86400
        ) AS ran,
        -- Megabytes where no prefix is given; powers of 1024.
        try_cast(asked.amount AS DOUBLE) * 1024 ** CASE asked.prefix WHEN '' THEN 2 ELSE strpos('KMGTP', asked.prefix) END
            AS asked_bytes,
        CASE asked.per WHEN 'n' THEN nnodes WHEN 'c' THEN reqcpus ELSE 1 END AS asked_times,
        try_cast(asked_in_total.amount AS DOUBLE)
        * 1024 ** CASE asked_in_total.prefix WHEN '' THEN 2 ELSE strpos('KMGTP', asked_in_total.prefix) END
            AS total_bytes
    FROM jobs
),

starts AS (
    SELECT
        * EXCLUDE (start),
        CASE
            WHEN start < submit AND start + INTERVAL 1 HOUR + ran = "end" THEN start + INTERVAL 1 HOUR ELSE start
        END AS start
    FROM sizes
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
    CASE WHEN "end" + INTERVAL 1 HOUR = start + ran THEN "end" + INTERVAL 1 HOUR ELSE "end" END AS ended_at_utc,
    CASE
        WHEN state_word IN ('NODE_FAIL', 'BOOT_FAIL') THEN 'node_failure'
        WHEN state_word = 'DEADLINE' THEN 'timeout'
        WHEN state_word = 'REVOKED' THEN 'cancelled'
        WHEN state_word = 'STOPPED' THEN 'suspended'
        WHEN state_word IN ('COMPLETING', 'RESIZING', 'CONFIGURING') THEN 'running'
        -- Columns of a fixed width cut it off.
        WHEN state_word LIKE 'OUT_OF_ME%' THEN 'out_of_memory'
        ELSE lower(state_word)
    END AS state,
    "user" AS user_id,
    account AS tenant_id,
    partition AS queue,
    CASE
        WHEN len(list_distinct(
            regexp_extract_all(alloctres, 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):([A-Za-z0-9][^=,]*)=\d+', 1)
        )) = 1
            THEN regexp_extract(alloctres, 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):([A-Za-z0-9][^=,]*)=\d+', 1)
    END AS sku,
    nnodes AS node_count,
    devices_allocated AS device_count,
    ncpus AS cpu_count,
    CASE WHEN devices_requested = 0 AND devices_allocated > 0 THEN NULL ELSE devices_requested END
        AS requested_device_count,
    limit_s AS requested_s,
    CASE
        WHEN asked_bytes > 0 AND asked_bytes < 2147483648 * 1024.0 ** 2 THEN asked_bytes * asked_times
        ELSE nullif(total_bytes, 0)
    END AS requested_memory_bytes,
    -- Slurm writes 0 where it measures no energy, and lists it among the allocated resources too.
    coalesce(
        nullif(consumedenergyraw, 0),
        nullif(regexp_extract(alloctres, '(?:^|,)energy=(\d{1,18})(?:,|$)', 1), '')::DOUBLE
    ) AS energy_j
FROM starts
