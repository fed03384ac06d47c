-- One row per site and month: days for which the stock of the parts in use lasts.
-- Pieces of different parts are added by their value. Parts whose stock, use or price is unknown lower the coverage.
-- name: Stock cover | 库存可用天数
-- formula: Σ value of stock ÷ Σ value of daily use, parts in use
-- unit: d
-- better: higher
-- origin: declared
-- window: period
-- gap: no bill of materials
-- source: our design choice
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    CASE WHEN count(daily_use_value) > 0 THEN coalesce(sum(stock_value), 0) END AS numerator,
    sum(daily_use_value) AS denominator,
    (coalesce(sum(stock_known_fleet_parts), 0) * any_value(described_share))::DECIMAL(38, 9) AS observed,
    sum(fleet_parts)::DECIMAL(38, 9) AS expected,
    max(evidence_rank) AS evidence_rank,
    any_value(reference_rows) AS reference_rows,
    CASE
        WHEN sum(daily_use_value) IS NOT NULL THEN NULL
        WHEN sum(value) IS NULL THEN 'no price'
        ELSE 'no inventory'
    END AS gap
FROM rollups.supply_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
GROUP BY site_id, month_start
