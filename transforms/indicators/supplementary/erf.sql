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
    AND numerator_quantity = 'heat_reuse_kwh'
    AND denominator_quantity = 'facility_kwh'
