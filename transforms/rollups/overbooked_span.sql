-- One row per site, month, device type and span of time in which runs hold more devices than are installed.
-- Runs that share devices each name them whole. What they hold together cannot be more than there is, so each counts
-- its share: installed over held. Runs whose type the inventory lists share the devices of that type; all others, those
-- that name no type for example, share what these leave of the whole inventory. While the inventory lists nothing at all
-- nothing is known to be held twice. A slice of a partitioned device is held by its compute share.
-- grain: site_id, month_start, device_type, from_utc
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc, time_zone
    FROM reference.site_months
    JOIN reference.sites USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
types AS (
    SELECT name, coalesce(sku, name) AS device_type, device_share
    FROM rollups.accelerator_name
    WHERE site_id = getvariable('site_id')
),
installed AS (
    SELECT
        coalesce(device_type, '') AS device_type,
        quantity * coalesce(device_share, 1) AS devices,
        in_service_from,
        in_service_to
    FROM staged.hardware_assets
    LEFT JOIN types ON sku = types.name
    WHERE site_id = getvariable('site_id') AND asset_class = 'accelerator'
),
held AS (
    SELECT
        coalesce(device_type, '') AS device_type,
        device_count * coalesce(device_share, 1) AS devices,
        started_at_utc,
        ended_at_utc
    FROM staged.workload_runs
    LEFT JOIN types ON sku = types.name
    WHERE site_id = getvariable('site_id')
        AND device_count > 0
        AND ended_at_utc > started_at_utc
        AND EXISTS (SELECT 1 FROM installed)
),
stays AS (
    SELECT
        month_start,
        device_type,
        0.0 AS held,
        devices AS installed,
        greatest(timezone('UTC', timezone(time_zone, in_service_from::TIMESTAMP)), start_utc) AS from_utc,
        least(coalesce(timezone('UTC', timezone(time_zone, in_service_to::TIMESTAMP)), end_utc), end_utc) AS to_utc
    FROM installed
    CROSS JOIN months
    UNION ALL
    SELECT
        month_start,
        device_type,
        devices AS held,
        0.0 AS installed,
        greatest(started_at_utc, start_utc) AS from_utc,
        least(ended_at_utc, end_utc) AS to_utc
    FROM held
    JOIN months ON started_at_utc < end_utc AND ended_at_utc > start_utc
),
changes AS (
    SELECT
        month_start,
        at_utc,
        device_type,
        sum(held::DECIMAL(38, 9)) AS held,
        sum(installed::DECIMAL(38, 9)) AS installed
    FROM (
        SELECT month_start, from_utc AS at_utc, device_type, held, installed FROM stays WHERE from_utc < to_utc
        UNION ALL
        SELECT month_start, to_utc AS at_utc, device_type, -held AS held, -installed AS installed
        FROM stays
        WHERE from_utc < to_utc
    )
    GROUP BY month_start, at_utc, device_type
),
instants AS (
    SELECT month_start, at_utc, lead(at_utc) OVER (PARTITION BY month_start ORDER BY at_utc) AS next_utc
    FROM (SELECT DISTINCT month_start, at_utc FROM changes)
),
states AS (
    SELECT
        month_start,
        device_type,
        at_utc,
        next_utc,
        sum(coalesce(changes.held, 0)) OVER so_far AS held,
        sum(coalesce(changes.installed, 0)) OVER so_far AS installed
    FROM instants
    JOIN (SELECT DISTINCT month_start, device_type FROM changes) USING (month_start)
    LEFT JOIN changes USING (month_start, at_utc, device_type)
    WINDOW so_far AS (PARTITION BY month_start, device_type ORDER BY at_utc)
),
rooms AS (
    SELECT
        *,
        sum(installed) OVER same_time AS installed_in_all,
        CASE
            WHEN installed > 0 THEN held
            ELSE sum(CASE WHEN installed > 0 THEN 0 ELSE held END) OVER same_time
        END AS held_together,
        CASE
            WHEN installed > 0 THEN installed
            ELSE installed_in_all
                - sum(CASE WHEN installed > 0 THEN least(held, installed) ELSE 0 END) OVER same_time
        END AS room
    FROM states
    WINDOW same_time AS (PARTITION BY month_start, at_utc)
)
SELECT
    getvariable('site_id') AS site_id,
    month_start,
    device_type,
    at_utc AS from_utc,
    next_utc AS to_utc,
    held AS devices_held,
    (held::DOUBLE * room / held_together)::DECIMAL(38, 9) AS devices_counted
FROM rooms
WHERE held > 0 AND next_utc IS NOT NULL AND installed_in_all > 0 AND held_together > room + 0.000001
