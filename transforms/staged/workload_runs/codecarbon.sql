-- One row per tracked run, ending when its record was written; nobody says when it was asked for.
-- Energy is that of the run's own devices, without the PUE the tool multiplied it by. Whatever the source says, it is
-- estimated at best: in every mode a part of it is a model.
-- leaves out: rows that a later or longer row of the same run covers in time and energy. CodeCarbon appends a row at
-- each flush, with what it has counted since the start, and files of tasks repeat what the file of their run holds.
-- Starts that differ by up to 2 s are the same: times are written in whole seconds.
WITH runs AS (
    SELECT *, "timestamp" - to_seconds(duration) AS started_at FROM raw.codecarbon
),

totals AS (
    SELECT *
    FROM runs
    WINDOW longer_before AS (
        PARTITION BY site_id, "cluster", run_id
        ORDER BY "timestamp" DESC, duration DESC, energy_consumed DESC, file_id, row_number
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
    QUALIFY
        coalesce(
            min(started_at) OVER longer_before > started_at + INTERVAL 2 SECOND
            OR max(energy_consumed) OVER longer_before < energy_consumed,
            true
        )
)

SELECT
    site_id,
    file_id,
    row_number,
    CASE WHEN evidence_class = 'simulated' THEN 'simulated' ELSE 'estimated' END AS evidence_class,
    "cluster" AS cluster_id,
    run_id AS job_id,
    started_at AS submitted_at_utc,
    FALSE AS is_submission_known,
    started_at AS started_at_utc,
    "timestamp" AS ended_at_utc,
    'completed' AS state,
    1 AS node_count,
    energy_consumed * 3600000 / coalesce(pue, 1) AS energy_j
FROM totals
