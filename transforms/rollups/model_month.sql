-- One row per site, month and model: tokens it served, its accuracy and its compute per token.
-- Accuracy is the plain mean over the declared benchmark set, each benchmark by its latest evaluation known at the end
-- of the month and not older than the declared age. A mean over part of the set is another quantity, so it is unknown.
-- grain: site_id, month_start, model_name
WITH months AS (
    SELECT site_id, month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
benchmark_set AS (
    SELECT month_start, reference_id, text_value AS benchmark, count(*) OVER (PARTITION BY month_start) AS size
    FROM months
    JOIN reference.parameters ON month_start BETWEEN valid_from AND valid_to
    WHERE name = 'model_benchmark_set' AND is_usable
),
maximum_age AS (
    SELECT reference_id, value::INTEGER AS days, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'snapshot_max_age_days' AND is_usable
),
inference_compute AS (
    SELECT reference_id, value AS flop_per_parameter_and_token, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'inference_flop_per_parameter_and_token' AND is_usable
),
served_models AS (
    SELECT site_id, month_start, model_name, sum(tokens) AS tokens, max(evidence_rank)::INTEGER AS evidence_rank
    FROM rollups.run_month
    SEMI JOIN months USING (site_id, month_start)
    WHERE workload_class = 'inference' AND tokens IS NOT NULL
    GROUP BY site_id, month_start, model_name
),
latest_evaluations AS (
    SELECT
        months.month_start,
        model_name,
        benchmark,
        evaluated_on,
        accuracy_ratio,
        active_params_billion,
        evidence_rank,
        size,
        maximum_age.reference_id AS age_reference,
        benchmark_set.reference_id AS benchmark_reference
    FROM staged.model_evaluations
    JOIN reference.evidence_classes USING (evidence_class)
    JOIN months USING (site_id)
    JOIN maximum_age ON month_start BETWEEN maximum_age.valid_from AND maximum_age.valid_to
    JOIN benchmark_set USING (month_start, benchmark)
    WHERE evaluated_on < month_end AND evaluated_on >= month_end - 1 - days
    QUALIFY row_number() OVER (
        PARTITION BY month_start, model_name, benchmark
        ORDER BY evaluated_on DESC, benchmark_version DESC NULLS LAST
    ) = 1
),
evaluated_models AS (
    SELECT
        month_start,
        model_name,
        count(*) = any_value(size) AS has_whole_set,
        100 * sum(accuracy_ratio::DECIMAL(38, 9)) / count(*) AS accuracy_percent,
        first(active_params_billion ORDER BY evaluated_on DESC, benchmark)
            FILTER (WHERE active_params_billion > 0) AS active_params_billion,
        min(evaluated_on) AS evaluated_since,
        max(evidence_rank)::INTEGER AS evidence_rank,
        list_sort(list_append(list(benchmark_reference), any_value(age_reference))) AS reference_rows
    FROM latest_evaluations
    GROUP BY month_start, model_name
)
SELECT
    site_id,
    month_start,
    model_name,
    tokens,
    (CASE WHEN has_whole_set THEN accuracy_percent END)::DECIMAL(38, 9) AS accuracy_percent,
    active_params_billion::DECIMAL(38, 9) AS active_params_billion,
    (active_params_billion * flop_per_parameter_and_token)::DECIMAL(38, 9) AS gflop_per_token,
    evaluated_since,
    coalesce(has_whole_set AND gflop_per_token IS NOT NULL, FALSE) AS is_complete,
    greatest(served_models.evidence_rank, evaluated_models.evidence_rank) AS evidence_rank,
    CASE
        WHEN is_complete THEN list_append(reference_rows, inference_compute.reference_id)
        ELSE []::VARCHAR[]
    END AS reference_rows
FROM served_models
LEFT JOIN evaluated_models USING (month_start, model_name)
LEFT JOIN inference_compute ON month_start BETWEEN inference_compute.valid_from AND inference_compute.valid_to
