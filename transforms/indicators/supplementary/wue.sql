-- One row per site and month: water usage effectiveness, litres of water over IT electricity.
-- Where one side is known for less of the month than the other, both count for the shorter time: unknown energy is not
-- zero.
-- name: Water usage effectiveness (WUE) | 水资源利用效率
-- formula: Σ water L ÷ Σ IT kWh
-- unit: L/kWh
-- better: lower
-- origin: standard
-- window: trailing year
-- gap: no bill
-- source: ISO/IEC 30134-9 (secondary)
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
        water_m3 * 1000 AS numerator,
        it_kwh AS denominator,
        least(water_days / days, 1) AS numerator_share,
        least(it_hours / hours, 1) AS denominator_share,
        least(numerator_share, denominator_share) AS known_share,
        greatest(water_evidence_rank, it_evidence_rank) AS evidence_rank,
        []::VARCHAR[] AS reference_rows,
        CASE
            WHEN water_m3 IS NULL OR water_days = 0 THEN 'no bill'
            WHEN it_kwh IS NULL OR it_hours = 0 THEN 'no meter readings'
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
