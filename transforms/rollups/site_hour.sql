-- One row per site and hour: accelerators and meters side by side, each summed over the site.
-- A boundary without a reading in the hour is unknown, not zero.
-- as a view: no figure is made of it; it answers who asks how a site's load runs over the day
-- grain: site_id, hour_start_utc
WITH device_hours AS (
    SELECT
        site_id,
        month_start,
        hour_start_utc,
        device_hours,
        busy_device_hours,
        utilisation_device_hours,
        energy_kwh AS device_energy_kwh,
        energy_device_hours,
        evidence_rank
    FROM rollups.device_hour
),
meter_hours AS (
    SELECT
        site_id,
        month_start,
        hour_start_utc,
        CASE WHEN boundary = 'utility' THEN energy_kwh END AS utility_kwh,
        CASE WHEN boundary = 'generator' THEN energy_kwh END AS generator_kwh,
        CASE WHEN boundary = 'on_site_renewable' THEN energy_kwh END AS on_site_renewable_kwh,
        CASE WHEN boundary = 'export' THEN energy_kwh END AS export_kwh,
        CASE WHEN boundary = 'ups_output' THEN energy_kwh END AS ups_output_kwh,
        CASE WHEN boundary = 'pdu_output' THEN energy_kwh END AS pdu_output_kwh,
        CASE WHEN boundary = 'it_input' THEN energy_kwh END AS it_input_kwh,
        CASE WHEN boundary = 'cooling' THEN energy_kwh END AS cooling_kwh,
        CASE WHEN boundary = 'heat_reuse' THEN energy_kwh END AS heat_reuse_kwh,
        water_m3,
        evidence_rank
    FROM rollups.meter_hour
),
hours AS (
    FROM device_hours
    UNION ALL BY NAME
    FROM meter_hours
)
SELECT
    site_id,
    month_start,
    hour_start_utc,
    sum(device_hours) AS device_hours,
    sum(busy_device_hours) AS busy_device_hours,
    sum(utilisation_device_hours) AS utilisation_device_hours,
    sum(device_energy_kwh) AS device_energy_kwh,
    sum(energy_device_hours) AS energy_device_hours,
    sum(utility_kwh) AS utility_kwh,
    sum(generator_kwh) AS generator_kwh,
    sum(on_site_renewable_kwh) AS on_site_renewable_kwh,
    sum(export_kwh) AS export_kwh,
    sum(ups_output_kwh) AS ups_output_kwh,
    sum(pdu_output_kwh) AS pdu_output_kwh,
    sum(it_input_kwh) AS it_input_kwh,
    sum(cooling_kwh) AS cooling_kwh,
    sum(heat_reuse_kwh) AS heat_reuse_kwh,
    sum(water_m3) AS water_m3,
    max(evidence_rank) AS evidence_rank
FROM hours
GROUP BY site_id, month_start, hour_start_utc
