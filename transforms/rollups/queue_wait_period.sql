-- One row per site and period with runs: how long the runs that started in it had waited, exactly.
-- Quantiles are interpolated between neighbours. A period is made from its runs and not from its months: a quantile is
-- no ratio of sums. What was submitted in the period and never started has no wait yet, nor has a run of which the
-- submission is not known; both are among the runs.
-- as a view: a period may be longer than the quarter that is built
-- grain: site_id, period
WITH runs AS (
    SELECT
        site_id,
        month_start,
        CASE WHEN is_submission_known THEN date_diff('microsecond', submitted_at_utc, started_at_utc) / 1e6 END AS wait_s,
        evidence_rank
    FROM staged.workload_runs
    JOIN reference.evidence_classes USING (evidence_class)
    JOIN reference.site_months USING (site_id)
    WHERE coalesce(started_at_utc, submitted_at_utc) >= start_utc
        AND coalesce(started_at_utc, submitted_at_utc) < end_utc
)
SELECT
    site_id,
    period,
    period_start,
    period_end,
    quantile_cont(wait_s, 0.50) AS wait_p50_s,
    quantile_cont(wait_s, 0.90) AS wait_p90_s,
    quantile_cont(wait_s, 0.95) AS wait_p95_s,
    count(wait_s)::DECIMAL(38, 9) AS waited_runs,
    count(*)::DECIMAL(38, 9) AS runs,
    max(evidence_rank)::INTEGER AS evidence_rank
FROM reference.site_periods
JOIN runs USING (site_id)
WHERE month_start >= period_start AND month_start < period_end
GROUP BY site_id, period, period_start, period_end
