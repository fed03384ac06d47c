-- One row per site and month: model FLOPs of the runs counted by the PaLM convention, over the peak of their devices.
-- 6 N + 12 L H Q T operations per token: parameters, layers, heads, head dimension, sequence length.
-- Runs only, no benchmarks, and runs of this convention only: utilisations of two conventions do not compare and are
-- never summed. Recomputation is not counted, so the figure is at most the hardware's utilisation.
-- name: Model FLOPs utilisation (PaLM) | 模型算力利用率（PaLM 口径）
-- formula: Σ model PFLOP-h ÷ Σ peak PFLOP-h, runs counted by the PaLM convention
-- unit: 1
-- better: higher
-- origin: standard
-- window: period
-- gap: no workload records
-- source: arXiv 2204.02311
-- grain: site_id, month_start
WITH all_runs AS (
    SELECT site_id, month_start, allocated_device_hours, evidence_rank
    FROM rollups.compute_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
counted AS (
    SELECT *
    FROM rollups.mfu_month
    WHERE flops_convention = 'palm'
)
SELECT
    site_id,
    month_start,
    counted.achieved_pflop_h AS numerator,
    counted.peak_pflop_h AS denominator,
    coalesce(counted.device_hours, 0) AS observed,
    all_runs.allocated_device_hours AS expected,
    coalesce(counted.evidence_rank, all_runs.evidence_rank) AS evidence_rank,
    coalesce(counted.reference_rows, []) AS reference_rows,
    CASE WHEN counted.device_hours IS NULL THEN 'no workload records' END AS gap
FROM all_runs
LEFT JOIN counted USING (site_id, month_start)
