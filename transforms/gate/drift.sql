-- One row per indicator with a value: the value against the median of up to four periods of its kind before it.
-- Without two earlier values, or with a median of zero, the ratio is unknown.
-- grain: indicator
WITH history AS (
    SELECT indicator, value, row_number() OVER (PARTITION BY indicator ORDER BY period_start DESC) AS age
    FROM indicators."all"
    WHERE site_id = getvariable('site_id')
        AND period_kind = getvariable('period_kind')
        AND period_start < getvariable('period_start')
        AND status = 'ok'
),
before AS (
    SELECT indicator, median(value) AS median_before, count(*) AS periods_before
    FROM history
    WHERE age <= 4
    GROUP BY indicator
)
SELECT
    now.indicator,
    now.value,
    median_before,
    coalesce(periods_before, 0) AS periods_before,
    CASE WHEN periods_before >= 2 AND median_before <> 0 THEN now.value / median_before END AS ratio
FROM indicators."all" AS now
LEFT JOIN before USING (indicator)
WHERE now.site_id = getvariable('site_id') AND now.period = getvariable('period') AND now.status = 'ok'
ORDER BY now.indicator
