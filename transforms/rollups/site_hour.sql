-- One row per site and hour: accelerators and meters side by side, each summed over the site.
-- A boundary without a reading in the hour is unknown, not zero.
-- grain: site_id, hour_start_utc
WITH devices AS (
    SELECT
        site_id,
        month_start,
        hour_start_utc,
        sum(device_hours) AS device_hours,
        sum(busy_device_hours) AS busy_device_hours,
        sum(utilisation_device_hours) AS utilisation_device_hours,
        sum(energy_kwh) AS device_energy_kwh,
        sum(energy_device_hours) AS energy_device_hours,
        max(evidence_rank) AS evidence_rank
    FROM rollups.device_hour
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
    GROUP BY site_id, month_start, hour_start_utc
),
meters AS (
    SELECT
        site_id,
        month_start,
        hour_start_utc,
        sum(energy_kwh) FILTER (WHERE boundary = 'utility') AS utility_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'generator') AS generator_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'on_site_renewable') AS on_site_renewable_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'ups_output') AS ups_output_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'pdu_output') AS pdu_output_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'it_input') AS it_input_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'cooling') AS cooling_kwh,
        sum(energy_kwh) FILTER (WHERE boundary = 'heat_reuse') AS heat_reuse_kwh,
        sum(water_m3) AS water_m3,
        max(evidence_rank) AS evidence_rank
    FROM rollups.meter_hour
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
    GROUP BY site_id, month_start, hour_start_utc
)
SELECT
    site_id,
    month_start,
    hour_start_utc,
    devices.* EXCLUDE (site_id, month_start, hour_start_utc, evidence_rank),
    meters.* EXCLUDE (site_id, month_start, hour_start_utc, evidence_rank),
    greatest(devices.evidence_rank, meters.evidence_rank) AS evidence_rank
FROM devices
FULL JOIN meters USING (site_id, month_start, hour_start_utc)
