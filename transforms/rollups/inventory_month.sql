-- One row per site, month and server: accelerators in the inventory beside those that telemetry saw, and the finding.
-- A server is one that the inventory names; accelerators belong to it by their own node_id or that of what they are
-- built into. The row without a server compares the rest: accelerators that no server is named for, and devices on
-- servers that the inventory does not name. Both sides are the most at once in the month: listed on one day, and seen
-- in each of two hours, so that a device swapped within an hour does not count twice. A series that stands for several
-- devices counts as many as the device-hours of its fullest hour, rounded up.
-- Devices whose telemetry names no server may be in any of them: they match what is left of all.
-- What was not seen is unknown, neither idle nor busy: it lowers coverage and enters no sum.
-- grain: site_id, month_start, node_id
WITH RECURSIVE months AS (
    SELECT site_id, month_start, month_end, time_zone
    FROM reference.site_months
    JOIN reference.sites USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
assets AS (
    SELECT * FROM staged.hardware_assets WHERE site_id = getvariable('site_id')
),
holders AS (
    SELECT asset_id, node_id, parent_asset_id, 1 AS depth
    FROM assets
    WHERE asset_class = 'accelerator'
    UNION ALL
    SELECT holders.asset_id, parent.node_id, parent.parent_asset_id, depth + 1
    FROM holders
    JOIN assets AS parent ON parent.asset_id = holders.parent_asset_id
    WHERE holders.node_id IS NULL AND depth < 8
),
accelerators AS (
    SELECT
        month_start,
        asset_id,
        coalesce(holders.node_id, '') AS node_id,
        quantity,
        in_service_from,
        in_service_to,
        greatest(in_service_from, month_start) AS first_day,
        quantity * date_diff(
            'second',
            timezone(time_zone, first_day::TIMESTAMP),
            timezone(time_zone, least(coalesce(in_service_to, month_end), month_end)::TIMESTAMP)
        ) / 3600 AS item_hours
    FROM (SELECT asset_id, max(node_id) AS node_id FROM holders GROUP BY asset_id) AS holders
    JOIN assets USING (asset_id)
    JOIN months ON in_service_from < month_end AND coalesce(in_service_to > month_start, true)
),
listed_days AS (
    SELECT day.month_start, day.node_id, day.first_day, sum(quantity) AS listed
    FROM (SELECT DISTINCT month_start, node_id, first_day FROM accelerators) AS day
    JOIN accelerators USING (month_start, node_id)
    WHERE in_service_from <= day.first_day AND coalesce(in_service_to > day.first_day, true)
    GROUP BY ALL
),
inventory AS (
    SELECT month_start, node_id, max(listed)::BIGINT AS accelerators_listed
    FROM listed_days
    GROUP BY month_start, node_id
),
installed AS (
    SELECT month_start, node_id, sum(item_hours::DECIMAL(38, 9)) AS installed_device_hours
    FROM accelerators
    GROUP BY month_start, node_id
),
device_hours AS (
    SELECT *
    FROM rollups.device_hour
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
series AS (
    SELECT month_start, device_id, ceil(max(device_hours))::BIGINT AS devices
    FROM device_hours
    GROUP BY month_start, device_id
),
devices AS (
    SELECT
        month_start,
        coalesce(inventory.node_id, '') AS node_id,
        device_hours.node_id IS NULL AS is_unnamed,
        hour_start_utc,
        device_id,
        utilisation_device_hours,
        devices
    FROM device_hours
    JOIN series USING (month_start, device_id)
    LEFT JOIN inventory ON inventory.month_start = device_hours.month_start AND inventory.node_id = device_hours.node_id
),
hours AS (
    SELECT month_start, node_id, hour_start_utc, sum(devices)::BIGINT AS devices
    FROM devices
    GROUP BY month_start, node_id, hour_start_utc
),
seen AS (
    SELECT month_start, node_id, max(devices, 2)[-1] AS devices_seen FROM hours GROUP BY month_start, node_id
),
telemetry AS (
    SELECT
        month_start,
        node_id,
        count(DISTINCT device_id) AS device_ids_seen,
        sum(utilisation_device_hours) AS utilisation_device_hours,
        sum(utilisation_device_hours) FILTER (WHERE is_unnamed) AS unnamed_device_hours
    FROM devices
    GROUP BY month_start, node_id
),
matches AS (
    SELECT
        month_start,
        node_id,
        coalesce(utilisation_device_hours, 0) AS utilisation_device_hours,
        coalesce(installed_device_hours, 0) AS installed_device_hours,
        least(coalesce(utilisation_device_hours, 0), coalesce(installed_device_hours, 0)) AS own_device_hours,
        least(
            coalesce(unnamed_device_hours, 0),
            coalesce(utilisation_device_hours, 0) - own_device_hours,
            sum(coalesce(installed_device_hours, 0) - own_device_hours) OVER (PARTITION BY month_start)
        ) AS unnamed_matched_device_hours
    FROM telemetry
    FULL JOIN installed USING (month_start, node_id)
)
SELECT
    months.site_id,
    month_start,
    node_id,
    coalesce(accelerators_listed, 0) AS accelerators_listed,
    coalesce(devices_seen, 0) AS devices_seen,
    coalesce(device_ids_seen, 0) AS device_ids_seen,
    devices_seen - accelerators_listed AS difference,
    CASE
        WHEN accelerators_listed IS NULL THEN 'not in the inventory'
        WHEN devices_seen IS NULL THEN 'no telemetry'
        WHEN difference < 0 THEN 'fewer in telemetry'
        WHEN difference > 0 THEN 'more in telemetry'
        ELSE 'agrees'
    END AS finding,
    coalesce(matches.installed_device_hours, 0) AS installed_device_hours,
    coalesce(matches.utilisation_device_hours, 0)::DECIMAL(38, 9) AS utilisation_device_hours,
    coalesce(own_device_hours + unnamed_matched_device_hours, 0)::DECIMAL(38, 9) AS matched_device_hours
FROM inventory
FULL JOIN seen USING (month_start, node_id)
LEFT JOIN telemetry USING (month_start, node_id)
LEFT JOIN matches USING (month_start, node_id)
JOIN months USING (month_start)
