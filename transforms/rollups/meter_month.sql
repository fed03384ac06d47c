-- One row per site, month, boundary and meter: the energy that passed, what is missing of it, and whether it is added up.
-- A meter is expected from its first to its last reading, within 100 days around the scope; where they end, until a
-- successor begins at the same boundary, from seven days before the end to 100 days after it and of one meter only, the
-- one that ended nearest and passed most alike; where none does, for 100 days. What is missing is filled at the meter's
-- own rate, of the month, else of its readings; else at the mean rate of the meters of its boundary that are known.
-- filled_kwh is what is known and what fills it; it serves as a weight, never as a figure.
-- A meter with meters behind it (parent_meter_id) contains them: what is behind it at the same boundary is not added to
-- it. Where it reads less than what its meters of electricity see behind it, by more than reconciliation_tolerance, it is
-- not believed, and where it is not known it says nothing: then those behind it at its boundary are added up in its
-- place. Where there are none, it stays expected and its energy is unknown.
-- reaches: 100 days before and after the scope
-- grain: site_id, month_start, boundary, meter_id
WITH RECURSIVE months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
meters AS (
    SELECT
        boundary,
        meter_id,
        arg_max(parent_meter_id, started_at_utc) AS parent_meter_id,
        min(started_at_utc) AS first_utc,
        max(ended_at_utc) AS last_utc,
        coalesce(
            sum(energy_kwh) / nullif(sum(epoch(ended_at_utc - started_at_utc)) FILTER (energy_kwh IS NOT NULL) / 3600, 0),
            avg(power_w) / 1000,
            (max(energy_counter_kwh) - min(energy_counter_kwh)) / nullif(epoch(last_utc - first_utc) / 3600, 0)
        ) AS mean_kw
    FROM (
        SELECT * REPLACE (
            CASE WHEN node_id IS NULL OR boundary <> 'it_input' OR energy_kwh <> 0 THEN energy_kwh END AS energy_kwh,
            CASE WHEN node_id IS NULL OR boundary <> 'it_input' OR power_w <> 0 THEN power_w END AS power_w
        )
        FROM staged.facility_readings
        WHERE site_id = getvariable('site_id')
            AND NOT is_suspect
            AND started_at_utc < getvariable('end_utc') + INTERVAL 100 DAY
            AND ended_at_utc > getvariable('start_utc') - INTERVAL 100 DAY
    )
    GROUP BY boundary, meter_id
),
likeness AS (
    SELECT
        before.boundary,
        before.meter_id,
        after.meter_id AS successor_id,
        after.first_utc AS successor_utc,
        abs(epoch(after.first_utc - before.last_utc)) AS s_apart,
        coalesce(abs(after.mean_kw - before.mean_kw), 0) AS kw_apart
    FROM meters AS before
    JOIN meters AS after
        ON after.boundary = before.boundary
        AND after.meter_id <> before.meter_id
        AND after.first_utc > before.first_utc
        AND after.last_utc > before.last_utc
        AND after.first_utc BETWEEN before.last_utc - INTERVAL 7 DAY AND before.last_utc + INTERVAL 100 DAY
    QUALIFY row_number() OVER (
        PARTITION BY before.boundary, successor_id ORDER BY s_apart, kw_apart, before.meter_id
    ) = 1
),
successors AS (
    SELECT DISTINCT ON (boundary, meter_id) boundary, meter_id, successor_utc
    FROM likeness
    ORDER BY boundary, meter_id, s_apart, kw_apart, successor_id
),
expected AS (
    SELECT
        month_start,
        boundary,
        meter_id,
        parent_meter_id,
        mean_kw,
        greatest(first_utc, start_utc) AS from_utc,
        least(greatest(last_utc, coalesce(successor_utc, last_utc + INTERVAL 100 DAY)), end_utc) AS until_utc
    FROM meters
    LEFT JOIN successors USING (boundary, meter_id)
    JOIN months
        ON first_utc < end_utc
        AND greatest(last_utc, coalesce(successor_utc, last_utc + INTERVAL 100 DAY)) > start_utc
),
passed AS (
    SELECT
        month_start,
        boundary,
        meter_id,
        sum(energy_kwh) AS energy_kwh,
        coalesce(sum(energy_hours), 0) AS energy_hours,
        sum(water_m3) AS water_m3,
        coalesce(sum(water_hours), 0) AS water_hours,
        max(evidence_rank) AS evidence_rank
    FROM rollups.meter_hour
    WHERE site_id = getvariable('site_id')
    GROUP BY month_start, boundary, meter_id
),
known AS (
    SELECT
        expected.*,
        energy_kwh,
        coalesce(energy_hours, 0) AS energy_hours,
        water_m3,
        coalesce(water_hours, 0) AS water_hours,
        evidence_rank,
        (epoch(until_utc - from_utc) / 3600)::DECIMAL(38, 9) AS expected_hours,
        coalesce(energy_kwh / nullif(energy_hours, 0), mean_kw) AS rate_kw
    FROM expected
    LEFT JOIN passed USING (month_start, boundary, meter_id)
),
filled AS (
    SELECT
        *,
        (
            coalesce(energy_kwh, 0) + greatest(expected_hours - energy_hours, 0) * coalesce(
                rate_kw, avg(rate_kw) OVER alike, 0
            )
        )::DECIMAL(38, 9) AS filled_kwh,
        coalesce(water_m3 / nullif(water_hours, 0), avg(water_m3 / nullif(water_hours, 0)) OVER alike, 0) AS m3_per_hour,
        (coalesce(water_m3, 0) + greatest(expected_hours - water_hours, 0) * m3_per_hour)::DECIMAL(38, 9) AS filled_m3
    FROM known
    WINDOW alike AS (PARTITION BY month_start, boundary)
),
behind AS (
    SELECT month_start, parent_meter_id AS meter_id, sum(energy_kwh) AS behind_kwh
    FROM known
    WHERE parent_meter_id IS NOT NULL
        AND parent_meter_id <> meter_id
        AND boundary IN ('utility', 'ups_output', 'pdu_output', 'it_input', 'cooling')
    GROUP BY month_start, parent_meter_id
),
judged AS (
    SELECT
        filled.*,
        CASE WHEN energy_kwh IS NOT NULL AND filled_kwh < (1 - tolerance) * behind_kwh THEN behind_kwh END
            AS contradicted_by_kwh,
        (energy_hours > 0 AND contradicted_by_kwh IS NULL) OR water_hours > 0 AS is_believed
    FROM filled
    LEFT JOIN behind USING (month_start, meter_id)
    LEFT JOIN (
        SELECT value AS tolerance, valid_from, valid_to
        FROM reference.parameters
        WHERE name = 'reconciliation_tolerance' AND is_usable
    ) ON month_start BETWEEN valid_from AND valid_to
),
ancestors AS (
    SELECT month_start, boundary, meter_id, parent_meter_id AS ancestor_id
    FROM judged
    WHERE parent_meter_id IS NOT NULL AND parent_meter_id <> meter_id
    UNION
    SELECT ancestors.month_start, ancestors.boundary, ancestors.meter_id, judged.parent_meter_id
    FROM ancestors
    JOIN judged ON judged.month_start = ancestors.month_start AND judged.meter_id = ancestors.ancestor_id
    WHERE judged.parent_meter_id IS NOT NULL AND judged.parent_meter_id <> ancestors.meter_id
),
contained AS (
    SELECT DISTINCT ancestors.month_start, ancestors.boundary, ancestors.meter_id
    FROM ancestors
    JOIN judged
        ON judged.month_start = ancestors.month_start
        AND judged.boundary = ancestors.boundary
        AND judged.meter_id = ancestors.ancestor_id
        AND judged.is_believed
),
replaced AS (
    SELECT DISTINCT ancestors.month_start, ancestors.boundary, ancestors.ancestor_id AS meter_id
    FROM ancestors
    JOIN judged USING (month_start, boundary, meter_id)
    WHERE judged.energy_hours > 0 OR judged.water_hours > 0
)
SELECT
    getvariable('site_id') AS site_id,
    month_start,
    boundary,
    meter_id,
    parent_meter_id,
    from_utc,
    until_utc,
    expected_hours,
    energy_kwh::DECIMAL(38, 9) AS energy_kwh,
    energy_hours::DECIMAL(38, 9) AS energy_hours,
    filled_kwh,
    water_m3::DECIMAL(38, 9) AS water_m3,
    water_hours::DECIMAL(38, 9) AS water_hours,
    filled_m3,
    contradicted_by_kwh::DECIMAL(38, 9) AS contradicted_by_kwh,
    contained.meter_id IS NULL AND (is_believed OR replaced.meter_id IS NULL) AS is_added_up,
    evidence_rank::INTEGER AS evidence_rank
FROM judged
LEFT JOIN contained USING (month_start, boundary, meter_id)
LEFT JOIN replaced USING (month_start, boundary, meter_id)
