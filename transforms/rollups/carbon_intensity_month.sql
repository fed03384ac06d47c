-- One row per site and month with carbon or runs: both sides of the carbon intensities, and how much of each is known.
-- Effective compute is what the runs achieved. Where part of a month's electricity is unknown, or made on site with carbon
-- that is unknown, compute counts in the same share, because what is unknown is not zero; so does the embodied carbon
-- that is added to it.
-- as a view: what the carbon intensities have in common, and nothing that the three rollups do not say
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
)
SELECT
    site_id,
    month_start,
    days,
    location_kgco2e,
    market_kgco2e,
    scope_1_kgco2e,
    embodied_kgco2e,
    effective_pflop_h,
    least(facility_days / days, 1) * coalesce(energy_with_factor_kwh / nullif(energy_kwh, 0), 1) AS energy_share,
    coalesce(covered_device_hours / nullif(allocated_device_hours, 0), 0) AS compute_share,
    coalesce(embodied_known_quantity_h / nullif(embodied_quantity_h, 0), 0) AS embodied_share,
    carbon.evidence_rank AS location_evidence_rank,
    carbon.market_evidence_rank,
    carbon.embodied_evidence_rank,
    compute.evidence_rank AS compute_evidence_rank,
    carbon.reference_rows AS location_reference_rows,
    carbon.market_reference_rows,
    carbon.embodied_reference_rows,
    compute.reference_rows AS compute_reference_rows,
    CASE
        WHEN location_kgco2e IS NULL AND facility_is_contradicted THEN 'contradictory meters'
        WHEN location_kgco2e IS NULL THEN coalesce(carbon.gap, 'no bill')
    END AS location_gap,
    CASE
        WHEN market_kgco2e IS NULL AND facility_is_contradicted THEN 'contradictory meters'
        WHEN market_kgco2e IS NULL THEN coalesce(carbon.gap, 'no bill')
    END AS market_gap,
    CASE WHEN embodied_kgco2e IS NULL THEN 'no inventory' END AS embodied_gap,
    CASE
        WHEN effective_pflop_h IS NOT NULL THEN NULL
        WHEN allocated_device_hours > 0 AND peak_known_device_hours IS NULL THEN 'no peak for the accelerator'
        ELSE 'no workload records'
    END AS compute_gap
FROM months
LEFT JOIN rollups.energy_month AS energy USING (site_id, month_start)
LEFT JOIN rollups.carbon_month AS carbon USING (site_id, month_start)
LEFT JOIN rollups.compute_month AS compute USING (site_id, month_start)
WHERE carbon.month_start IS NOT NULL OR compute.month_start IS NOT NULL
