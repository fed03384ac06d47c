-- One row per bill line and day: what of a line of consumption or of an adjustment falls on a day of its service period.
-- By the shape of the metered load where a service period of at most 100 days is metered at the utility connection on
-- every day (95 % of the day at least, by the same number of meters, by readings that state energy over an interval),
-- else evenly; proration says which. A day gets the difference of two rounded running totals of its line, so that the
-- days of a line sum to it exactly. An estimated line is estimated evidence. Lines that give way to others are not
-- staged, so the days of a meter add up over its lines.
-- reaches: 100 days before and after the scope
-- grain: site_id, day, meter_id, commodity, line_type, tariff_period, service_start, invoice_id
WITH months AS (
    SELECT site_id, month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
lines AS MATERIALIZED (
    SELECT
        row_number() OVER () AS line,
        file_id,
        utility_bills."row_number" AS file_row,
        invoice_id,
        meter_id,
        commodity,
        line_type,
        tariff_period,
        service_start,
        service_end,
        CASE WHEN commodity <> 'water' THEN energy_kwh END AS line_kwh,
        CASE WHEN commodity = 'water' THEN water_m3 END AS line_m3,
        is_estimated,
        revision,
        CASE WHEN is_estimated THEN greatest(evidence_rank, 4) ELSE evidence_rank END AS evidence_rank
    FROM staged.utility_bills
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
        AND line_type IN ('consumption', 'adjustment')
        AND coalesce(line_kwh, line_m3) IS NOT NULL
        AND service_start < getvariable('period_end')
        AND service_end > getvariable('period_start')
),
utility_intervals AS (
    SELECT
        meter_id,
        energy_kwh,
        time_zone,
        started_at_utc,
        ended_at_utc,
        timezone(time_zone, timezone('UTC', started_at_utc))::DATE AS first_day,
        unnest(range(first_day, timezone(time_zone, timezone('UTC', ended_at_utc)), INTERVAL 1 DAY)) AS midnight
    FROM staged.facility_readings
    JOIN reference.sites USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND boundary = 'utility'
        AND energy_kwh IS NOT NULL
        AND started_at_utc < getvariable('end_utc') + INTERVAL 100 DAY
        AND ended_at_utc > getvariable('start_utc') - INTERVAL 100 DAY
        AND ended_at_utc > started_at_utc
        AND ended_at_utc <= started_at_utc + INTERVAL 25 HOUR
),
utility_days AS (
    SELECT
        midnight::DATE AS day,
        count(DISTINCT meter_id) AS meters,
        sum(part_us) >= 0.95 * any_value(day_us) * meters AS is_metered,
        sum((energy_kwh * part_us / length_us)::DECIMAL(38, 9)) AS load_kwh
    FROM (
        SELECT
            *,
            timezone('UTC', timezone(time_zone, midnight)) AS day_start_utc,
            timezone('UTC', timezone(time_zone, midnight + INTERVAL 1 DAY)) AS day_end_utc,
            date_diff('microsecond', day_start_utc, day_end_utc) AS day_us,
            date_diff('microsecond', started_at_utc, ended_at_utc) AS length_us,
            date_diff(
                'microsecond', greatest(started_at_utc, day_start_utc), least(ended_at_utc, day_end_utc)
            ) AS part_us
        FROM utility_intervals
    )
    GROUP BY midnight
),
line_days AS (
    SELECT *, unnest(range(service_start, service_end, INTERVAL 1 DAY))::DATE AS day FROM lines
),
weighted AS (
    SELECT
        line_days.*,
        commodity = 'electricity'
        AND service_end <= service_start + INTERVAL 100 DAY
        AND bool_and(coalesce(is_metered, false)) OVER whole_line
        AND min(meters) OVER whole_line = max(meters) OVER whole_line
        AND sum(load_kwh) OVER whole_line > 0 AS follows_load,
        (CASE WHEN follows_load THEN load_kwh ELSE 1 END)::DECIMAL(38, 9) AS weight
    FROM line_days
    LEFT JOIN utility_days USING (day)
    WINDOW whole_line AS (PARTITION BY line)
),
shares AS (
    SELECT
        *,
        sum(weight) OVER (PARTITION BY line ORDER BY day) AS weight_until,
        sum(weight) OVER (PARTITION BY line) AS weight_in_all,
        (weight_until - weight) / weight_in_all AS share_before,
        weight_until / weight_in_all AS share_after
    FROM weighted
)
SELECT
    site_id,
    month_start,
    day,
    meter_id,
    commodity,
    invoice_id,
    revision,
    line_type,
    tariff_period,
    service_start,
    service_end,
    (line_kwh * share_after)::DECIMAL(38, 9) - (line_kwh * share_before)::DECIMAL(38, 9) AS energy_kwh,
    (line_m3 * share_after)::DECIMAL(38, 9) - (line_m3 * share_before)::DECIMAL(38, 9) AS water_m3,
    CASE WHEN follows_load THEN 'load shape' ELSE 'even' END AS proration,
    is_estimated,
    evidence_rank::INTEGER AS evidence_rank,
    file_id,
    file_row AS "row_number"
FROM shares
JOIN months ON day >= month_start AND day < month_end
