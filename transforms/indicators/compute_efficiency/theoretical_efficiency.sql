-- One row per site and month: peak compute of the accelerators over the rated power of the IT equipment around them.
-- Dense peaks at the declared precision only; accelerators without one, or without the rated power of what encloses
-- them, are left out on both sides and lower the coverage; so does storage or network that states no power, since the
-- denominator then lacks it. Rated power is no measured power: the two are never mixed.
-- name: Theoretical compute efficiency | 理论算效
-- formula: Σ peak GFLOPS·h ÷ Σ rated IT W·h
-- unit: GFLOPS/W
-- better: higher
-- origin: published
-- window: period
-- gap: no inventory
-- source: CE = CP / P_IT, 郭亮 et al., 信息通信技术与政策 2021 47(2):79-86 (term); formula form ours
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    CASE WHEN covered_device_hours > 0 THEN (covered_peak_pflop_h * 1000000)::DECIMAL(38, 9) END AS numerator,
    CASE WHEN covered_device_hours > 0 THEN (covered_rated_it_kwh * 1000)::DECIMAL(38, 9) END AS denominator,
    (covered_device_hours * coalesce(rated_support_item_hours / nullif(support_item_hours, 0), 1))::DECIMAL(38, 9)
        AS observed,
    installed_device_hours AS expected,
    evidence_rank,
    reference_rows,
    CASE
        WHEN covered_device_hours > 0 THEN NULL
        WHEN installed_device_hours > 0 AND peak_known_device_hours = 0 THEN 'no peak for the accelerator'
        ELSE 'no inventory'
    END AS gap
FROM rollups.capacity_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
