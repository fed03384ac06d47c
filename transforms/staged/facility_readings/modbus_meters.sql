-- One row per meter and instant: its power, its register and its temperature, from as many rows.
-- What a metric measures, and in which unit, is reference.meter_metrics: a gauge is never taken for a register. A metric
-- with a place of its own, such as a total, is a meter of its own; any other belongs to the meter of its device, which
-- sits where the operator's list says. The operator's word on one metric counts more than either.
-- A flag other than 0 holds from its instant until the next of its kind; readings of the device in that time are suspect.
-- A metric that the dialect does not know has neither place nor quantity and is quarantined, never guessed.
-- What a file states twice stays two rows, of which one is quarantined for its key.
-- across files: a flag holds until the next of its kind, whichever file states it
-- leaves out: metrics that are no readings of a meter (headroom, ratios, currents), and readings without a value
WITH known AS (
    SELECT
        modbus_meters.*,
        meter_metrics.quantity,
        value * multiplier / divisor AS amount,
        CASE
            WHEN meter_metrics.quantity IS NOT NULL
                THEN coalesce(metric_boundary, meter_metrics.boundary, device_boundary)
        END AS boundary,
        coalesce(metric_boundary, meter_metrics.boundary) IS NULL AND meter_metrics.quantity IS NOT NULL AS is_of_device
    FROM raw.modbus_meters
    LEFT JOIN reference.meter_metrics
        ON meter_metrics.dialect = modbus_meters.dialect
            AND meter_metrics.metric = modbus_meters.metric
            AND meter_metrics.is_usable
    LEFT JOIN reference.units
        ON units.unit = meter_metrics.unit
            AND units.quantity = replace(meter_metrics.quantity, 'energy_counter', 'energy')
),

flags AS (
    SELECT
        site_id,
        dialect,
        panel,
        device,
        value,
        timestamp AS since_utc,
        coalesce(lead(timestamp) OVER series, 'infinity') AS until_utc
    FROM known
    WHERE quantity = 'flag'
    WINDOW series AS (PARTITION BY site_id, dialect, panel, device, metric ORDER BY timestamp)
),

readings AS (
    SELECT
        *,
        coalesce(
            CASE WHEN is_of_device OR metric_boundary IS NOT NULL THEN meter_id END,
            concat_ws('/', panel, device, CASE WHEN NOT is_of_device THEN metric END)
        ) AS read_meter_id,
        EXISTS (
            SELECT 1
            FROM flags
            WHERE flags.site_id = known.site_id
                AND flags.dialect = known.dialect
                AND flags.panel = known.panel
                AND flags.device = known.device
                AND flags.value <> 0
                AND known.timestamp >= flags.since_utc
                AND known.timestamp < flags.until_utc
        ) AS is_suspect
    FROM known
    WHERE coalesce(quantity, 'unknown') NOT IN ('flag', 'none') AND value IS NOT NULL
),

numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY site_id, file_id, read_meter_id, boundary, timestamp, quantity ORDER BY readings.row_number
        ) AS occurrence
    FROM readings
)

SELECT
    site_id,
    file_id,
    min(row_number) AS row_number,
    evidence_class,
    read_meter_id AS meter_id,
    boundary,
    timestamp AS started_at_utc,
    timestamp AS ended_at_utc,
    max(amount) FILTER (WHERE quantity = 'power') AS power_w,
    max(amount) FILTER (WHERE quantity = 'energy_counter') AS energy_counter_kwh,
    max(amount) FILTER (WHERE quantity = 'temperature') AS temperature_c,
    bool_or(is_suspect) AS is_suspect
FROM numbered
GROUP BY site_id, file_id, evidence_class, read_meter_id, boundary, timestamp, occurrence
