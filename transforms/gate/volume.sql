-- One row per continuous dataset of the site: records of the period, against the median of up to four periods before.
-- Records of a file fall evenly on the time it covers. Without two earlier periods there is no history, and the ratio
-- is unknown. A dataset that had records before and has none now has the ratio 0.
-- grain: dataset
WITH periods AS (
    SELECT period, period_start, period_end, row_number() OVER (ORDER BY period_start DESC) - 1 AS age
    FROM reference.site_periods
    WHERE site_id = getvariable('site_id')
        AND period_kind = getvariable('period_kind')
        AND period_start <= getvariable('period_start')
),
files AS (
    SELECT DISTINCT
        dataset,
        file_id,
        rows_accepted,
        first_at,
        greatest(last_at, first_at + INTERVAL 1 SECOND) AS last_at
    FROM (SELECT site_id, dataset, unnest(file_ids) AS file_id FROM ops.stagings)
    JOIN ops.files USING (site_id, file_id)
    WHERE site_id = getvariable('site_id')
        AND status = 'loaded'
        AND first_at IS NOT NULL
        AND dataset IN ('accelerator_samples', 'facility_readings', 'utility_bills', 'workload_runs')
),
datasets AS (
    SELECT DISTINCT dataset FROM files
),
volumes AS (
    SELECT
        dataset,
        age,
        coalesce(
            sum(
                rows_accepted
                * greatest(
                    epoch(least(last_at, period_end::TIMESTAMP)) - epoch(greatest(first_at, period_start::TIMESTAMP)), 0
                )
                / (epoch(last_at) - epoch(first_at))
            ),
            0
        ) AS records
    FROM datasets
    CROSS JOIN periods
    LEFT JOIN files USING (dataset)
    WHERE age <= 4
    GROUP BY dataset, age
),
compared AS (
    SELECT
        dataset,
        max(records) FILTER (WHERE age = 0) AS records,
        median(records) FILTER (WHERE age > 0) AS median_before,
        count(*) FILTER (WHERE age > 0) AS periods_before
    FROM volumes
    GROUP BY dataset
    HAVING max(records) > 0
)
SELECT
    *,
    CASE WHEN periods_before >= 2 AND median_before > 0 THEN records / median_before END AS ratio
FROM compared
ORDER BY dataset
