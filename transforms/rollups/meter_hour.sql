-- One row per site, meter and hour: energy and water that passed, and how much of the hour is known.
-- Energy stated for an interval falls evenly on it; so does mean power over one. Instants: the rise of the counter
-- falls evenly on the time to the next reading, at most 100 days; where it falls, is missing or has no neighbour,
-- power holds until the next reading, at most an hour, and where none follows so soon, as long as the reading before
-- it did. A counter reading below one in the hour before it, with as high a one again in the hour after it, is a slip
-- and not used, as the meter did not pass its whole register in between; neither is a lone one between two readings at
-- most a day away. Power is only ever held, never differenced. What the source itself calls suspect is not used. Where
-- readings of a meter overlap, their mean counts, over the time that any of them covers. An estimated reading is
-- estimated evidence. A server that answers draws power: 0 W, 0 kWh or a counter at 0 from the input of one server says
-- that it cannot measure, which is unknown. An hour gets the difference of two rounded running totals of its reading, so that the hours of a
-- reading sum to it exactly.
-- reaches: 100 days before and after the scope
-- grain: site_id, hour_start_utc, meter_id, boundary
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
readings AS (
    SELECT
        meter_id,
        boundary,
        started_at_utc,
        ended_at_utc,
        node_id IS NULL OR boundary <> 'it_input' AS can_be_zero,
        CASE WHEN can_be_zero OR energy_kwh <> 0 THEN energy_kwh END AS energy_kwh,
        CASE WHEN can_be_zero OR power_w <> 0 THEN power_w END AS power_w,
        CASE WHEN can_be_zero OR energy_counter_kwh <> 0 THEN energy_counter_kwh END AS energy_counter_kwh,
        water_m3,
        CASE WHEN is_estimated THEN greatest(evidence_rank, 4) ELSE evidence_rank END AS evidence_rank,
        ended_at_utc > started_at_utc AND coalesce(facility_readings.energy_kwh, facility_readings.power_w) IS NOT NULL AS is_energy_interval
    FROM staged.facility_readings
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
        AND NOT is_suspect
        AND started_at_utc < getvariable('end_utc') + INTERVAL 100 DAY
        AND ended_at_utc > getvariable('start_utc') - INTERVAL 100 DAY
),
surrounded_instants AS (
    SELECT
        *,
        max(energy_counter_kwh) OVER (
            meter RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
        ) AS highest_before_kwh,
        max(energy_counter_kwh) OVER (
            meter RANGE BETWEEN INTERVAL 1 MICROSECOND FOLLOWING AND INTERVAL 1 HOUR FOLLOWING
        ) AS highest_after_kwh,
        CASE
            WHEN lag(started_at_utc) OVER meter >= started_at_utc - INTERVAL 1 DAY
                THEN lag(energy_counter_kwh) OVER meter
        END AS before_kwh,
        CASE
            WHEN lead(started_at_utc) OVER meter <= started_at_utc + INTERVAL 1 DAY
                THEN lead(energy_counter_kwh) OVER meter
        END AS after_kwh
    FROM readings
    WHERE coalesce(energy_counter_kwh, power_w) IS NOT NULL AND NOT is_energy_interval
    WINDOW meter AS (PARTITION BY meter_id, boundary ORDER BY started_at_utc)
),
instants AS (
    SELECT
        * REPLACE (CASE WHEN NOT is_slip THEN energy_counter_kwh END AS energy_counter_kwh)
    FROM (
        SELECT
            *,
            coalesce(energy_counter_kwh < highest_before_kwh AND highest_after_kwh >= highest_before_kwh, false)
            OR coalesce(energy_counter_kwh < before_kwh AND after_kwh >= before_kwh, false) AS is_slip
        FROM surrounded_instants
    )
    WHERE power_w IS NOT NULL OR NOT is_slip
),
neighbours AS (
    SELECT
        *,
        date_diff('microsecond', lag(started_at_utc) OVER meter, started_at_utc) AS since_previous_us,
        date_diff('microsecond', started_at_utc, lead(started_at_utc) OVER meter) AS to_next_us,
        lead(energy_counter_kwh) OVER meter - energy_counter_kwh AS rise_kwh
    FROM instants
    WINDOW meter AS (PARTITION BY meter_id, boundary ORDER BY started_at_utc)
),
held_instants AS (
    SELECT
        *,
        coalesce(rise_kwh >= 0 AND to_next_us <= 100 * 86_400_000_000, false) AS is_counted,
        CASE
            WHEN is_counted OR to_next_us <= 3_600_000_000 THEN to_next_us
            ELSE least(since_previous_us, 3_600_000_000)
        END AS length_us
    FROM neighbours
),
spans AS (
    SELECT
        meter_id,
        boundary,
        started_at_utc,
        length_us,
        CASE WHEN is_counted THEN rise_kwh ELSE power_w * length_us / 3.6e12 END AS energy_kwh,
        NULL::DOUBLE AS water_m3,
        evidence_rank
    FROM held_instants
    WHERE is_counted OR power_w IS NOT NULL
    UNION ALL BY NAME
    SELECT
        meter_id,
        boundary,
        started_at_utc,
        date_diff('microsecond', started_at_utc, ended_at_utc) AS length_us,
        CASE WHEN is_energy_interval THEN coalesce(energy_kwh, power_w * length_us / 3.6e12) END AS energy_kwh,
        water_m3,
        evidence_rank
    FROM readings
    WHERE is_energy_interval OR water_m3 IS NOT NULL
),
hours AS (
    SELECT
        *,
        unnest(
            range(
                time_bucket(INTERVAL 1 HOUR, started_at_utc, getvariable('start_utc')),
                started_at_utc + to_microseconds(greatest(length_us, 1)),
                INTERVAL 1 HOUR
            )
        ) AS hour_start_utc
    FROM spans
),
pieces AS (
    SELECT
        *,
        greatest(date_diff('microsecond', started_at_utc, hour_start_utc), 0) AS from_us,
        least(date_diff('microsecond', started_at_utc, hour_start_utc + INTERVAL 1 HOUR), length_us) AS to_us,
        coalesce(from_us / nullif(length_us, 0), 0) AS share_before,
        coalesce(to_us / nullif(length_us, 0), 1) AS share_after
    FROM hours
    WHERE hour_start_utc >= getvariable('start_utc') AND hour_start_utc < getvariable('end_utc')
),
stated_before AS (
    SELECT
        *,
        date_diff('microsecond', hour_start_utc, started_at_utc) + from_us AS begin_us,
        date_diff('microsecond', hour_start_utc, started_at_utc) + to_us AS end_us,
        greatest(
            begin_us,
            coalesce(max(CASE WHEN energy_kwh IS NOT NULL THEN end_us END) OVER earlier, 0)
        ) AS energy_begin_us,
        greatest(
            begin_us,
            coalesce(max(CASE WHEN water_m3 IS NOT NULL THEN end_us END) OVER earlier, 0)
        ) AS water_begin_us
    FROM pieces
    WINDOW earlier AS (
        PARTITION BY hour_start_utc, meter_id, boundary
        ORDER BY started_at_utc, length_us
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
meter_hours AS (
    SELECT
        hour_start_utc,
        meter_id,
        boundary,
        sum((energy_kwh * share_after)::DECIMAL(38, 9) - (energy_kwh * share_before)::DECIMAL(38, 9)) AS energy_kwh,
        coalesce(sum(to_us - from_us) FILTER (WHERE energy_kwh IS NOT NULL), 0) AS energy_us,
        coalesce(sum(greatest(end_us - energy_begin_us, 0)) FILTER (WHERE energy_kwh IS NOT NULL), 0)
            AS energy_known_us,
        sum((water_m3 * share_after)::DECIMAL(38, 9) - (water_m3 * share_before)::DECIMAL(38, 9)) AS water_m3,
        coalesce(sum(to_us - from_us) FILTER (WHERE water_m3 IS NOT NULL), 0) AS water_us,
        coalesce(sum(greatest(end_us - water_begin_us, 0)) FILTER (WHERE water_m3 IS NOT NULL), 0) AS water_known_us,
        count(*) FILTER (WHERE started_at_utc >= hour_start_utc) AS readings,
        max(evidence_rank) AS evidence_rank
    FROM stated_before
    GROUP BY hour_start_utc, meter_id, boundary
)
SELECT
    site_id,
    month_start,
    hour_start_utc,
    meter_id,
    boundary,
    (CASE WHEN energy_us > energy_known_us THEN energy_kwh * energy_known_us / energy_us ELSE energy_kwh END)
        ::DECIMAL(38, 9) AS energy_kwh,
    (energy_known_us / 3.6e9)::DECIMAL(38, 9) AS energy_hours,
    (CASE WHEN water_us > water_known_us THEN water_m3 * water_known_us / water_us ELSE water_m3 END)
        ::DECIMAL(38, 9) AS water_m3,
    (water_known_us / 3.6e9)::DECIMAL(38, 9) AS water_hours,
    readings,
    evidence_rank::INTEGER AS evidence_rank
FROM meter_hours
JOIN months ON hour_start_utc >= start_utc AND hour_start_utc < end_utc
