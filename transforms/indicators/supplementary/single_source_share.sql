-- One row per site and month: value of parts that one supplier at most can deliver, over the value of the parts.
-- name: Single-source share | 单一来源占比
-- formula: Σ value of parts with ≤ 1 qualified supplier ÷ Σ value of parts
-- unit: 1
-- better: lower
-- origin: declared
-- window: period
-- gap: no bill of materials
-- source: our design choice
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    sum(single_source_value) AS numerator,
    sum(source_known_value) AS denominator,
    (coalesce(sum(source_known_fleet_parts), 0) * any_value(described_share))::DECIMAL(38, 9) AS observed,
    sum(fleet_parts)::DECIMAL(38, 9) AS expected,
    max(evidence_rank) AS evidence_rank,
    any_value(reference_rows) AS reference_rows,
    CASE
        WHEN sum(source_known_value) IS NOT NULL THEN NULL
        WHEN sum(counted_parts) = 0 THEN 'no inventory'
        WHEN sum(value) IS NULL THEN 'no price'
        ELSE 'no inventory'
    END AS gap
FROM rollups.supply_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
GROUP BY site_id, month_start
