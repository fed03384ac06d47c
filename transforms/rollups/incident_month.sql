-- One row per site and month of the incident log: interruptions and the device-hours they cost.
-- A site keeps a log if it recorded an incident, planned or not, within the declared age before the end of the month:
-- such a month without incidents had none; of any other month nobody knows. An interruption counts in the month it
-- began in. Its device-hours fall where they were lost; while an incident has no end, those of its month and later are
-- unknown.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
maximum_age AS (
    SELECT value::INTEGER AS days, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'snapshot_max_age_days' AND is_usable
),
log AS (
    SELECT
        months.site_id,
        month_start,
        is_planned,
        started_at_utc >= start_utc AS began_here,
        ended_at_utc IS NULL AS is_open,
        CASE
            WHEN ended_at_utc > start_utc THEN
                devices_affected
                * date_diff('microsecond', greatest(started_at_utc, start_utc), least(ended_at_utc, end_utc)) / 3.6e9
            WHEN ended_at_utc IS NOT NULL THEN 0
        END::DECIMAL(38, 9) AS device_hours,
        evidence_rank
    FROM months
    JOIN maximum_age ON month_start BETWEEN valid_from AND valid_to
    JOIN staged.incidents
        ON months.site_id = incidents.site_id
        AND started_at_utc < end_utc
        AND coalesce(ended_at_utc, started_at_utc) >= end_utc - to_days(days)
    JOIN reference.evidence_classes USING (evidence_class)
)
SELECT
    site_id,
    month_start,
    count(*) FILTER (WHERE began_here AND NOT is_planned) AS interruptions,
    count(*) FILTER (WHERE began_here AND is_planned) AS planned_interruptions,
    count(*) FILTER (WHERE is_open) AS open_incidents,
    CASE WHEN NOT bool_or(is_open) THEN sum(CASE WHEN is_planned THEN 0 ELSE device_hours END) END
        AS unplanned_device_hours,
    CASE WHEN NOT bool_or(is_open) THEN sum(CASE WHEN is_planned THEN device_hours ELSE 0 END) END
        AS planned_device_hours,
    max(evidence_rank)::INTEGER AS evidence_rank
FROM log
GROUP BY site_id, month_start
