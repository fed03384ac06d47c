-- One row per batch of equal assets of a system: its servers, and the accelerators that are built into them.
-- The rating of power supplies is left out: it includes spare supplies and is not the power of the server.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    submitter || '/' || system_desc_id AS asset_id,
    CASE WHEN accelerators_per_node > 0 THEN 'accelerator_server' ELSE 'server' END AS asset_class,
    system_name AS sku,
    number_of_nodes AS quantity,
    in_service_from,
    rated_power_w
FROM raw.mlperf_system
UNION ALL BY NAME
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    submitter || '/' || system_desc_id || '/accelerators' AS asset_id,
    submitter || '/' || system_desc_id AS parent_asset_id,
    'accelerator' AS asset_class,
    coalesce(accelerator_sku, accelerator_model_name) AS sku,
    number_of_nodes * accelerators_per_node AS quantity,
    in_service_from
FROM raw.mlperf_system
WHERE accelerators_per_node > 0
