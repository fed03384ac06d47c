-- One row per resource and instant: its power, its energy counter and its temperature.
-- Only resources that the source names sit at the input of a server or of one of its supplies; what a supply gives out,
-- and every other sensor, measures a part of the same electricity and is kept under boundary other.
-- Energy is a counter that anybody may reset. What a file states twice stays two rows, of which one is quarantined.
-- leaves out: sensors without a reading, which are absent or off and neither zero nor wrong
WITH readings AS (
    SELECT
        redfish.*,
        units.quantity,
        Reading * multiplier / divisor AS amount,
        property IN ('OutputPowerWatts', 'PowerOutputWatts', 'LastPowerOutputWatts') AS is_output,
        concat_ws('/', node, resource, CASE WHEN is_output THEN 'output' END) AS meter_id
    FROM raw.redfish
    JOIN reference.units ON units.unit = ReadingUnits AND units.quantity IN ('power', 'energy', 'temperature')
    WHERE Reading IS NOT NULL
),

numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY site_id, file_id, meter_id, read_at, quantity ORDER BY readings.row_number
        ) AS occurrence
    FROM readings
)

SELECT
    site_id,
    file_id,
    min(row_number) AS row_number,
    evidence_class,
    meter_id,
    CASE WHEN is_output OR boundary IS NULL THEN 'other' ELSE boundary END AS boundary,
    node AS node_id,
    read_at AS started_at_utc,
    read_at AS ended_at_utc,
    max(amount) FILTER (WHERE quantity = 'power') AS power_w,
    max(amount) FILTER (WHERE quantity = 'energy') AS energy_counter_kwh,
    max(amount) FILTER (WHERE quantity = 'temperature') AS temperature_c
FROM numbered
GROUP BY site_id, file_id, evidence_class, meter_id, boundary, is_output, node, read_at, occurrence
