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
SELECT
    site_id,
    month_start,
    achieved_pflop_h AS numerator,
    peak_pflop_h AS denominator,
    counted_device_hours AS observed,
    allocated_device_hours AS expected,
    evidence_rank,
    reference_rows,
    gap
FROM rollups.mfu_coverage_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND flops_convention = 'palm'
