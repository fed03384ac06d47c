-- One row per site and month: peak compute of the accelerators over the electricity of the whole facility.
-- Dense peaks at the declared precision. The boundary is the facility, not rated IT power: no scale of the one fits the
-- other. Electricity counts in the share of device-hours whose peak is known, compute in the share of days whose
-- electricity is known, so that both sides describe the same.
-- name: Compute efficiency at the facility boundary | 设施边界算效
-- formula: Σ peak GFLOPS·h ÷ Σ facility W·h
-- unit: GFLOPS/W
-- better: higher
-- origin: declared
-- window: period
-- gap: no bill
-- source: CE_facility = CP / P_facility; form ours
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
        facility_kwh,
        peak_pflop_h,
        least(coalesce(facility_days, 0) / days, 1) AS energy_share,
        coalesce(peak_known_device_hours / nullif(installed_device_hours, 0), 0) AS peak_share,
        greatest(capacity.evidence_rank, facility_evidence_rank) AS evidence_rank,
        reference_rows,
        CASE
            WHEN peak_share = 0 AND installed_device_hours > 0 THEN 'no peak for the accelerator'
            WHEN peak_share = 0 THEN 'no inventory'
            WHEN facility_kwh IS NULL OR energy_share = 0 THEN 'no bill'
        END AS gap
    FROM months
    JOIN rollups.capacity_month AS capacity USING (site_id, month_start)
    LEFT JOIN rollups.energy_month AS energy USING (site_id, month_start)
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN 1e6 * peak_pflop_h * energy_share END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN 1000 * facility_kwh * peak_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN hours * least(energy_share, peak_share) ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    reference_rows,
    gap
FROM facts
