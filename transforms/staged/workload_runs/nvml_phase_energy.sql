-- One row per phase of an inference run; nobody asked for a phase, so its submission is not known.
-- Tokens are left out: the file does not say whether it counts one prompt or the batch.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "System" AS cluster_id,
    "Phase" AS job_id,
    started_at_utc AS submitted_at_utc,
    FALSE AS is_submission_known,
    started_at_utc,
    ended_at_utc,
    'completed' AS state,
    CASE WHEN "Phase" LIKE '%inference%' THEN 'inference' ELSE 'other' END AS workload_class,
    "Number of GPUs" AS device_count,
    "Model" AS model_name,
    list_sum([*COLUMNS('GPU-\d+ Energy \(mJ\)')]) / 1000 AS energy_j
FROM raw.nvml_phase_energy
