-- One row per site and month: renewable energy factor, green power claimed or made on site over facility electricity.
-- Claims count as in market-based carbon: cancelled, each within its vintage and once. They are matched over the time
-- that the methodology says (certificate_matching). By year, as the standards have it: summed over the twelve months,
-- and no more than what came from the grid in these. By month: no more than that of each month, which is ref_monthly. By hour
-- nothing can be said of certificates that state days: the figure is withheld. A month without claims counts as none
-- once the site has registered any in the twelve months before; until then they are unknown.
-- name: Renewable energy factor (REF) | 可再生能源利用率
-- formula: Σ (cancelled certificates + contracts + on-site renewable kWh) ÷ Σ facility kWh; claims: Σ grid kWh at most
-- unit: 1
-- better: higher
-- origin: standard
-- window: trailing year
-- gap: no certificates
-- source: ISO/IEC 30134-3 (secondary); EU 2024/1364: ERES-TOT = ERES-GOO + ERES-PPA + ERES-OS (secondary)
-- reaches: 12 months before the scope
-- grain: site_id, month_start
WITH facts AS (
    SELECT
        *,
        getvariable('certificate_matching') AS matching,
        CASE matching WHEN 'annual' THEN matched_by_year_kwh WHEN 'monthly' THEN matched_by_month_kwh END AS matched_kwh,
        coalesce(gap, CASE WHEN matched_kwh IS NULL THEN 'no certificates' END) AS why_none
    FROM rollups.renewable_energy_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    (CASE WHEN why_none IS NULL THEN matched_kwh END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN why_none IS NULL THEN claimable_kwh END)::DECIMAL(38, 9) AS numerator_at_most,
    CASE WHEN why_none IS NULL THEN facility_kwh END AS denominator,
    (CASE WHEN why_none IS NULL THEN hours * facility_share ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    why_none AS gap
FROM facts
