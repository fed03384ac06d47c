-- One row per analyser and instant: power at the wall of the system under test, all channels together.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    meter_id,
    'it_input' AS boundary,
    "Time" AS started_at_utc,
    "Time" AS ended_at_utc,
    "Watts" AS power_w
FROM raw.mlperf_power_log
