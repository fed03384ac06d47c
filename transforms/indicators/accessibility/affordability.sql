-- One row per site and month: what tenants pay for the effective compute they get.
-- Charged amounts, else the price on offer on each day, over the compute the same runs achieved; runs that do not state
-- their operations are given the ratio of achieved to peak of the site's other runs in the month.
-- name: Affordability | 普惠
-- formula: Σ charged or listed price ÷ Σ effective PFLOP-h
-- unit: CNY/PFLOP-h
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: our design choice
-- grain: site_id, month_start
WITH compute AS (
    SELECT site_id, month_start, achieved_pflop_h / peak_covered_pflop_h AS achieved_share, peak_known_device_hours
    FROM rollups.compute_month
),
priced_compute AS (
    SELECT
        offer_month.*,
        peak_known_device_hours,
        priced_device_hours > 0 AS is_priced,
        priced_achieved_pflop_h
            + (priced_uncounted_peak_pflop_h::DOUBLE * achieved_share)::DECIMAL(38, 9) AS effective_pflop_h
    FROM rollups.offer_month
    LEFT JOIN compute USING (site_id, month_start)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    CASE WHEN effective_pflop_h IS NOT NULL THEN priced_amount END AS numerator,
    effective_pflop_h AS denominator,
    CASE WHEN effective_pflop_h IS NOT NULL THEN priced_device_hours ELSE 0 END AS observed,
    allocated_device_hours AS expected,
    evidence_rank,
    reference_rows,
    CASE
        WHEN effective_pflop_h IS NOT NULL THEN NULL
        WHEN is_priced THEN 'no benchmark'
        WHEN charged_runs = 0 AND offered_days = 0 THEN 'no offers'
        WHEN peak_known_device_hours IS NULL THEN 'no peak for the accelerator'
        ELSE 'no price'
    END AS gap
FROM priced_compute
