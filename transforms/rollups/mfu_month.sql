-- One row per site, month and convention: model operations of the runs that count by it, beside the peak of the devices
-- they held.
-- The conventions give different figures for the same run, so they never meet in one sum: a run without a stated
-- convention, or with one of its own, has no row. The time base is the same for all: the whole run from its start to its
-- end, loading of data, checkpoints and restarts included.
-- grain: site_id, month_start, flops_convention
SELECT
    site_id,
    month_start,
    flops_convention,
    sum(device_hours) AS device_hours,
    sum(achieved_pflop_h) AS achieved_pflop_h,
    sum(peak_pflop_h) AS peak_pflop_h,
    max(evidence_rank)::INTEGER AS evidence_rank,
    list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows
FROM rollups.run_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
    AND flops_convention IN ('palm', 'megatron')
    AND achieved_pflop_h IS NOT NULL
    AND device_hours > 0
GROUP BY site_id, month_start, flops_convention
