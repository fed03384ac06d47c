-- One row per tracked run, ending when its record was written; nobody says when it was asked for.
-- Energy is that of the run's own devices, without the PUE the tool multiplied it by. Whatever the source says, it is
-- estimated at best: in every mode a part of it is a model.
SELECT
    site_id,
    file_id,
    row_number,
    CASE WHEN evidence_class = 'simulated' THEN 'simulated' ELSE 'estimated' END AS evidence_class,
    "cluster" AS cluster_id,
    run_id AS job_id,
    "timestamp" - to_seconds(duration) AS submitted_at_utc,
    FALSE AS is_submission_known,
    "timestamp" - to_seconds(duration) AS started_at_utc,
    "timestamp" AS ended_at_utc,
    'completed' AS state,
    1 AS node_count,
    energy_consumed * 3600000 / coalesce(pue, 1) AS energy_j
FROM raw.codecarbon
