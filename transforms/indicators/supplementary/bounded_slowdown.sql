-- One row per site and month: mean factor by which waiting lengthened a run, bounded for short runs.
-- Runs count in the month they started; runs without an end lower the coverage.
-- name: Bounded slowdown | 有界减速比
-- formula: Σ max(1, (wait + run) ÷ max(run, 10 s)) ÷ runs
-- unit: 1
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: the floor of 10 s is unsourced, see reference.parameters
-- grain: site_id, month_start
WITH started AS (
    SELECT *
    FROM rollups.workload_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND runs > 0
),
slowdown_floor AS (
    SELECT reference_id, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'bounded_slowdown_floor_s' AND is_usable
)
SELECT
    site_id,
    month_start,
    bounded_slowdowns AS numerator,
    (CASE WHEN slowdown_runs > 0 THEN slowdown_runs END)::DECIMAL(38, 9) AS denominator,
    slowdown_runs::DECIMAL(38, 9) AS observed,
    runs::DECIMAL(38, 9) AS expected,
    evidence_rank,
    CASE WHEN reference_id IS NULL THEN []::VARCHAR[] ELSE [reference_id] END AS reference_rows,
    CASE WHEN slowdown_runs = 0 THEN 'no workload records' END AS gap
FROM started
LEFT JOIN slowdown_floor ON month_start BETWEEN valid_from AND valid_to
