-- One row per MLPerf run: tokens per second where the benchmark counts tokens, samples per second elsewhere.
-- The measured window is the load, between power_begin and power_end; samples of the analyser outside it do not count.
WITH runs AS (
    SELECT
        *,
        coalesce(
            result_tokens_per_second,
            result_completed_tokens_per_second,
            result_inferred_tokens_per_second,
            result_inferred_completed_tokens_per_second
        ) AS tokens_per_s,
        coalesce(result_samples_per_second, result_completed_samples_per_sec) AS samples_per_s
    FROM raw.mlperf_run_log
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    'mlperf_inference/' || benchmark AS benchmark,
    loadgen_version AS benchmark_version,
    requested_scenario AS scenario,
    system_name,
    CASE WHEN tokens_per_s IS NULL THEN 'samples_per_s' ELSE 'tokens_per_s' END AS metric,
    coalesce(tokens_per_s, samples_per_s) AS value,
    CASE WHEN tokens_per_s IS NULL THEN 'samples/s' ELSE 'tokens/s' END AS unit,
    precision,
    sku,
    device_count,
    meter_id,
    power_begin AS started_at_utc,
    power_end AS ended_at_utc,
    result_validity = 'VALID' AS is_valid
FROM runs
