-- One row per accelerator, or slice of it, and instant: the metrics that reference.metric_mappings maps, side by side.
-- It reads the raw tables of all formats of Prometheus, which have one shape. Samples of one device and instant meet
-- within one file. Where several metrics state the same column, the known one of lowest precedence counts; where
-- a series is there twice, e.g. scraped by two jobs, the second becomes a row of its own, which staging quarantines.
-- A device goes by the labels that its mapping names; a port of an instance is no part of a name, and NVIDIA's unique
-- ids get the prefix that some exporters take off. A device that lacks such a label is nobody's, and is quarantined.
-- A slice of a partitioned device goes by its profile, where a label states it, and its number: 3g.40gb/1.
-- An activity of exactly 0 beside another of the same device and instant above a tenth stands still: the other counts.
-- DCGM's blanks for doubles and 32-bit numbers are unknown, as its other blanks are since the record checks. So are all
-- ones of 16, 32 or 64 bits, which exporters write where a device has no such reading, where the number can be nothing
-- else: no share, temperature or clock is as high, nor is a power in W.
-- So is what the exporter of Ascend accelerators marks with a value below 0.
-- leaves out: metrics that are not mapped to this dataset; they stay in raw, and suanheng metrics counts them.
WITH readings AS (
    FROM raw.prometheus_matrix
    UNION ALL BY NAME
    FROM raw.prometheus_text
    UNION ALL BY NAME
    FROM raw.prometheus_json_lines
),

quantities (column_name, quantity, per_base_unit) AS (
    VALUES
    ('utilisation_ratio', 'ratio', 1),
    ('tensor_active_ratio', 'ratio', 1),
    ('memory_used_bytes', 'information', 1),
    ('memory_total_bytes', 'information', 1),
    ('power_w', 'power', 1),
    ('energy_counter_j', 'energy', 3600000),
    ('temperature_c', 'temperature', 1),
    ('sm_clock_mhz', 'frequency', 1),
    ('error_code', 'ratio', 1)
),

mappings AS (
    SELECT mappings.*, units.multiplier * quantities.per_base_unit AS multiplier, units.divisor
    FROM reference.metric_mappings AS mappings
    JOIN quantities USING (column_name)
    JOIN reference.units AS units USING (unit, quantity)
    WHERE mappings.is_usable AND mappings.dataset = 'accelerator_samples'
),

series AS (
    SELECT DISTINCT
        metric,
        labels,
        from_json(labels, '"MAP(VARCHAR, VARCHAR)"') AS label,
        regexp_replace(label['instance'], ':\d+$', '') AS instance
    FROM readings
),

mapped_series AS (
    SELECT
        series.metric,
        series.labels,
        mappings.reference_id,
        mappings.exporter,
        mappings.column_name,
        dense_rank() OVER (ORDER BY mappings.precedence, mappings.reference_id) AS choice,
        mappings.multiplier,
        mappings.divisor,
        list_transform(
            string_split(mappings.device_labels, ' '),
            lambda name: nullif(CASE WHEN name = 'instance' THEN series.instance ELSE series.label[name] END, '')
        ) AS device_names,
        CASE WHEN NOT list_contains(list_transform(device_names, lambda name: name IS NULL), true)
            THEN array_to_string(device_names, '/') END AS device_name,
        CASE
            WHEN regexp_full_match(device_name, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}') THEN 'GPU-' || device_name
            ELSE device_name
        END AS device_id,
        CASE WHEN series.label[mappings.instance_label] <> ''
            THEN concat_ws(
                '/', nullif(replace(series.label['GPU_I_PROFILE'], '+', '-'), ''), series.label[mappings.instance_label]
            )
            ELSE ''
        END AS instance_id,
        list_filter(
            list_transform(
                string_split(mappings.node_labels, ' '),
                lambda name: CASE WHEN name = 'instance' THEN series.instance ELSE series.label[name] END
            ),
            lambda name: name <> ''
        )[1] AS node_id,
        nullif(series.label[mappings.sku_label], '') AS sku
    FROM series
    JOIN mappings USING (metric)
    WHERE mappings.where_label IS NULL OR series.label[mappings.where_label] = mappings.where_value
    QUALIFY rank() OVER (PARTITION BY series.metric, series.labels ORDER BY mappings.where_label IS NULL) = 1
),

amounts AS (
    SELECT
        readings.site_id,
        readings.file_id,
        readings.row_number,
        readings.evidence_class,
        readings.time,
        mapped_series.* EXCLUDE (metric, labels, device_names, device_name),
        CASE
            WHEN exporter = 'dcgm' AND value BETWEEN 140737488355328 AND 140737488355331 THEN NULL
            WHEN exporter = 'dcgm' AND value BETWEEN 2147483632 AND 2147483635 THEN NULL
            WHEN value IN (65535, 4294967295, 18446744073709551615)
                AND (
                    column_name IN ('utilisation_ratio', 'tensor_active_ratio', 'temperature_c', 'sm_clock_mhz')
                    OR (column_name = 'power_w' AND multiplier = divisor)
                )
                THEN NULL
            WHEN exporter = 'ascend_npu_exporter' AND value < 0 THEN NULL
            ELSE value * multiplier / divisor
        END AS amount,
        row_number() OVER (
            PARTITION BY site_id, file_id, device_id, instance_id, time, reference_id ORDER BY readings.row_number
        ) AS occurrence
    FROM readings
    JOIN mapped_series USING (metric, labels)
)

SELECT
    site_id,
    file_id,
    min(row_number) AS row_number,
    max(evidence_class) AS evidence_class,
    max(node_id) AS node_id,
    device_id,
    instance_id,
    max(sku) AS sku,
    time AS sampled_at_utc,
    CASE
        WHEN max(amount) FILTER (column_name = 'utilisation_ratio') > 0.1
            THEN arg_min(amount, choice) FILTER (column_name = 'utilisation_ratio' AND amount > 0)
        ELSE arg_min(amount, choice) FILTER (column_name = 'utilisation_ratio')
    END AS utilisation_ratio,
    arg_min(amount, choice) FILTER (column_name = 'tensor_active_ratio') AS tensor_active_ratio,
    arg_min(amount, choice) FILTER (column_name = 'memory_used_bytes') AS memory_used_bytes,
    arg_min(amount, choice) FILTER (column_name = 'memory_total_bytes') AS memory_total_bytes,
    arg_min(amount, choice) FILTER (column_name = 'power_w') AS power_w,
    arg_min(amount, choice) FILTER (column_name = 'energy_counter_j') AS energy_counter_j,
    arg_min(amount, choice) FILTER (column_name = 'temperature_c') AS temperature_c,
    arg_min(amount, choice) FILTER (column_name = 'sm_clock_mhz') AS sm_clock_mhz,
    arg_min(amount, choice) FILTER (column_name = 'error_code') AS error_code
FROM amounts
GROUP BY site_id, file_id, device_id, instance_id, time, occurrence
