-- One row per site and month: hours that jobs ran over unplanned interruptions.
-- A month of the incident log without interruptions adds hours and no interruption; a window without any has no mean
-- time between them.
-- name: Mean time between job interruptions | 作业平均无中断时间
-- formula: Σ run hours of jobs on accelerators ÷ unplanned interruptions
-- unit: h
-- better: higher
-- origin: declared
-- window: period
-- gap: no workload records
-- source: arXiv 2407.21783
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    CASE WHEN interruptions IS NOT NULL THEN run_hours END AS numerator,
    interruptions::DECIMAL(38, 9) AS denominator,
    CASE WHEN interruptions IS NOT NULL THEN run_hours ELSE 0 END AS observed,
    run_hours AS expected,
    greatest(workload_month.evidence_rank, incident_month.evidence_rank) AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN interruptions IS NULL THEN 'no incidents log' END AS gap
FROM rollups.workload_month
LEFT JOIN rollups.incident_month USING (site_id, month_start)
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND run_hours > 0
