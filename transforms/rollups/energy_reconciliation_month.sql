-- One row per site and month: electricity from three sides, bill, meters and devices, and what is between them.
-- Unexplained is the bill less the utility meter; unmetered_kwh is the part of the bill that an even load would use in
-- the hours without a reading, so it explains that much of it. Overhead is facility less IT electricity, that is
-- cooling and losses, and cooling_kwh the part of it that is metered. Beside devices is IT less accelerators, that is
-- hosts and networks; below zero the two contradict each other. A side that is unknown leaves what rests on it unknown.
-- scorecards.energy_differences names likely causes. Evidence is that of bill and utility meter.
-- grain: site_id, month_start
WITH energies AS (
    SELECT energy.*, hours, date_diff('day', month_start, month_end) AS days
    FROM rollups.energy_month AS energy
    JOIN reference.site_months USING (site_id, month_start)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    bill_kwh,
    bill_days,
    estimated_bill_kwh,
    meter_kwh,
    meter_hours,
    it_kwh,
    it_hours,
    cooling_kwh,
    device_kwh,
    device_hours_known,
    nullif(installed_device_hours, 0) AS installed_device_hours,
    bill_kwh - meter_kwh AS unexplained_kwh,
    (
        CASE
            WHEN meter_kwh IS NOT NULL
            THEN bill_kwh * greatest(1 - meter_hours / nullif(hours * bill_days / days, 0), 0)
        END
    )::DECIMAL(38, 9) AS unmetered_kwh,
    facility_kwh - it_kwh AS overhead_kwh,
    it_kwh - device_kwh AS beside_devices_kwh,
    CASE WHEN bill_kwh IS NULL THEN 'no bill' WHEN meter_kwh IS NULL THEN 'no meter readings' END AS gap,
    greatest(bill_evidence_rank, meter_evidence_rank) AS evidence_rank
FROM energies
LEFT JOIN rollups.capacity_month AS capacity USING (site_id, month_start)
WHERE coalesce(bill_kwh, meter_kwh, it_kwh, device_kwh) IS NOT NULL
