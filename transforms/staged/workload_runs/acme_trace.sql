-- One row per job. Times come from the stamps: the durations a trace states may include the wait.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    cluster AS cluster_id,
    job_id,
    submit_time AS submitted_at_utc,
    start_time AS started_at_utc,
    end_time AS ended_at_utc,
    CASE state WHEN 'NODE_FAIL' THEN 'node_failure' ELSE lower(state) END AS state,
    "user" AS user_id,
    CASE
        WHEN lower("type") IN ('pretrain', 'pretraining', 'training') THEN 'training'
        WHEN lower("type") IN ('sft', 'fine-tuning', 'finetune') THEN 'fine_tuning'
        WHEN lower("type") IN ('inference', 'serving') THEN 'inference'
        WHEN "type" IS NOT NULL THEN 'other'
    END AS workload_class,
    node_num AS node_count,
    gpu_num AS device_count,
    cpu_num AS cpu_count,
    gpu_num AS requested_device_count
FROM raw.acme_trace
