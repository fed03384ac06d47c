-- One row per site and month: carbon usage effectiveness, location-based carbon over IT electricity.
-- Electricity made on site and the fuel burnt there count. Where one side is known for less of the month than the other,
-- or the carbon of own generators is unknown, both count for what is known: unknown energy is not zero.
-- name: Carbon usage effectiveness (CUE) | 碳利用效率
-- formula: Σ location-based kgCO2e ÷ Σ IT kWh
-- unit: kgCO2e/kWh
-- better: lower
-- origin: standard
-- window: trailing year
-- gap: no meter readings
-- source: ISO/IEC 30134-8 (secondary)
-- grain: site_id, month_start
WITH energy AS (
    SELECT *
    FROM rollups.energy_ratio_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND numerator_quantity = 'facility_kwh'
        AND denominator_quantity = 'it_kwh'
),
carbon_and_energy AS (
    SELECT
        energy.* EXCLUDE (gap),
        location_kgco2e,
        coalesce(energy_with_factor_kwh / nullif(energy_kwh, 0), 1) AS carbon_share,
        carbon.evidence_rank AS carbon_evidence_rank,
        coalesce(carbon.reference_rows, []) AS reference_rows,
        CASE WHEN location_kgco2e IS NULL THEN coalesce(carbon.gap, 'no bill') ELSE energy.gap END AS gap
    FROM energy
    LEFT JOIN rollups.carbon_month AS carbon USING (site_id, month_start)
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN location_kgco2e * numerator_part END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN denominator * carbon_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN known_hours * carbon_share ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    greatest(carbon_evidence_rank, denominator_evidence_rank) AS evidence_rank,
    reference_rows,
    gap
FROM carbon_and_energy
