-- One row per meter and instant: power, counter or temperature that reference.metric_mappings maps to a meter.
-- It reads the raw tables of all formats of Prometheus, which have one shape. A meter goes by its exporter and the
-- labels that its mapping names; a port of an instance is no part of a name. Meters of one server that overlap, as the
-- zones of a processor do or two exporters that read the same input, are a non-additive group: of those of a day (UTC)
-- the one of lowest precedence sits at its boundary, the rest are other and no total contains them. Where a series is
-- there twice, the second becomes a row of its own, which staging quarantines.
-- leaves out: metrics that are not mapped to this dataset, and instants at which nothing is known, as NaN says.
WITH readings AS (
    FROM raw.prometheus_matrix
    UNION ALL BY NAME
    FROM raw.prometheus_text
    UNION ALL BY NAME
    FROM raw.prometheus_json_lines
),

quantities (column_name, quantity) AS (
    VALUES
    ('power_w', 'power'),
    ('energy_counter_kwh', 'energy'),
    ('temperature_c', 'temperature')
),

mappings AS (
    SELECT mappings.*, units.multiplier, units.divisor
    FROM reference.metric_mappings AS mappings
    JOIN quantities USING (column_name)
    JOIN reference.units AS units USING (unit, quantity)
    WHERE mappings.is_usable AND mappings.dataset = 'facility_readings'
),

series AS (
    SELECT DISTINCT
        site_id,
        metric,
        labels,
        from_json(labels, '"MAP(VARCHAR, VARCHAR)"') AS label,
        regexp_replace(label['instance'], ':\d+$', '') AS instance
    FROM readings
),

named_series AS (
    SELECT
        series.site_id,
        series.metric,
        series.labels,
        mappings.reference_id,
        mappings.column_name,
        mappings.precedence,
        mappings.multiplier,
        mappings.divisor,
        mappings.boundary,
        mappings.non_additive_group,
        list_transform(
            string_split(mappings.device_labels, ' '),
            lambda name: nullif(CASE WHEN name = 'instance' THEN series.instance ELSE series.label[name] END, '')
        ) AS meter_names,
        CASE WHEN NOT list_contains(list_transform(meter_names, lambda name: name IS NULL), true)
            THEN concat_ws('/', mappings.exporter, array_to_string(meter_names, '/')) END AS meter_id,
        list_filter(
            list_transform(
                string_split(mappings.node_labels, ' '),
                lambda name: CASE WHEN name = 'instance' THEN series.instance ELSE series.label[name] END
            ),
            lambda name: name <> ''
        )[1] AS node_id
    FROM series
    JOIN mappings USING (metric)
    WHERE mappings.where_label IS NULL OR series.label[mappings.where_label] = mappings.where_value
    QUALIFY
        rank() OVER (PARTITION BY series.site_id, series.metric, series.labels ORDER BY mappings.where_label IS NULL) = 1
),

series_days AS (
    SELECT DISTINCT site_id, metric, labels, time::DATE AS day
    FROM readings
),

placed_series AS (
    SELECT
        * REPLACE (
            CASE
                WHEN non_additive_group IS NULL THEN boundary
                WHEN precedence > min(precedence) FILTER (boundary <> 'other') OVER (
                    PARTITION BY site_id, day, non_additive_group, node_id
                ) THEN 'other'
                ELSE boundary
            END AS boundary
        )
    FROM named_series
    JOIN series_days USING (site_id, metric, labels)
),

amounts AS (
    SELECT
        readings.file_id,
        readings.row_number,
        readings.evidence_class,
        readings.time,
        placed_series.* EXCLUDE (metric, labels, day),
        readings.value * placed_series.multiplier / placed_series.divisor AS amount,
        row_number() OVER (
            PARTITION BY placed_series.site_id, file_id, meter_id, time, reference_id ORDER BY readings.row_number
        ) AS occurrence
    FROM readings
    JOIN placed_series
        ON readings.site_id = placed_series.site_id
        AND readings.metric = placed_series.metric
        AND readings.labels = placed_series.labels
        AND readings.time::DATE = placed_series.day
)

SELECT
    site_id,
    file_id,
    min(row_number) AS row_number,
    max(evidence_class) AS evidence_class,
    meter_id,
    boundary,
    max(node_id) AS node_id,
    time AS started_at_utc,
    time AS ended_at_utc,
    arg_min(amount, (precedence, reference_id)) FILTER (column_name = 'power_w') AS power_w,
    arg_min(amount, (precedence, reference_id)) FILTER (column_name = 'energy_counter_kwh') AS energy_counter_kwh,
    arg_min(amount, (precedence, reference_id)) FILTER (column_name = 'temperature_c') AS temperature_c
FROM amounts
GROUP BY site_id, file_id, meter_id, boundary, time, occurrence
HAVING count(amount) > 0
