-- One row per site and month: device-hours seen, busy and off, and the energy of the accelerators.
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    sum(device_hours) AS observed_device_hours,
    sum(busy_device_hours) AS busy_device_hours,
    sum(utilisation_device_hours) AS utilisation_device_hours,
    sum(off_device_hours) AS off_device_hours,
    sum(energy_kwh) AS device_energy_kwh,
    sum(energy_device_hours) AS energy_device_hours,
    max(evidence_rank) AS evidence_rank
FROM rollups.device_hour
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
GROUP BY site_id, month_start
