-- One row per site and month: model FLOPs of the site's runs over the peak of the devices they held.
-- Runs only, no benchmarks, and only runs counted by the PaLM or the Megatron convention: two utilisations compare only
-- under a stated convention. Recomputation is not counted, so the figure is at most the hardware's utilisation.
-- name: Model FLOPs utilisation | 模型算力利用率
-- formula: Σ model PFLOP-h ÷ Σ peak PFLOP-h
-- unit: 1
-- better: higher
-- origin: standard
-- window: period
-- gap: no workload records
-- source: arXiv 2204.02311 (PaLM), arXiv 2104.04473 (Megatron)
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    comparable_achieved_pflop_h AS numerator,
    comparable_peak_pflop_h AS denominator,
    coalesce(comparable_device_hours, 0) AS observed,
    allocated_device_hours AS expected,
    evidence_rank,
    reference_rows,
    CASE WHEN comparable_device_hours IS NULL THEN 'no workload records' END AS gap
FROM rollups.compute_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
