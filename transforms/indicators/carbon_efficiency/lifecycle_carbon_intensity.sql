-- One row per site and month: operational and written-off embodied carbon over effective compute.
-- Effective compute is what the runs achieved. Where part of a month's electricity is unknown, compute counts in the
-- same share of days, because energy that is unknown is not zero. Assets whose embodied carbon is unknown lower the
-- coverage.
-- name: Life-cycle carbon intensity | 全生命周期碳效
-- formula: Σ (location-based + embodied kgCO2e) ÷ Σ effective PFLOP-hours
-- unit: kgCO2e/PFLOP-h
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: after 算力碳效 CEPS of ODCC and CAICT (form to be verified), GHG Protocol Scope 2; unit of work ours
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
        carbon.location_kgco2e AS kgco2e,
        effective_pflop_h,
        least(facility_days / days, 1) AS energy_share,
        coalesce(covered_device_hours / nullif(allocated_device_hours, 0), 0) AS compute_share,
        embodied_kgco2e,
        coalesce(embodied_known_quantity_h / nullif(embodied_quantity_h, 0), 0) AS embodied_share,
        greatest(carbon.evidence_rank, carbon.embodied_evidence_rank, compute.evidence_rank) AS evidence_rank,
        list_sort(
            list_distinct(
                flatten([carbon.reference_rows, carbon.embodied_reference_rows, compute.reference_rows])
            )
        ) AS reference_rows,
        CASE
            WHEN carbon.location_kgco2e IS NULL THEN coalesce(carbon.gap, 'no bill')
            WHEN embodied_kgco2e IS NULL THEN 'no inventory'
            WHEN effective_pflop_h IS NULL THEN 'no workload records'
        END AS gap
    FROM months
    LEFT JOIN rollups.energy_month AS energy USING (site_id, month_start)
    LEFT JOIN rollups.carbon_month AS carbon USING (site_id, month_start)
    LEFT JOIN rollups.compute_month AS compute USING (site_id, month_start)
    WHERE carbon.month_start IS NOT NULL OR compute.month_start IS NOT NULL
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN kgco2e + embodied_kgco2e * energy_share END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN effective_pflop_h * energy_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN days * least(energy_share, compute_share, embodied_share) ELSE 0 END)::DECIMAL(38, 9)
        AS observed,
    days::DECIMAL(38, 9) AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    reference_rows,
    gap
FROM facts
