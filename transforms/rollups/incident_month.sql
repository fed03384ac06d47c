-- One row per site and month of the incident log: interruptions, the jobs they ended and the device-hours they cost.
-- A site keeps a log if it recorded an incident, planned or not, within the declared age before the end of the month:
-- such a month without incidents had none; of any other month nobody knows. An interruption counts in the month it
-- began in, and so do the jobs it ended; where one does not say how many, the jobs of its month are unknown. Its
-- device-hours fall where they were lost; while an incident has no end, those of its month and later are unknown.
-- Incidents of one cluster that overlap are one outage, as large as the largest of them at each instant: which devices
-- they met is not said, and what is lost twice is lost once. Of planned and unplanned ones at once the unplanned count.
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
        coalesce(cluster_id, '') AS cluster_id,
        is_planned,
        devices_affected,
        jobs_interrupted,
        started_at_utc >= start_utc AS began_here,
        ended_at_utc IS NULL AS is_open,
        greatest(started_at_utc, start_utc) AS from_utc,
        least(ended_at_utc, end_utc) AS to_utc,
        evidence_rank
    FROM months
    JOIN maximum_age ON month_start BETWEEN valid_from AND valid_to
    JOIN staged.incidents
        ON months.site_id = incidents.site_id
        AND started_at_utc < end_utc
        AND coalesce(ended_at_utc, started_at_utc) >= end_utc - to_days(days)
    JOIN reference.evidence_classes USING (evidence_class)
),
lost AS (
    FROM log
    WHERE to_utc > from_utc
),
instants AS (
    SELECT month_start, cluster_id, from_utc AS at_utc FROM lost
    UNION
    SELECT month_start, cluster_id, to_utc FROM lost
),
pieces AS (
    SELECT
        *,
        lead(at_utc) OVER (PARTITION BY month_start, cluster_id ORDER BY at_utc) AS until_utc
    FROM instants
),
outages AS (
    SELECT
        month_start,
        date_diff('microsecond', at_utc, until_utc) / 3.6e9 AS hours,
        coalesce(max(devices_affected) FILTER (WHERE NOT is_planned), 0) AS unplanned_devices,
        greatest(max(devices_affected) - unplanned_devices, 0) AS planned_devices
    FROM pieces
    JOIN lost USING (month_start, cluster_id)
    WHERE from_utc <= at_utc AND to_utc >= until_utc
    GROUP BY month_start, cluster_id, at_utc, until_utc
),
losses AS (
    SELECT
        month_start,
        sum((unplanned_devices * hours)::DECIMAL(38, 9)) AS unplanned_device_hours,
        sum((planned_devices * hours)::DECIMAL(38, 9)) AS planned_device_hours
    FROM outages
    GROUP BY month_start
)
SELECT
    site_id,
    month_start,
    count(*) FILTER (WHERE began_here AND NOT is_planned) AS interruptions,
    count(*) FILTER (WHERE began_here AND is_planned) AS planned_interruptions,
    CASE
        WHEN NOT bool_or(began_here AND NOT is_planned AND jobs_interrupted IS NULL)
            THEN coalesce(sum(jobs_interrupted) FILTER (WHERE began_here AND NOT is_planned), 0)::BIGINT
    END AS interrupted_jobs,
    count(*) FILTER (WHERE is_open) AS open_incidents,
    CASE WHEN NOT bool_or(is_open) THEN coalesce(any_value(unplanned_device_hours), 0) END AS unplanned_device_hours,
    CASE WHEN NOT bool_or(is_open) THEN coalesce(any_value(planned_device_hours), 0) END AS planned_device_hours,
    max(evidence_rank)::INTEGER AS evidence_rank
FROM log
LEFT JOIN losses USING (month_start)
GROUP BY site_id, month_start
