-- One row per model and task: its share of right answers, by the one metric that counts for the task.
-- The version names the task's own version, the worked examples, and that metric: figures that differ in any of them do
-- not compare.
WITH accuracies AS (
    SELECT *, concat_ws(',', metric, filter) AS metric_name
    FROM raw.lm_eval
    WHERE
        "value" IS NOT NULL
        AND CASE
            WHEN counting_metric IS NULL
                THEN metric IN ('exact_match', 'acc', 'acc_norm', 'pass@1', 'pass_at_1', 'prompt_level_strict_acc')
            ELSE counting_metric IN (metric, concat_ws(',', metric, filter))
        END
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    model_name,
    CASE task
        WHEN 'gsm8k' THEN 'GSM8K'
        WHEN 'mmlu' THEN 'MMLU'
        WHEN 'arc_challenge' THEN 'ARC-C'
        WHEN 'hendrycks_math' THEN 'MATH'
        WHEN 'minerva_math' THEN 'MATH'
        ELSE task
    END AS benchmark,
    concat_ws(' ', task, version, n_shot || '-shot', metric_name) AS benchmark_version,
    "date"::DATE AS evaluated_on,
    "value" AS accuracy_ratio,
    active_params_billion,
    coalesce(total_params_billion, model_num_parameters / 1e9) AS total_params_billion
FROM accuracies
QUALIFY row_number() OVER (
    PARTITION BY site_id, file_id, task
    ORDER BY
        CASE metric WHEN 'exact_match' THEN 1 WHEN 'acc' THEN 2 ELSE 3 END,
        CASE filter WHEN 'strict-match' THEN 1 ELSE 2 END,
        metric_name
) = 1
