-- One row per site and month: hours that jobs ran over jobs that unplanned incidents interrupted.
-- An incident interrupts as many jobs as it states: many, or none. A month of the incident log without interruptions adds
-- hours and no interruption; a window without any has no mean time between them. A month with an incident that does not
-- say how many jobs it interrupted is unknown.
-- name: Mean time between job interruptions | 作业平均无中断时间
-- formula: Σ run hours of jobs on accelerators ÷ jobs interrupted by unplanned incidents
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
    CASE WHEN interrupted_jobs IS NOT NULL THEN run_hours END AS numerator,
    interrupted_jobs::DECIMAL(38, 9) AS denominator,
    CASE WHEN interrupted_jobs IS NOT NULL THEN run_hours ELSE 0 END AS observed,
    run_hours AS expected,
    greatest(workload_month.evidence_rank, incident_month.evidence_rank) AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE
        WHEN interruptions IS NULL THEN 'no incidents log'
        WHEN interrupted_jobs IS NULL THEN 'no interrupted jobs'
    END AS gap
FROM rollups.workload_month
LEFT JOIN rollups.incident_month USING (site_id, month_start)
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND run_hours > 0
