-- One row per site and month: compute the site's runs achieved, beside the peak of the devices they held.
-- Effective compute carries the ratio of achieved to peak from the runs that state their operations over to the others;
-- it equals achieved compute where all state them. All of it is in the declared number format. Runs that share devices
-- and claim more operations together than these can do have stated something wrong, so none of the month's is used.
-- grain: site_id, month_start
WITH parts AS (
    SELECT *, achieved_pflop_h IS NOT NULL AS is_covered
    FROM rollups.run_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
compute AS (
    SELECT
        site_id,
        month_start,
        sum(device_hours) AS allocated_device_hours,
        sum(device_hours) FILTER (WHERE peak_pflop_h IS NOT NULL) AS peak_known_device_hours,
        sum(device_hours) FILTER (WHERE is_covered) AS covered_device_hours,
        sum(achieved_pflop_h) AS achieved_pflop_h,
        sum(peak_pflop_h) FILTER (WHERE is_covered) AS peak_covered_pflop_h,
        sum(peak_pflop_h) AS peak_allocated_pflop_h,
        max(evidence_rank)::INTEGER AS evidence_rank,
        list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows
    FROM parts
    WHERE device_hours > 0
    GROUP BY site_id, month_start
),
possible AS (
    SELECT
        * REPLACE (
            CASE WHEN is_possible THEN covered_device_hours END AS covered_device_hours,
            CASE WHEN is_possible THEN achieved_pflop_h END AS achieved_pflop_h,
            CASE WHEN is_possible THEN peak_covered_pflop_h END AS peak_covered_pflop_h
        )
    FROM (SELECT *, achieved_pflop_h <= peak_covered_pflop_h + 0.000001 AS is_possible FROM compute)
)
SELECT
    * EXCLUDE (evidence_rank, reference_rows, is_possible),
    achieved_pflop_h
        + ((peak_allocated_pflop_h - peak_covered_pflop_h)::DOUBLE * (achieved_pflop_h / peak_covered_pflop_h))
            ::DECIMAL(38, 9) AS effective_pflop_h,
    evidence_rank,
    reference_rows
FROM possible
