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
SELECT
    site_id,
    month_start,
    numerator,
    denominator,
    known_hours AS observed,
    hours AS expected,
    greatest(numerator_evidence_rank, denominator_evidence_rank) AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM rollups.energy_ratio_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND numerator_quantity = 'water_l'
    AND denominator_quantity = 'it_kwh'
