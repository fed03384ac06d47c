-- One row per site and month: weight of passing tests over the weight of the tests tenants need.
-- Tests that were not run are unknown: they lower the coverage, not the value.
-- name: Compatibility | 技术兼容
-- formula: Σ weight of passed tests ÷ Σ weight of required tests that were run
-- unit: 1
-- better: higher
-- origin: declared
-- window: period
-- gap: no compatibility tests
-- source: our design choice
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    CASE WHEN tested_weight > 0 THEN passed_weight END AS numerator,
    CASE WHEN tested_weight > 0 THEN tested_weight END AS denominator,
    tested_weight AS observed,
    required_weight AS expected,
    evidence_rank,
    reference_rows,
    CASE WHEN tested_weight = 0 THEN 'no compatibility tests' END AS gap
FROM rollups.compatibility_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
