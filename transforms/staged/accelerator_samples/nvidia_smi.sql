-- One row per GPU and instant; a GPU goes by its uuid, or by server and place where that is masked or not queried.
-- Under MIG the driver gives no utilisation, while power is the whole GPU's: the row is of the whole GPU.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    node AS node_id,
    CASE
        WHEN NOT regexp_full_match(uuid, 'GPU-[0-]+') THEN uuid
        ELSE node || '/gpu' || coalesce("index"::VARCHAR, position_in_burst::VARCHAR, "pci.bus_id")
    END AS device_id,
    coalesce(sku, name) AS sku,
    timestamp AS sampled_at_utc,
    "utilization.gpu [%]" / 100 AS utilisation_ratio,
    "memory.used [MiB]" * 1048576 AS memory_used_bytes,
    "memory.total [MiB]" * 1048576 AS memory_total_bytes,
    coalesce("power.draw [W]", "power.draw.average [W]", "power.draw.instant [W]") AS power_w,
    "temperature.gpu" AS temperature_c,
    coalesce("clocks.current.sm [MHz]", "clocks.sm [MHz]") AS sm_clock_mhz
FROM raw.nvidia_smi
