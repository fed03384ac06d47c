-- One row per device that is installed, and one per accelerator listed in it, or for the accelerators a custom field
-- counts. Power is a custom field, else the budget of all power ports, where every port of the device states one. What
-- belongs to a device shares its days of service.
-- leaves out: devices that are planned, staged or in stock; inventory items that are no accelerators.
WITH objects AS (
    SELECT
        *,
        CASE
            WHEN endpoint = 'devices' THEN coalesce("name", 'device ' || id, asset_tag, serial)
            ELSE coalesce(device, 'device ' || "device.id")
        END AS device_asset_id,
        row_number() OVER (
            PARTITION BY site_id, endpoint, coalesce(id::VARCHAR, device_asset_id)
            ORDER BY last_updated DESC NULLS LAST, file_id, row_number
        ) AS nth_statement
    FROM raw.netbox
),

budgets AS (
    SELECT
        site_id,
        device_asset_id,
        CASE WHEN count(allocated_draw) = count(*) THEN sum(allocated_draw) END AS allocated_w
    FROM objects
    WHERE endpoint = 'power-ports' AND nth_statement = 1
    GROUP BY site_id, device_asset_id
),

heights AS (
    SELECT site_id, id AS "device_type.id", u_height AS type_u
    FROM objects
    WHERE endpoint = 'device-types' AND nth_statement = 1
),

listed AS (
    SELECT DISTINCT site_id, device_asset_id, TRUE AS lists_accelerators
    FROM objects
    WHERE endpoint = 'inventory-items' AND asset_class = 'accelerator'
),

devices AS (
    SELECT
        objects.*,
        status IN ('active', 'offline', 'failed', 'decommissioning') AS is_installed,
        coalesce(rated_power_w, allocated_w) AS power_w,
        coalesce(u_height, type_u) AS height_u,
        coalesce(lists_accelerators, FALSE) AS lists_accelerators
    FROM objects
    LEFT JOIN budgets USING (site_id, device_asset_id)
    LEFT JOIN heights USING (site_id, "device_type.id")
    LEFT JOIN listed USING (site_id, device_asset_id)
    WHERE endpoint = 'devices'
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    device_asset_id AS asset_id,
    CASE
        WHEN asset_class = 'server' AND (lists_accelerators OR accelerator_count > 0) THEN 'accelerator_server'
        ELSE asset_class
    END AS asset_class,
    manufacturer AS vendor,
    coalesce(sku, device_type) AS sku,
    "name" AS node_id,
    1 AS quantity,
    in_service_from,
    in_service_to,
    power_w AS rated_power_w,
    height_u AS rack_units
FROM devices
WHERE is_installed
UNION ALL BY NAME
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    device_asset_id || ' accelerators' AS asset_id,
    device_asset_id AS parent_asset_id,
    'accelerator' AS asset_class,
    coalesce(accelerator_sku, accelerator_model) AS sku,
    accelerator_count AS quantity,
    in_service_from,
    in_service_to
FROM devices
WHERE is_installed AND accelerator_count > 0 AND NOT lists_accelerators
UNION ALL BY NAME
SELECT
    items.site_id,
    items.file_id,
    items.row_number,
    items.evidence_class,
    concat_ws(' ', items.device_asset_id, items."name") AS asset_id,
    items.device_asset_id AS parent_asset_id,
    'accelerator' AS asset_class,
    items.manufacturer AS vendor,
    coalesce(items.sku, items.part_id, items."name") AS sku,
    1 AS quantity,
    devices.in_service_from,
    devices.in_service_to
FROM objects AS items
LEFT JOIN devices
    ON devices.site_id = items.site_id AND devices.device_asset_id = items.device_asset_id AND devices.nth_statement = 1
WHERE items.endpoint = 'inventory-items' AND items.asset_class = 'accelerator' AND coalesce(is_installed, TRUE)
