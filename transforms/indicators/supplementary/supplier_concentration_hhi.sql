-- One row per site and month: concentration of suppliers within a component class, weighted by the classes' value.
-- name: Supplier concentration | 供应商集中度
-- formula: Σ class value × Σ (supplier's share in %)² ÷ Σ class value
-- unit: 1
-- better: lower
-- origin: declared
-- window: period
-- gap: no bill of materials
-- source: Herfindahl-Hirschman index, its use for procurement is our design choice
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    sum((supplier_known_value::DOUBLE * hhi)::DECIMAL(38, 9)) AS numerator,
    sum(supplier_known_value) FILTER (WHERE hhi IS NOT NULL) AS denominator,
    (coalesce(sum(supplier_known_fleet_parts), 0) * any_value(described_share))::DECIMAL(38, 9) AS observed,
    sum(fleet_parts)::DECIMAL(38, 9) AS expected,
    max(evidence_rank) AS evidence_rank,
    any_value(reference_rows) AS reference_rows,
    CASE
        WHEN count(hhi) > 0 THEN NULL
        WHEN sum(counted_parts) = 0 THEN 'no inventory'
        WHEN sum(value) IS NULL THEN 'no price'
        ELSE 'no inventory'
    END AS gap
FROM rollups.supply_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
GROUP BY site_id, month_start
