-- One row per Slurm job, keyed by cluster, job id and submission: job ids begin anew after a while, and a requeued job
-- keeps its id.
-- Before Slurm 23.02 the start is the time from which the job could have run. Where that is so, and the job ended later
-- than it ran and was suspended for, it began as long before its end.
-- Accelerators are the generic resources gpu, npu, ascend, dcu, mlu, gcu, xpu and hpu. Slurm lists a total
-- (gres/gpu=4), a total per type (gres/npu:910b3=4), or both. The type is the model where there is one only. A job that holds shares of one (mps, shard, or as its
-- type an instance under MIG, e.g. 1g.10gb) holds an unknown number of whole ones.
-- A request for them counts as unknown where some were allocated and none requested: older Slurm did not record it.
-- With --truncate a job comes in pieces, one per export. Where none begins later than those before it ended, they are
-- one job from the first start to the last end, and the pieces but the last are left out. Where a time between them is
-- missing, or their resources differ, none of them is believed, and staging quarantines them all.
WITH pieces AS (
    SELECT
        *,
        max("time.end") OVER (
            PARTITION BY site_id, cluster, job_id, "time.submission"
            ORDER BY "time.start"
            RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
        ) AS ended_before,
        min("time.start") FILTER ("time.end" IS NOT NULL) OVER (
            PARTITION BY site_id, cluster, job_id, "time.submission"
        ) AS first_start
    FROM raw.sacct_json
),

whole AS (
    SELECT
        * REPLACE (
            CASE WHEN "time.start" IS NOT NULL THEN least("time.start", first_start) END AS "time.start",
            CASE WHEN coalesce(first_start < max("time.start") OVER job, false) THEN NULL ELSE "time.elapsed" END
                AS "time.elapsed"
        ),
        coalesce(first_start < max("time.start") OVER job, false) AS is_in_pieces,
        is_in_pieces AND (
            bool_or("time.start" > first_start AND coalesce("time.start" > ended_before, true)) OVER job
            OR min("tres.allocated") OVER job IS DISTINCT FROM max("tres.allocated") OVER job
        ) AS is_contradicted
    FROM pieces
    WINDOW job AS (PARTITION BY site_id, cluster, job_id, "time.submission")
    QUALIFY NOT is_in_pieces OR is_contradicted OR pieces."time.start" = max(pieces."time.start") OVER job
),

jobs AS (
    SELECT
        *,
        to_seconds("time.elapsed" + coalesce("time.suspended", 0)) AS lasted,
        regexp_extract_all("tres.allocated", 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu)=(\d+)', 1)::BIGINT []
            AS allocated,
        regexp_extract_all("tres.allocated", 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):[^=,]+=(\d+)', 1)::BIGINT []
            AS allocated_by_type,
        regexp_extract_all("tres.requested", 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu)=(\d+)', 1)::BIGINT []
            AS requested,
        regexp_extract_all("tres.requested", 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):[^=,]+=(\d+)', 1)::BIGINT []
            AS requested_by_type,
        CASE
            WHEN regexp_matches("tres.allocated", 'gres/(mps|shard|gpu:[^=,]*\d+g\.\d+gb)') THEN NULL
            WHEN "tres.allocated" IS NOT NULL THEN coalesce(list_sum(allocated), list_sum(allocated_by_type), 0)::BIGINT
        END AS devices_allocated,
        CASE
            WHEN regexp_matches("tres.requested", 'gres/(mps|shard|gpu:[^=,]*\d+g\.\d+gb)') THEN NULL
            WHEN "tres.requested" IS NOT NULL THEN coalesce(list_sum(requested), list_sum(requested_by_type), 0)::BIGINT
        END AS devices_requested,
        regexp_extract("tres.requested", '(?:^|,)mem=(\d{1,9})M', 1) AS requested_mb,
        regexp_extract("tres.allocated", '(?:^|,)cpu=(\d+)', 1) AS cpus,
        regexp_extract("tres.allocated", '(?:^|,)energy=(\d{1,18})(?:,|$)', 1) AS joules
    FROM whole
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
        WHEN is_contradicted THEN 'pieces of a job that do not join'
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
    CASE
        WHEN len(list_distinct(
            regexp_extract_all("tres.allocated", 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):([A-Za-z0-9][^=,]*)=\d+', 1)
        )) = 1
            THEN regexp_extract("tres.allocated", 'gres/(?:gpu|npu|ascend|dcu|mlu|gcu|xpu|hpu):([A-Za-z0-9][^=,]*)=\d+', 1)
    END AS sku,
    allocation_nodes AS node_count,
    devices_allocated AS device_count,
    nullif(cpus, '')::BIGINT AS cpu_count,
    CASE WHEN devices_requested = 0 AND devices_allocated > 0 THEN NULL ELSE devices_requested END
        AS requested_device_count,
    "time.limit" * 60 AS requested_s,
    nullif(nullif(requested_mb, '')::DOUBLE, 0) * 1048576 AS requested_memory_bytes,
    nullif(nullif(joules, '')::DOUBLE, 0) AS energy_j
FROM jobs
