-- One row per continuous dataset of the site: how many days before the end of the period its evidence stops.
-- Datasets that ought to cover every day are looked at, if they covered the period or of the quarter before it.
-- Negative days are after the end.
-- grain: dataset
WITH files AS (
    SELECT DISTINCT staging.dataset, file.file_id, file.first_at, file.last_at
    FROM (SELECT site_id, dataset, unnest(file_ids) AS file_id FROM ops.stagings) AS staging
    JOIN ops.files AS file USING (site_id, file_id)
    WHERE site_id = getvariable('site_id')
        AND status = 'loaded'
        AND dataset IN ('accelerator_samples', 'facility_readings', 'utility_bills', 'workload_runs')
)
SELECT
    dataset,
    max(last_at)::DATE AS last_day,
    date_diff('day', max(last_at)::DATE, getvariable('period_end')) AS days_before_end
FROM files
WHERE first_at < getvariable('period_end')::TIMESTAMP
    AND last_at >= getvariable('period_start')::TIMESTAMP - INTERVAL 92 DAY
GROUP BY dataset
ORDER BY dataset
