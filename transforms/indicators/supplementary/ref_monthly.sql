-- One row per site and month: renewable energy factor with claims matched to the electricity of their own month.
-- Stricter than REF: what is claimed of a month beyond what the month used counts in no other one. Claims fall evenly on
-- the days of their vintage.
-- name: Renewable energy factor, matched by month | 可再生能源利用率（逐月匹配）
-- formula: Σ min(certificates + contracts + on-site renewable kWh, facility kWh) ÷ Σ facility kWh, month by month
-- unit: 1
-- better: higher
-- origin: declared
-- window: trailing year
-- gap: no certificates
-- source: after ISO/IEC 30134-3 and EU 2024/1364, which match by year; matching by month ours
-- reaches: 12 months before the scope
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN matched_by_month_kwh END)::DECIMAL(38, 9) AS numerator,
    CASE WHEN gap IS NULL THEN facility_kwh END AS denominator,
    (CASE WHEN gap IS NULL THEN hours * facility_share ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM rollups.renewable_energy_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
