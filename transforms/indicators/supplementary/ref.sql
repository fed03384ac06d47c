-- One row per site and month: renewable energy factor, green power claimed or made on site over facility electricity.
-- Claims count as in market-based carbon (rollups.energy_month.claimed_kwh): cancelled, each within its vintage and
-- once, and no more than came from the grid. A month without claims counts as none once the site has registered any in
-- the twelve months before; until then they are unknown. What the site's own renewables make and it gives back to the grid
-- is not used there.
-- name: Renewable energy factor (REF) | 可再生能源利用率
-- formula: Σ (cancelled certificates + contracts + on-site renewable kWh) ÷ Σ facility kWh
-- unit: 1
-- better: higher
-- origin: standard
-- window: trailing year
-- gap: no certificates
-- source: ISO/IEC 30134-3 (secondary); EU 2024/1364: ERES-TOT = ERES-GOO + ERES-PPA + ERES-OS (secondary)
-- reaches: 12 months before the scope
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
registers AS (
    SELECT months.site_id, month_start, max(evidence_rank) AS evidence_rank
    FROM months
    JOIN staged.energy_certificates
        ON energy_certificates.site_id = months.site_id
        AND vintage_start < month_start + INTERVAL 1 MONTH
        AND vintage_end > month_start - INTERVAL 12 MONTH
    JOIN reference.evidence_classes USING (evidence_class)
    GROUP BY months.site_id, month_start
),
facts AS (
    SELECT
        months.*,
        facility_kwh,
        least(facility_days / days, 1) AS facility_share,
        claimed_kwh + coalesce(on_site_used_kwh, 0) AS renewable_kwh,
        greatest(facility_evidence_rank, claims_evidence_rank, registers.evidence_rank) AS evidence_rank,
        CASE
            WHEN facility_is_contradicted THEN 'contradictory meters'
            WHEN facility_kwh IS NULL OR facility_days = 0 THEN 'no bill'
            WHEN registers.month_start IS NULL AND on_site_renewable_kwh IS NULL THEN 'no certificates'
        END AS gap
    FROM months
    JOIN rollups.energy_month USING (site_id, month_start)
    LEFT JOIN registers USING (site_id, month_start)
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN least(renewable_kwh, facility_kwh) END)::DECIMAL(38, 9) AS numerator,
    CASE WHEN gap IS NULL THEN facility_kwh END AS denominator,
    (CASE WHEN gap IS NULL THEN hours * facility_share ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM facts
