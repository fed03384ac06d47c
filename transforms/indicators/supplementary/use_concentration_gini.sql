-- One row per site and period: inequality of device-hours between the tenants that ran something in the period.
-- 0 is equal use, 1 is all use by one of many. Device-hours without a tenant lower the coverage.
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
tenants AS (
    SELECT site_id, period, tenant_id, sum(device_hours) AS device_hours, max(evidence_rank)::INTEGER AS evidence_rank
    FROM periods
    JOIN rollups.run_month USING (site_id)
    WHERE month_start >= period_start AND month_start < period_end AND device_hours > 0
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
    sum(weighted_device_hours) FILTER (WHERE tenant_id IS NOT NULL)
        / sum(device_hours) FILTER (WHERE tenant_id IS NOT NULL) AS value,
    coalesce(sum(device_hours) FILTER (WHERE tenant_id IS NOT NULL), 0) AS observed,
    sum(device_hours) AS expected,
    max(evidence_rank)::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN count(tenant_id) = 0 THEN 'no workload records' END AS gap
FROM ranked_tenants
GROUP BY site_id, period
