-- One row per run and figure: throughputs in requests and tokens per second, latencies in milliseconds.
-- A run of which requests failed is invalid; where the file does not count failures, those not completed are.
WITH figures AS (
    UNPIVOT raw.vllm_benchmark
    ON
        request_throughput,
        request_goodput,
        output_throughput,
        total_token_throughput,
        mean_ttft_ms,
        median_ttft_ms,
        p99_ttft_ms,
        mean_tpot_ms,
        median_tpot_ms,
        p99_tpot_ms,
        mean_itl_ms,
        median_itl_ms,
        p99_itl_ms,
        mean_e2el_ms,
        median_e2el_ms,
        p99_e2el_ms
    INTO NAME figure VALUE "value"
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    'vllm/' || coalesce(model_id, 'unnamed model') AS benchmark,
    backend AS scenario,
    system_name,
    concat_ws(
        ' ',
        'num_prompts=' || num_prompts,
        'request_rate=' || request_rate,
        'max_concurrency=' || max_concurrency,
        'input_tokens=' || total_input_tokens
    ) AS configuration,
    CASE figure
        WHEN 'request_throughput' THEN 'requests_per_s'
        WHEN 'request_goodput' THEN 'good_requests_per_s'
        WHEN 'output_throughput' THEN 'output_tokens_per_s'
        WHEN 'total_token_throughput' THEN 'total_tokens_per_s'
        ELSE figure
    END AS metric,
    "value",
    CASE
        WHEN figure LIKE 'request%' THEN 'requests/s'
        WHEN figure LIKE '%throughput' THEN 'tokens/s'
        ELSE 'ms'
    END AS unit,
    "precision",
    sku,
    device_count,
    "date" - to_seconds(duration) AS started_at_utc,
    "date" AS ended_at_utc,
    coalesce(failed = 0, completed = num_prompts) AS is_valid
FROM figures
