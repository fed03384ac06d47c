-- One row per MLPerf training run: minutes from run_start to run_stop. A run that did not reach its quality is invalid.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    'mlperf_training/' || submission_benchmark AS benchmark,
    benchmark_version,
    submission_division AS scenario,
    system_name,
    concat_ws(' ', run, 'global_batch_size=' || global_batch_size) AS configuration,
    'time_to_train' AS metric,
    date_diff('microsecond', run_start, run_stop) / 6e7 AS "value",
    'min' AS unit,
    "precision",
    sku,
    device_count,
    meter_id,
    run_start AS started_at_utc,
    run_stop AS ended_at_utc,
    status = 'success' AS is_valid
FROM raw.mlperf_training_log
