-- One row per line of an asset register, and one for the accelerators that are built into it.
-- The serial number stands in where there is no asset number. The first day out of service is that of withdrawal or
-- of scrapping, whichever comes first.
WITH lines AS (
    SELECT
        asset_register.*,
        coalesce(asset_number, serial_number) AS asset_id,
        least(withdrawn_on, scrapped_on) AS in_service_to,
        rated_power * units.multiplier / units.divisor AS rated_power_w
    FROM raw.asset_register
    LEFT JOIN reference.units ON units.unit = rated_power_unit AND units.quantity = 'power'
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    asset_id,
    CASE WHEN asset_class = 'server' AND accelerators_per_item > 0 THEN 'accelerator_server' ELSE asset_class END
        AS asset_class,
    vendor,
    coalesce(sku, model) AS sku,
    hostname AS node_id,
    quantity,
    in_service_from,
    in_service_to,
    rated_power_w,
    rack_units
FROM lines
UNION ALL BY NAME
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    asset_id || ' accelerators' AS asset_id,
    asset_id AS parent_asset_id,
    'accelerator' AS asset_class,
    coalesce(accelerator_sku, accelerator_model) AS sku,
    quantity * accelerators_per_item AS quantity,
    in_service_from,
    in_service_to
FROM lines
WHERE accelerators_per_item > 0
