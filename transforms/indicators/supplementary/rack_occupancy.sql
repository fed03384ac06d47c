-- One row per site and month: rack units occupied over the rack units of the site, both over time.
-- Assets built into another one take no rack units of their own. Assets that do not state their height lower the
-- coverage; they occupy an unknown part, not none.
-- name: Rack occupancy | 上架率
-- formula: Σ occupied rack unit-hours ÷ Σ rack unit-hours of the site
-- unit: 1
-- better: higher
-- origin: declared
-- window: period
-- gap: no inventory
-- source: CAICT term; computed over rack units instead of racks (ours)
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, hours, time_zone
    FROM reference.site_months
    JOIN reference.sites USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
assets AS (
    SELECT child.*, evidence_rank
    FROM staged.hardware_assets AS child
    JOIN reference.evidence_classes USING (evidence_class)
    LEFT JOIN staged.hardware_assets AS parent
        ON parent.site_id = child.site_id AND parent.asset_id = child.parent_asset_id
    WHERE parent.asset_id IS NULL
),
occupation AS (
    SELECT
        months.site_id,
        month_start,
        hours,
        assets.rack_units,
        evidence_rank,
        quantity * date_diff(
            'second',
            timezone(time_zone, greatest(in_service_from, month_start)::TIMESTAMP),
            timezone(time_zone, least(coalesce(in_service_to, month_end), month_end)::TIMESTAMP)
        ) / 3600 AS item_hours
    FROM months
    JOIN assets
        ON assets.site_id = months.site_id
        AND in_service_from < month_end
        AND coalesce(in_service_to > month_start, true)
),
sums AS (
    SELECT
        site_id,
        month_start,
        hours,
        sum((item_hours * rack_units)::DECIMAL(38, 9)) AS occupied_unit_hours,
        coalesce(sum(item_hours::DECIMAL(38, 9)) FILTER (WHERE rack_units IS NOT NULL), 0) AS known_item_hours,
        sum(item_hours::DECIMAL(38, 9)) AS item_hours,
        max(evidence_rank) AS evidence_rank
    FROM occupation
    GROUP BY site_id, month_start, hours
),
facts AS (
    SELECT
        sums.*,
        sites.rack_units * hours AS site_unit_hours,
        occupied_unit_hours IS NOT NULL AND coalesce(sites.rack_units, 0) > 0 AS is_known
    FROM sums
    JOIN reference.sites USING (site_id)
)
SELECT
    site_id,
    month_start,
    CASE WHEN is_known THEN occupied_unit_hours END AS numerator,
    (CASE WHEN is_known THEN site_unit_hours END)::DECIMAL(38, 9) AS denominator,
    CASE WHEN is_known THEN known_item_hours ELSE 0 END AS observed,
    item_hours AS expected,
    evidence_rank::INTEGER AS evidence_rank,
    []::VARCHAR[] AS reference_rows,
    CASE WHEN NOT is_known THEN 'no inventory' END AS gap
FROM facts
