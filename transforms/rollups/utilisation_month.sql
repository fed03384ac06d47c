-- One row per site and month: one set of device-hours, from installed over available and allocated to busy.
-- All four describe the same device-hours, those whose utilisation was observed: installed hours, hours lost to
-- incidents and allocated hours are counted by the share that telemetry observed (all of them in a month without
-- telemetry). So availability x allocation x activity is utilisation, exactly, in any sum of months that know all four.
-- grain: site_id, month_start
WITH capacity AS (
    SELECT site_id, month_start, installed_device_hours, evidence_rank
    FROM rollups.capacity_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND installed_device_hours > 0
),
losses AS (
    SELECT site_id, month_start, unplanned_device_hours + planned_device_hours AS lost_device_hours, evidence_rank
    FROM rollups.incident_month
    WHERE lost_device_hours IS NOT NULL
),
workload AS (
    SELECT site_id, month_start, allocated_device_hours, evidence_rank
    FROM rollups.workload_month
    WHERE allocated_device_hours IS NOT NULL
),
activity AS (
    SELECT site_id, month_start, utilisation_device_hours, busy_device_hours, evidence_rank
    FROM rollups.activity_month
    WHERE utilisation_device_hours > 0
),
shares AS (
    SELECT
        site_id,
        month_start,
        installed_device_hours,
        coalesce(utilisation_device_hours, installed_device_hours) AS observed_device_hours,
        observed_device_hours / installed_device_hours AS observed_share,
        CASE WHEN lost_device_hours IS NOT NULL THEN greatest(installed_device_hours - lost_device_hours, 0) END
            AS available_device_hours,
        allocated_device_hours,
        utilisation_device_hours,
        busy_device_hours,
        greatest(capacity.evidence_rank, losses.evidence_rank) AS availability_evidence_rank,
        greatest(availability_evidence_rank, workload.evidence_rank) AS allocation_evidence_rank,
        greatest(capacity.evidence_rank, workload.evidence_rank, activity.evidence_rank) AS activity_evidence_rank
    FROM capacity
    LEFT JOIN losses USING (site_id, month_start)
    LEFT JOIN workload USING (site_id, month_start)
    LEFT JOIN activity USING (site_id, month_start)
)
SELECT
    site_id,
    month_start,
    installed_device_hours,
    coalesce(utilisation_device_hours, 0)::DECIMAL(38, 9) AS utilisation_device_hours,
    observed_device_hours,
    (available_device_hours * observed_share)::DECIMAL(38, 9) AS available_device_hours,
    (allocated_device_hours * observed_share)::DECIMAL(38, 9) AS allocated_device_hours,
    busy_device_hours,
    availability_evidence_rank::INTEGER AS availability_evidence_rank,
    allocation_evidence_rank::INTEGER AS allocation_evidence_rank,
    activity_evidence_rank::INTEGER AS activity_evidence_rank
FROM shares
