-- One row per GPU or GPU instance and instant; a GPU goes by its unique id, or by server and number where it is not known.
-- The activity of the graphics engine goes before the utilisation, which instances do not have, as it does for what
-- DCGM exports to Prometheus: one device has one utilisation, whichever way it came. An activity of exactly 0 beside a
-- utilisation above a tenth stands still, and the utilisation counts. Power and the counter are the
-- GPU's. Energy is counted in mJ.
-- leaves out: compute instances, links, switches and processors
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    node AS node_id,
    coalesce(gpu_uuid, node || '/gpu' || gpu) AS device_id,
    CASE entity WHEN 'GPU-I' THEN 'GI-' || entity_id ELSE '' END AS instance_id,
    sku,
    timestamp AS sampled_at_utc,
    CASE WHEN GRACT = 0 AND GPUTL > 10 THEN GPUTL / 100 ELSE coalesce(GRACT, GPUTL / 100) END AS utilisation_ratio,
    TENSO AS tensor_active_ratio,
    FBUSD * 1048576 AS memory_used_bytes,
    FBTTL * 1048576 AS memory_total_bytes,
    POWER AS power_w,
    TOTEC / 1000 AS energy_counter_j,
    TMPTR AS temperature_c,
    SMCLK AS sm_clock_mhz,
    XIDER AS error_code
FROM raw.dcgm_dmon
WHERE entity IN ('GPU', 'GPU-I')
