-- One row per meter and instant or interval: points of one meter at one time are one reading.
-- What a column holds, and in which unit, is the operator's dictionary: a gauge is never taken for a register. Amounts
-- are between their time and an interval before or after it; everything else is of an instant.
-- What a file states twice stays two rows, of which one is quarantined for its key.
-- leaves out: points that are not to be used, and readings without a value
WITH readings AS (
    SELECT
        bms_points.* EXCLUDE ("value", quantity),
        bms_points.quantity,
        "value" * multiplier / divisor AS amount,
        CASE WHEN bms_points.quantity IN ('energy', 'water') THEN to_microseconds((interval_s * 1e6)::BIGINT) END AS span,
        CASE WHEN stamped_at = 'end' THEN timestamp - coalesce(span, INTERVAL 0 SECOND) ELSE timestamp END AS start_utc,
        start_utc + coalesce(span, INTERVAL 0 SECOND) AS end_utc
    FROM raw.bms_points
    JOIN reference.units
        ON units.unit = bms_points.unit
            AND units.quantity = CASE bms_points.quantity
                WHEN 'energy_counter' THEN 'energy'
                WHEN 'water' THEN 'volume'
                ELSE bms_points.quantity
            END
    WHERE bms_points.quantity <> 'none' AND "value" IS NOT NULL
),

numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY site_id, file_id, meter_id, boundary, start_utc, end_utc, quantity ORDER BY readings.row_number
        ) AS occurrence
    FROM readings
)

SELECT
    site_id,
    file_id,
    min(row_number) AS row_number,
    evidence_class,
    meter_id,
    boundary,
    start_utc AS started_at_utc,
    end_utc AS ended_at_utc,
    max(amount) FILTER (WHERE quantity = 'energy') AS energy_kwh,
    max(amount) FILTER (WHERE quantity = 'power') AS power_w,
    max(amount) FILTER (WHERE quantity = 'energy_counter') AS energy_counter_kwh,
    max(amount) FILTER (WHERE quantity = 'water') AS water_m3,
    max(amount) FILTER (WHERE quantity = 'temperature') AS temperature_c
FROM numbered
GROUP BY site_id, file_id, evidence_class, meter_id, boundary, start_utc, end_utc, occurrence
