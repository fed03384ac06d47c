-- One row per site and month: value of the parts with a secured supply over the value of the parts.
-- Secured means two or more qualified suppliers and a stock that lasts until the next delivery. Parts are those of the
-- whole fleet: assets in service × pieces × price. Parts of which that, or their value, is unknown lower the coverage,
-- by the number of assets they are in; so do servers without a bill of materials.
-- name: Supply-chain completeness | 供应链完备
-- formula: Σ value of parts with ≥ 2 qualified suppliers and stock cover ≥ lead time ÷ Σ value of parts
-- unit: 1
-- better: higher
-- origin: declared
-- window: period
-- gap: no bill of materials
-- source: our design choice
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    sum(secured_value) AS numerator,
    sum(security_known_value) AS denominator,
    (coalesce(sum(security_known_fleet_parts), 0) * any_value(described_share))::DECIMAL(38, 9) AS observed,
    sum(fleet_parts)::DECIMAL(38, 9) AS expected,
    max(evidence_rank) AS evidence_rank,
    any_value(reference_rows) AS reference_rows,
    CASE
        WHEN sum(security_known_value) IS NOT NULL THEN NULL
        WHEN sum(counted_parts) = 0 THEN 'no inventory'
        WHEN sum(value) IS NULL THEN 'no price'
        ELSE 'no inventory'
    END AS gap
FROM rollups.supply_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
GROUP BY site_id, month_start
