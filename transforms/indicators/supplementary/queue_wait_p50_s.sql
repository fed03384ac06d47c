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
WITH periods AS (
    SELECT site_id, period, period_start, period_end
    FROM reference.site_periods
    WHERE site_id = getvariable('site_id')
        AND period_end > getvariable('period_start')
        AND period_start < getvariable('period_end')
),
runs AS (
    SELECT
        site_id,
        month_start,
        CASE WHEN is_submission_known THEN date_diff('microsecond', submitted_at_utc, started_at_utc) / 1e6 END AS wait_s,
        evidence_rank
    FROM staged.workload_runs
    JOIN reference.evidence_classes USING (evidence_class)
    JOIN reference.site_months USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND coalesce(started_at_utc, submitted_at_utc) >= start_utc
        AND coalesce(started_at_utc, submitted_at_utc) < end_utc
)
SELECT
    site_id,
    period,
    NULL::DECIMAL(38, 9) AS numerator,
    NULL::DECIMAL(38, 9) AS denominator,
    quantile_cont(wait_s, 0.50) AS value,
    count(wait_s)::DECIMAL(38, 9) AS observed,
    count(*)::DECIMAL(38, 9) AS expected,
    max(evidence_rank)::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN count(wait_s) = 0 THEN 'no workload records' END AS gap
FROM periods
JOIN runs USING (site_id)
WHERE month_start >= period_start AND month_start < period_end
GROUP BY site_id, period
