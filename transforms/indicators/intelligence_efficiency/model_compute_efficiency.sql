-- One row per site and month: accuracy of the models a site serves over their compute per token, weighted by tokens.
-- A model counts when every benchmark of the declared set and its active parameters are known; the tokens of the others
-- lower the coverage. The ratio falls without bound as models grow: read it beside the accuracy alone.
-- name: Model compute efficiency | 模算效率
-- formula: Σ tokens × mean accuracy (%) ÷ Σ tokens × GFLOPs per token
-- unit: percentage points per GFLOP/token
-- better: higher
-- origin: published
-- window: period
-- gap: no workload records
-- source: IEIT-Yuan/Yuan2.0-M32 README.md. That the report uses the same formula is not known
-- grain: site_id, month_start
WITH models AS (
    SELECT *
    FROM rollups.model_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    sum((tokens::DOUBLE * accuracy_percent)::DECIMAL(38, 9)) FILTER (WHERE is_complete) AS numerator,
    sum((tokens::DOUBLE * gflop_per_token)::DECIMAL(38, 9)) FILTER (WHERE is_complete) AS denominator,
    coalesce(sum(tokens) FILTER (WHERE is_complete), 0) AS observed,
    sum(tokens) AS expected,
    max(evidence_rank) AS evidence_rank,
    list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows,
    CASE WHEN NOT bool_or(is_complete) THEN 'no model evaluation' END AS gap
FROM models
GROUP BY site_id, month_start
