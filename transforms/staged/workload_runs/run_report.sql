-- One row per run. Model operations are those the run states, else those of its dimensions by the convention it names.
-- PaLM: 6 N + 12 L H Q T per token, for N parameters, L layers, H heads of dimension Q, T tokens a sequence
-- (arXiv 2204.02311). Megatron: 72 B s l h² (1 + s ÷ 6h + V ÷ 12 l h) per iteration, for B sequences of s tokens, l
-- layers, hidden size h, vocabulary V (arXiv 2104.04473). Both count forward and backward pass, so of training only.
-- Full recomputation adds a forward pass, a third of the model operations; not that of the logits by the Megatron form,
-- which is 96 B s l h² (1 + s ÷ 6h + V ÷ 16 l h) then.
WITH runs AS (
    SELECT
        *,
        coalesce(tokens, iterations::DOUBLE * batch_size * sequence_length) AS all_tokens,
        coalesce(head_dimension, hidden_size / attention_heads) AS head_size,
        workload_class IN ('training', 'fine_tuning') AS is_training,
        iterations::DOUBLE * batch_size * sequence_length * layers * hidden_size * hidden_size AS megatron_base,
        sequence_length / (6 * hidden_size) AS attention_part,
        vocabulary_size / (layers * hidden_size::DOUBLE) AS vocabulary_part
    FROM raw.run_report
),

counted AS (
    SELECT
        *,
        CASE
            WHEN NOT is_training THEN NULL
            WHEN flops_convention = 'palm'
                THEN all_tokens * (6 * parameters + layers::DOUBLE * 12 * attention_heads * head_size * sequence_length)
            WHEN flops_convention = 'megatron' THEN 72 * megatron_base * (1 + attention_part + vocabulary_part / 12)
        END AS model_flops_by_dimensions,
        CASE
            WHEN flops_convention = 'palm' THEN model_flops_by_dimensions * 4 / 3
            WHEN flops_convention = 'megatron' AND is_training
                THEN 96 * megatron_base * (1 + attention_part + vocabulary_part / 16)
        END AS recomputed_flops_by_dimensions
    FROM runs
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "cluster" AS cluster_id,
    run_id AS job_id,
    coalesce(submitted_at, started_at) AS submitted_at_utc,
    submitted_at IS NOT NULL AS is_submission_known,
    started_at AS started_at_utc,
    ended_at AS ended_at_utc,
    state,
    "user" AS user_id,
    tenant AS tenant_id,
    workload_class,
    sku,
    nodes AS node_count,
    devices AS device_count,
    model_name,
    "precision",
    all_tokens AS tokens,
    coalesce(model_flops, model_flops_by_dimensions) / 1e15 AS model_pflop,
    CASE
        WHEN hardware_flops IS NOT NULL THEN hardware_flops
        WHEN model_flops IS NOT NULL THEN NULL
        WHEN recompute = 'none' THEN model_flops_by_dimensions
        WHEN recompute = 'full' THEN recomputed_flops_by_dimensions
    END / 1e15 AS hardware_pflop,
    CASE WHEN coalesce(model_flops, model_flops_by_dimensions) IS NOT NULL THEN flops_convention END AS flops_convention,
    productive_s,
    energy_j
FROM counted
