-- One row per site and month: energy of the runs that state both their energy and their tokens, per token.
-- For the site as a whole, over all models: compare models only by their own runs.
-- name: Energy per token | 每词元能耗
-- formula: Σ energy of runs ÷ Σ tokens of the same runs
-- unit: J/token
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: ml-energy/leaderboard
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    energy_of_tokens_j AS numerator,
    tokens_with_energy AS denominator,
    coalesce(tokens_with_energy, 0) AS observed,
    tokens AS expected,
    evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN tokens_with_energy IS NULL THEN 'no workload records' END AS gap
FROM rollups.workload_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND tokens > 0
