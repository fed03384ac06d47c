-- One row per site and month: energy reuse factor, heat handed over beyond the boundary over facility electricity.
-- Where one side is known for less of the month than the other, both count for the shorter time: unknown energy is not
-- zero.
-- name: Energy reuse factor (ERF) | 能源再利用率
-- formula: Σ reused kWh ÷ Σ facility kWh
-- unit: 1
-- better: higher
-- origin: standard
-- window: trailing year
-- gap: no meter readings
-- source: ISO/IEC 30134-6 (secondary)
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
facts AS (
    SELECT
        months.*,
        heat_reuse_kwh AS numerator,
        facility_kwh AS denominator,
        least(heat_reuse_hours / hours, 1) AS numerator_share,
        least(facility_days / days, 1) AS denominator_share,
        least(numerator_share, denominator_share) AS known_share,
        greatest(heat_evidence_rank, facility_evidence_rank) AS evidence_rank,
        []::VARCHAR[] AS reference_rows,
        CASE
            WHEN heat_reuse_kwh IS NULL OR heat_reuse_hours = 0 THEN 'no meter readings'
            WHEN facility_kwh IS NULL OR facility_days = 0 THEN 'no bill'
        END AS gap
    FROM months
    JOIN rollups.energy_month AS energy USING (site_id, month_start)
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN numerator * (known_share / numerator_share) END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN denominator * (known_share / denominator_share) END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN hours * known_share ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    reference_rows,
    gap
FROM facts
