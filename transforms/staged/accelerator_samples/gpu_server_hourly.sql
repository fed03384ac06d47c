-- One row per server and hour: the mean of its GPUs, which count as that many equal devices.
-- The GPU-memory percentages are left out: the file does not say of how many bytes.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    name AS node_id,
    name || '/gpus' AS device_id,
    sku,
    timestamp AS sampled_at_utc,
    3600.0 AS interval_s,
    gpus_per_server AS device_count,
    utilave / 100 AS utilisation_ratio,
    powerave AS power_w,
    tempave AS temperature_c
FROM raw.gpu_server_hourly
