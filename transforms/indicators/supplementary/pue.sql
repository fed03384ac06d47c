-- One row per site and month: power usage effectiveness, facility electricity over IT electricity.
-- The category (1 UPS output, 2 PDU output, 3 IT input) is rollups.energy_month.pue_category; figures of different
-- categories do not compare. Electricity only: fuel and bought cooling are not weighted in. Where one side is known for
-- less of the month than the other, both count for the shorter time: unknown energy is not zero.
-- name: Power usage effectiveness (PUE) | 电能利用效率
-- formula: Σ facility kWh ÷ Σ IT kWh
-- unit: 1
-- better: lower
-- origin: standard
-- window: trailing year
-- gap: no meter readings
-- source: ISO/IEC 30134-2 (formula secondary; categories 2 and 3 to be verified)
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
    AND numerator_quantity = 'facility_kwh'
    AND denominator_quantity = 'it_kwh'
