-- One row per machine: reporting periods of one machine are one asset, in service since the earliest of them.
SELECT
    site_id,
    file_id,
    min(row_number) AS row_number,
    any_value(evidence_class) AS evidence_class,
    "machineName" AS asset_id,
    arg_max(asset_class, "startTime") AS asset_class,
    arg_max("cpuDescription", "startTime") AS sku,
    "machineName" AS node_id,
    1 AS quantity,
    min("startTime")::DATE AS in_service_from
FROM raw.on_premise_csv
GROUP BY site_id, file_id, "machineName"
