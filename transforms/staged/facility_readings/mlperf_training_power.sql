-- One row per node and instant: power at the wall, which is the reading times the factor the log states for it.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    meter_id,
    'it_input' AS boundary,
    "time" AS started_at_utc,
    "time" AS ended_at_utc,
    power_reading * coalesce(conversion_eff, 1) AS power_w
FROM raw.mlperf_training_power
