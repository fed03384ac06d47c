-- One row per site and local day: the sums of its hours.
-- as a view: no figure is made of it; it answers who asks how a site's load runs over the year
-- grain: site_id, day
SELECT
    site_id,
    month_start,
    timezone(time_zone, timezone('UTC', hour_start_utc))::DATE AS day,
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
FROM rollups.site_hour
JOIN reference.sites USING (site_id)
GROUP BY site_id, month_start, day
