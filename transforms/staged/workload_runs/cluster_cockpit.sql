-- One row per job of the archive; the rows of its metrics are left out.
-- Where the archive does not say when a job was submitted, its start stands in and the submission counts as unknown.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "cluster" AS cluster_id,
    "jobId" AS job_id,
    coalesce("submitTime", "startTime") AS submitted_at_utc,
    "submitTime" IS NOT NULL AS is_submission_known,
    "startTime" AS started_at_utc,
    CASE
        WHEN "jobState" IN ('running', 'pending', 'suspended') THEN NULL
        ELSE "startTime" + to_seconds("duration")
    END AS ended_at_utc,
    CASE
        WHEN "jobState" IN ('node_fail', 'boot_fail') THEN 'node_failure'
        WHEN "jobState" = 'deadline' THEN 'timeout'
        WHEN "jobState" = 'stopped' THEN 'cancelled'
        ELSE "jobState"
    END AS state,
    "user" AS user_id,
    "project" AS tenant_id,
    "partition" AS queue,
    "numNodes" AS node_count,
    "numAcc" AS device_count,
    "numHwthreads" AS cpu_count,
    "walltime" AS requested_s
FROM raw.cluster_cockpit
WHERE metric IS NULL
