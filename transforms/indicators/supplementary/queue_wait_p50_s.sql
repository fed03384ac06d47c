-- One row per site and period: time from submission to start that 50 % of the runs did not exceed.
-- Exact, from the runs started in the period, interpolated between neighbours. What was submitted in the period and
-- never started has no wait yet and lowers the coverage, as does a run of which the submission is not known.
-- name: Median queue wait | 排队等待中位数
-- formula: quantile 0.50 of (start − submission), runs started in the period
-- unit: s
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: fields as in InternLM/AcmeTrace
-- grain: site_id, period
SELECT
    site_id,
    period,
    NULL::DECIMAL(38, 9) AS numerator,
    NULL::DECIMAL(38, 9) AS denominator,
    wait_p50_s AS value,
    waited_runs AS observed,
    runs AS expected,
    evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN waited_runs = 0 THEN 'no workload records' END AS gap
FROM rollups.queue_wait_period
WHERE site_id = getvariable('site_id')
    AND period_end > getvariable('period_start')
    AND period_start < getvariable('period_end')
