-- One row per site and period: inequality of device-hours between the tenants that ran something in the period.
-- 0 is equal use, 1 is all use by one of many; of one tenant it is undefined. Device-hours without a tenant lower the
-- coverage. Made from the runs themselves: a year is longer than the quarter that is built, and tenants are added up
-- before they are compared.
-- name: Concentration of use | 使用集中度
-- formula: Gini coefficient, Σ (2 rank − n − 1) × device-hours ÷ (n × Σ device-hours), tenants ranked upwards
-- unit: 1
-- better: lower
-- origin: declared
-- window: period
-- gap: no workload records
-- source: our design choice
-- grain: site_id, period
WITH periods AS (
    SELECT site_id, period, period_start, period_end
    FROM reference.site_periods
    WHERE site_id = getvariable('site_id')
        AND period_end > getvariable('period_start')
        AND period_start < getvariable('period_end')
),
bounds AS (
    SELECT site_id, period, min(start_utc) AS start_utc, max(end_utc) AS end_utc
    FROM periods
    JOIN reference.site_months USING (site_id)
    WHERE month_start >= period_start AND month_start < period_end
    GROUP BY site_id, period
),
tenants AS (
    SELECT
        site_id,
        period,
        tenant_id,
        sum(
            (
                device_count
                * date_diff('microsecond', greatest(started_at_utc, start_utc), least(ended_at_utc, end_utc)) / 3.6e9
            )::DECIMAL(38, 9)
        ) AS device_hours,
        max(evidence_rank)::INTEGER AS evidence_rank
    FROM bounds
    JOIN staged.workload_runs USING (site_id)
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE started_at_utc < end_utc AND ended_at_utc > start_utc AND ended_at_utc > started_at_utc AND device_count > 0
    GROUP BY site_id, period, tenant_id
),
ranked_tenants AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY period, tenant_id IS NULL ORDER BY device_hours) AS place,
        count(*) OVER (PARTITION BY period, tenant_id IS NULL) AS tenant_count,
        ((2 * place - tenant_count - 1) * device_hours::DOUBLE / tenant_count)::DECIMAL(38, 9) AS weighted_device_hours
    FROM tenants
)
SELECT
    site_id,
    period,
    NULL::DECIMAL(38, 9) AS numerator,
    NULL::DECIMAL(38, 9) AS denominator,
    CASE
        WHEN count(tenant_id) > 1
            THEN sum(weighted_device_hours) FILTER (WHERE tenant_id IS NOT NULL)
                / sum(device_hours) FILTER (WHERE tenant_id IS NOT NULL)
    END AS value,
    coalesce(sum(device_hours) FILTER (WHERE tenant_id IS NOT NULL), 0) AS observed,
    sum(device_hours) AS expected,
    max(evidence_rank)::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE
        WHEN count(tenant_id) = 0 THEN 'no workload records'
        WHEN count(tenant_id) = 1 THEN 'not applicable'
    END AS gap
FROM ranked_tenants
GROUP BY site_id, period
