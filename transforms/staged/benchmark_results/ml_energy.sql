-- One row per serving configuration: output tokens per second, with the mean power of the accelerators.
-- The power covers accelerators only, so the energy per token is a lower bound of the server's.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    'ml_energy/' || model_id AS benchmark,
    task AS scenario,
    num_gpus || ' x ' || gpu_model AS system_name,
    concat_ws(
        ' ',
        'max_num_seqs=' || max_num_seqs,
        'tensor_parallel=' || "parallelization.tensor_parallel",
        'expert_parallel=' || "parallelization.expert_parallel",
        'data_parallel=' || "parallelization.data_parallel"
    ) AS configuration,
    'output_tokens_per_s' AS metric,
    output_throughput_tokens_per_sec AS "value",
    'tokens/s' AS unit,
    CASE weight_precision
        WHEN 'bfloat16' THEN 'BF16'
        WHEN 'float16' THEN 'FP16'
        WHEN 'float32' THEN 'FP32'
        WHEN 'fp8' THEN 'FP8'
        WHEN 'mxfp4' THEN 'FP4'
        WHEN 'nvfp4' THEN 'FP4'
        WHEN 'int8' THEN 'INT8'
    END AS "precision",
    gpu_model AS sku,
    num_gpus AS device_count,
    avg_power_watts AS mean_power_w,
    CASE WHEN avg_power_watts IS NOT NULL THEN 'accelerators' END AS power_boundary,
    energy_per_token_joules AS stated_energy_per_unit_j,
    measured_on::TIMESTAMP AS started_at_utc,
    measured_on::TIMESTAMP AS ended_at_utc
FROM raw.ml_energy
