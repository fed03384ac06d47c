-- One row per site, month with runs, and convention: what the runs counted by it achieved, beside the hours of all runs.
-- Where no run counts by a convention its row says so: nothing is observed, and evidence is that of the runs.
-- as a view: what the two utilisations have in common
-- grain: site_id, month_start, flops_convention
WITH conventions (flops_convention) AS (
    VALUES ('palm'), ('megatron')
)
SELECT
    runs.site_id,
    runs.month_start,
    flops_convention,
    counted.achieved_pflop_h,
    counted.peak_pflop_h,
    coalesce(counted.device_hours, 0) AS counted_device_hours,
    runs.allocated_device_hours,
    coalesce(counted.evidence_rank, runs.evidence_rank) AS evidence_rank,
    coalesce(counted.reference_rows, []) AS reference_rows,
    CASE
        WHEN counted.device_hours IS NOT NULL THEN NULL
        WHEN runs.peak_known_device_hours IS NULL THEN 'no peak for the accelerator'
        ELSE 'no workload records'
    END AS gap
FROM rollups.compute_month AS runs
CROSS JOIN conventions
LEFT JOIN rollups.mfu_month AS counted USING (site_id, month_start, flops_convention)
