-- One row per site and month: accelerators in service, their peak compute, and the rated power of the IT equipment.
-- Hours in service are dated: a month is measured with the hardware of that month. They run from midnight to midnight at
-- the site, so that a day on which clocks change has 23 or 25. The peak is dense, at the declared
-- precision and in TFLOPS; another key is another quantity. Rated power is that of the outermost IT asset, which holds
-- everything built into it; UPS, cooling and other assets are no IT equipment and enclose none. Covered columns hold
-- only equipment for which both sides are known, that is peaks whose enclosing asset states its power, and power in the
-- proportion in which the peaks inside it are known; IT assets without accelerators with all their power. Support is
-- those IT assets without accelerators, storage and network for example; what states no power among them is not 0 W.
-- grain: site_id, month_start
WITH RECURSIVE months AS (
    SELECT site_id, month_start, month_end, time_zone
    FROM reference.site_months
    JOIN reference.sites USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
assets AS (
    SELECT hardware_assets.* EXCLUDE (site_id), evidence_rank
    FROM staged.hardware_assets
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
        AND asset_class IN ('accelerator', 'accelerator_server', 'server', 'storage', 'network')
),
ancestors AS (
    SELECT asset_id, asset_id AS ancestor_id FROM assets
    UNION
    SELECT ancestors.asset_id, parent.asset_id
    FROM ancestors
    JOIN assets AS child ON child.asset_id = ancestors.ancestor_id
    JOIN assets AS parent ON parent.asset_id = child.parent_asset_id
),
enclosures AS (
    SELECT ancestors.asset_id, ancestor_id AS enclosure_id
    FROM ancestors
    JOIN assets AS outermost ON outermost.asset_id = ancestor_id
    LEFT JOIN assets AS parent ON parent.asset_id = outermost.parent_asset_id
    WHERE parent.asset_id IS NULL
),
names AS (
    SELECT name, sku, device_share FROM rollups.accelerator_name WHERE site_id = getvariable('site_id')
),
peaks AS (
    SELECT
        month_start,
        sku,
        peak_tflops,
        [accelerators.reference_id, parameters.reference_id] AS reference_rows
    FROM months
    JOIN reference.parameters ON month_start BETWEEN valid_from AND valid_to
    JOIN reference.accelerators ON precision = text_value
    WHERE name = 'declared_precision' AND parameters.is_usable
        AND accelerators.is_usable AND accelerators.unit = 'TFLOPS' AND peak_tflops > 0
),
service AS (
    SELECT
        months.month_start,
        assets.*,
        enclosure_id,
        in_service_to IS NULL OR in_service_to >= month_end AS is_in_service_at_end,
        quantity * date_diff(
            'second',
            timezone(time_zone, greatest(in_service_from, month_start)::TIMESTAMP),
            timezone(time_zone, least(coalesce(in_service_to, month_end), month_end)::TIMESTAMP)
        ) / 3600 AS item_hours
    FROM assets
    JOIN months ON in_service_from < month_end AND coalesce(in_service_to > month_start, true)
    LEFT JOIN enclosures USING (asset_id)
),
accelerators AS (
    SELECT
        service.*,
        item_hours * device_share * peak_tflops / 1000 AS peak_pflop_h,
        reference_rows
    FROM service
    LEFT JOIN names ON service.sku = names.name
    LEFT JOIN peaks ON peaks.month_start = service.month_start AND peaks.sku = names.sku
    WHERE asset_class = 'accelerator'
),
enclosed AS (
    SELECT
        month_start,
        enclosure_id,
        sum(item_hours::DECIMAL(38, 9)) AS device_hours,
        coalesce(sum(item_hours::DECIMAL(38, 9)) FILTER (WHERE peak_pflop_h IS NOT NULL), 0) AS peak_known_device_hours,
        sum(peak_pflop_h::DECIMAL(38, 9)) AS peak_pflop_h
    FROM accelerators
    GROUP BY month_start, enclosure_id
),
rated_enclosures AS (
    SELECT
        month_start,
        service.item_hours * rated_power_w / 1000 AS rated_it_kwh,
        device_hours AS rated_known_device_hours,
        coalesce(peak_known_device_hours / device_hours, 1) * rated_it_kwh AS covered_rated_it_kwh,
        CASE WHEN rated_it_kwh > 0 THEN peak_known_device_hours END AS covered_device_hours,
        CASE WHEN rated_it_kwh > 0 THEN peak_pflop_h END AS covered_peak_pflop_h
    FROM service
    LEFT JOIN enclosed USING (month_start, enclosure_id)
    WHERE asset_id = enclosure_id AND rated_power_w IS NOT NULL
),
support AS (
    SELECT
        month_start,
        sum(item_hours::DECIMAL(38, 9)) AS support_item_hours,
        coalesce(sum(item_hours::DECIMAL(38, 9)) FILTER (WHERE rated_power_w IS NOT NULL), 0) AS rated_support_item_hours
    FROM service
    WHERE asset_id = enclosure_id
        AND (month_start, enclosure_id) NOT IN (SELECT (month_start, enclosure_id) FROM enclosed)
    GROUP BY month_start
),
devices AS (
    SELECT
        month_start,
        coalesce(sum(quantity) FILTER (WHERE is_in_service_at_end), 0)::BIGINT AS accelerators,
        sum(item_hours::DECIMAL(38, 9)) AS installed_device_hours,
        sum(peak_pflop_h::DECIMAL(38, 9)) AS peak_pflop_h,
        sum(item_hours::DECIMAL(38, 9)) FILTER (WHERE peak_pflop_h IS NOT NULL) AS peak_known_device_hours,
        list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows
    FROM accelerators
    GROUP BY month_start
),
power AS (
    SELECT
        month_start,
        sum(rated_it_kwh::DECIMAL(38, 9)) AS rated_it_kwh,
        sum(rated_known_device_hours) AS rated_known_device_hours,
        sum(covered_rated_it_kwh::DECIMAL(38, 9)) AS covered_rated_it_kwh,
        sum(covered_device_hours) AS covered_device_hours,
        sum(covered_peak_pflop_h) AS covered_peak_pflop_h
    FROM rated_enclosures
    GROUP BY month_start
),
evidence AS (
    SELECT month_start, max(evidence_rank)::INTEGER AS evidence_rank FROM service GROUP BY month_start
)
SELECT
    site_id,
    month_start,
    coalesce(accelerators, 0) AS accelerators,
    coalesce(installed_device_hours, 0) AS installed_device_hours,
    peak_pflop_h,
    coalesce(peak_known_device_hours, 0) AS peak_known_device_hours,
    rated_it_kwh,
    coalesce(rated_known_device_hours, 0) AS rated_known_device_hours,
    covered_peak_pflop_h,
    covered_rated_it_kwh,
    coalesce(covered_device_hours, 0) AS covered_device_hours,
    coalesce(support_item_hours, 0) AS support_item_hours,
    coalesce(rated_support_item_hours, 0) AS rated_support_item_hours,
    evidence_rank,
    coalesce(reference_rows, []) AS reference_rows
FROM months
JOIN evidence USING (month_start)
LEFT JOIN devices USING (month_start)
LEFT JOIN power USING (month_start)
LEFT JOIN support USING (month_start)
