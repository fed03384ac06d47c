-- One row per site and month: electricity from the grid to the device, heat, water, fuel and claims of green power.
-- Bills fall on local days: by the shape of the metered load where a service period of at most 100 days is metered at
-- the utility connection on every day (95 % of the day at least, by the same number of meters, by readings that state
-- energy over an interval), else evenly; bill_proration says which. Where consumption lines of a meter overlap, their
-- mean counts; adjustments add up, and so does a negative line, which is a credit. Grid electricity is the bill, unless
-- meters cover more of the month. The facility uses what comes from the grid, from its generators and from its own
-- renewables; what it makes itself is in no bill. Where grid electricity is unknown so is the total. IT energy is taken
-- as near to the grid as it is measured: UPS output (category 1), else PDU output (2), else IT input (3); a category
-- that covers less than 95 % of what the best covers gives way. A meter that is read, or an account that is billed,
-- within 100 days before a month and after it ought to be there in it too, so days and hours are means over the meters
-- that ought to be there. Water is that of the water boundary; meters of cooling and the like lie behind it and count
-- only where there is none. Claims count within their vintage, evenly by day, and only once they are cancelled for the
-- site; a claim for on-site generation only where no meter measures it.
-- reaches: 100 days before and after the scope
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, start_utc, end_utc, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
bills AS (
    SELECT
        meter_id,
        commodity,
        line_type,
        service_start,
        service_end,
        CASE commodity WHEN 'water' THEN water_m3 ELSE energy_kwh END AS quantity,
        line_type = 'consumption' AND quantity >= 0 AS is_consumption,
        is_estimated,
        CASE WHEN is_estimated THEN greatest(evidence_rank, 4) ELSE evidence_rank END AS evidence_rank
    FROM staged.utility_bills
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE site_id = getvariable('site_id')
        AND line_type IN ('consumption', 'adjustment')
        AND quantity IS NOT NULL
        AND service_start < getvariable('period_end') + INTERVAL 100 DAY
        AND service_end > getvariable('period_start') - INTERVAL 100 DAY
),
readings AS (
    SELECT meter_id, boundary, started_at_utc, ended_at_utc, energy_kwh
    FROM staged.facility_readings
    WHERE site_id = getvariable('site_id')
        AND NOT is_suspect
        AND started_at_utc < getvariable('end_utc') + INTERVAL 100 DAY
        AND ended_at_utc > getvariable('start_utc') - INTERVAL 100 DAY
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
    FROM readings
    CROSS JOIN reference.sites
    WHERE site_id = getvariable('site_id')
        AND boundary = 'utility'
        AND energy_kwh IS NOT NULL
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
bill_days AS (
    SELECT *, unnest(range(service_start, service_end, INTERVAL 1 DAY))::DATE AS day FROM bills
),
weighted_bill_days AS (
    SELECT
        bill_days.*,
        commodity = 'electricity'
        AND service_end <= service_start + INTERVAL 100 DAY
        AND bool_and(coalesce(is_metered, false)) OVER bill
        AND min(meters) OVER bill = max(meters) OVER bill
        AND sum(load_kwh) OVER bill > 0 AS follows_load,
        (CASE WHEN follows_load THEN load_kwh ELSE 1 END)::DECIMAL(38, 9) AS weight,
        CASE
            WHEN is_consumption THEN count(*) OVER (PARTITION BY meter_id, commodity, is_consumption, day)
            ELSE 1
        END AS lines_on_day
    FROM bill_days
    LEFT JOIN utility_days USING (day)
    WINDOW bill AS (PARTITION BY meter_id, commodity, line_type, service_start)
),
bill_parts AS (
    SELECT
        month_start,
        commodity,
        is_estimated,
        evidence_rank,
        follows_load,
        (
            quantity
            * sum((weight / lines_on_day)::DECIMAL(38, 9)) FILTER (WHERE day >= month_start AND day < month_end)
            / sum(weight)
        )::DECIMAL(38, 9) AS part
    FROM weighted_bill_days
    JOIN months ON service_start < month_end AND service_end > month_start
    GROUP BY
        month_start, commodity, is_estimated, evidence_rank, follows_load, quantity, meter_id, line_type, service_start
),
accounts AS (
    SELECT month_start, commodity, meter_id
    FROM bills
    JOIN months ON service_start < month_end + INTERVAL 100 DAY AND service_end > month_start - INTERVAL 100 DAY
    WHERE is_consumption
    GROUP BY month_start, month_end, commodity, meter_id
    HAVING min(service_start) < month_end AND max(service_end) > month_start
),
billed_days AS (
    SELECT
        month_start,
        commodity,
        count(DISTINCT (meter_id, day)) FILTER (WHERE day >= month_start AND day < month_end) AS account_days,
        count(DISTINCT meter_id) AS accounts
    FROM accounts
    JOIN months USING (month_start)
    LEFT JOIN bill_days USING (commodity, meter_id)
    WHERE is_consumption
    GROUP BY month_start, commodity
),
bill_sums AS (
    SELECT
        month_start,
        sum(part) FILTER (WHERE commodity = 'electricity') AS electricity_kwh,
        sum(part) FILTER (WHERE commodity = 'electricity' AND is_estimated) AS estimated_kwh,
        sum(part) FILTER (WHERE commodity = 'water') AS water_m3,
        sum(part) FILTER (WHERE commodity NOT IN ('electricity', 'water')) AS other_fuel_kwh,
        max(evidence_rank) FILTER (WHERE commodity = 'electricity') AS electricity_rank,
        max(evidence_rank) FILTER (WHERE commodity = 'water') AS water_rank,
        CASE
            WHEN bool_and(follows_load) FILTER (WHERE commodity = 'electricity') THEN 'load shape'
            WHEN bool_or(follows_load) FILTER (WHERE commodity = 'electricity') THEN 'partly load shape'
            WHEN electricity_kwh IS NOT NULL THEN 'even'
        END AS proration
    FROM bill_parts
    GROUP BY month_start
),
bill_months AS (
    SELECT
        bill_sums.*,
        (electricity.account_days / electricity.accounts)::DECIMAL(38, 9) AS electricity_days,
        (water.account_days / water.accounts)::DECIMAL(38, 9) AS water_days
    FROM bill_sums
    LEFT JOIN billed_days AS electricity
        ON electricity.month_start = bill_sums.month_start AND electricity.commodity = 'electricity'
    LEFT JOIN billed_days AS water ON water.month_start = bill_sums.month_start AND water.commodity = 'water'
),
meters AS (
    SELECT month_start, boundary, meter_id
    FROM readings
    JOIN months ON started_at_utc < end_utc + INTERVAL 100 DAY AND ended_at_utc > start_utc - INTERVAL 100 DAY
    GROUP BY month_start, start_utc, end_utc, boundary, meter_id
    HAVING min(started_at_utc) < end_utc AND max(ended_at_utc) > start_utc
),
meter_months AS (
    SELECT
        month_start,
        boundary,
        meter_id,
        sum(energy_kwh) AS energy_kwh,
        sum(energy_hours) AS energy_hours,
        sum(water_m3) AS water_m3,
        sum(water_hours) AS water_hours,
        max(evidence_rank) AS evidence_rank
    FROM rollups.meter_hour
    WHERE site_id = getvariable('site_id')
    GROUP BY month_start, boundary, meter_id
),
boundaries AS (
    SELECT
        month_start,
        boundary,
        sum(energy_kwh) AS energy_kwh,
        (coalesce(sum(energy_hours), 0) / count(*))::DECIMAL(38, 9) AS energy_hours,
        sum(water_m3) AS water_m3,
        (coalesce(sum(water_hours), 0) / count(*))::DECIMAL(38, 9) AS water_hours,
        max(evidence_rank) AS evidence_rank
    FROM meters
    LEFT JOIN meter_months USING (month_start, boundary, meter_id)
    GROUP BY month_start, boundary
),
water_meters AS (
    SELECT
        month_start,
        sum(water_m3) AS water_m3,
        max(water_hours) AS water_hours,
        max(evidence_rank) AS evidence_rank
    FROM (
        SELECT *, bool_or(boundary = 'water') OVER (PARTITION BY month_start) AS has_water_boundary
        FROM boundaries
        WHERE water_m3 IS NOT NULL
    )
    WHERE boundary = 'water' OR NOT has_water_boundary
    GROUP BY month_start
),
it_categories AS (
    SELECT
        *,
        CASE boundary WHEN 'ups_output' THEN 1 WHEN 'pdu_output' THEN 2 ELSE 3 END AS category,
        energy_hours >= 0.95 * max(energy_hours) OVER (PARTITION BY month_start) AS covers_enough
    FROM boundaries
    WHERE boundary IN ('ups_output', 'pdu_output', 'it_input') AND energy_kwh IS NOT NULL
),
it_energy AS (
    SELECT DISTINCT ON (month_start) month_start, boundary, category, energy_kwh, energy_hours, evidence_rank
    FROM it_categories
    WHERE covers_enough
    ORDER BY month_start, category
),
claims AS (
    SELECT
        month_start,
        instrument,
        (
            energy_kwh * date_diff('day', greatest(vintage_start, month_start), least(vintage_end, month_end))
            / date_diff('day', vintage_start, vintage_end)
        )::DECIMAL(38, 9) AS energy_kwh,
        evidence_rank
    FROM staged.energy_certificates
    JOIN reference.evidence_classes USING (evidence_class)
    JOIN months ON vintage_start < month_end AND vintage_end > month_start
    WHERE energy_certificates.site_id = getvariable('site_id') AND retired_on IS NOT NULL
),
claim_months AS (
    SELECT
        month_start,
        sum(energy_kwh) FILTER (WHERE instrument IN ('gec', 'irec', 'goo')) AS certificate_kwh,
        sum(energy_kwh) FILTER (WHERE instrument = 'ppa') AS ppa_kwh,
        sum(energy_kwh) FILTER (WHERE instrument = 'on_site') AS on_site_kwh,
        max(evidence_rank) FILTER (WHERE instrument <> 'on_site') AS claim_rank,
        max(evidence_rank) FILTER (WHERE instrument = 'on_site') AS on_site_rank
    FROM claims
    GROUP BY month_start
),
gathered AS (
    SELECT
        months.*,
        coalesce(bill.electricity_days, 0) AS bill_days,
        coalesce(utility.energy_hours, 0) AS meter_hours,
        (meter_hours * days / hours)::DECIMAL(38, 9) AS meter_days,
        CASE
            WHEN bill_days > 0 AND bill_days >= meter_days THEN 'bill'
            WHEN utility.energy_kwh IS NOT NULL THEN 'meter'
        END AS facility_source,
        CASE facility_source WHEN 'bill' THEN bill.electricity_kwh WHEN 'meter' THEN utility.energy_kwh END AS grid_kwh,
        coalesce(on_site.energy_kwh, claim.on_site_kwh) AS on_site_renewable_kwh,
        CASE WHEN on_site.energy_kwh IS NULL THEN claim.on_site_rank ELSE on_site.evidence_rank END AS on_site_rank,
        CASE WHEN generator.energy_kwh IS NOT NULL THEN generator.evidence_rank END AS generator_rank,
        generator.energy_kwh AS generator_kwh,
        bill.electricity_kwh AS bill_kwh,
        bill.estimated_kwh AS estimated_bill_kwh,
        bill.proration AS bill_proration,
        bill.electricity_rank AS bill_rank,
        bill.other_fuel_kwh,
        utility.energy_kwh AS meter_kwh,
        utility.evidence_rank AS meter_rank,
        it.energy_kwh AS it_kwh,
        it.boundary AS it_source,
        it.category AS pue_category,
        coalesce(it.energy_hours, 0) AS it_hours,
        it.evidence_rank AS it_rank,
        cooling.energy_kwh AS cooling_kwh,
        heat.energy_kwh AS heat_reuse_kwh,
        coalesce(heat.energy_hours, 0) AS heat_reuse_hours,
        heat.evidence_rank AS heat_rank,
        coalesce(water_meters.water_hours * days / hours, 0)::DECIMAL(38, 9) AS metered_water_days,
        coalesce(bill.water_days > 0 AND bill.water_days >= metered_water_days, false) AS water_is_billed,
        CASE WHEN water_is_billed THEN bill.water_m3 ELSE water_meters.water_m3 END AS water_m3,
        CASE WHEN water_is_billed THEN bill.water_days ELSE metered_water_days END AS water_days,
        CASE WHEN water_is_billed THEN bill.water_rank ELSE water_meters.evidence_rank END AS water_rank,
        claim.certificate_kwh,
        claim.ppa_kwh,
        claim.claim_rank,
        device_energy_kwh AS device_kwh,
        energy_device_hours AS device_hours_known,
        activity.evidence_rank AS device_rank
    FROM months
    LEFT JOIN bill_months AS bill USING (month_start)
    LEFT JOIN boundaries AS utility ON utility.month_start = months.month_start AND utility.boundary = 'utility'
    LEFT JOIN boundaries AS generator ON generator.month_start = months.month_start AND generator.boundary = 'generator'
    LEFT JOIN boundaries AS on_site
        ON on_site.month_start = months.month_start AND on_site.boundary = 'on_site_renewable'
    LEFT JOIN boundaries AS cooling ON cooling.month_start = months.month_start AND cooling.boundary = 'cooling'
    LEFT JOIN boundaries AS heat ON heat.month_start = months.month_start AND heat.boundary = 'heat_reuse'
    LEFT JOIN it_energy AS it ON it.month_start = months.month_start
    LEFT JOIN water_meters ON water_meters.month_start = months.month_start
    LEFT JOIN claim_months AS claim ON claim.month_start = months.month_start
    LEFT JOIN rollups.activity_month AS activity
        ON activity.site_id = months.site_id AND activity.month_start = months.month_start
),
ranked AS (
    SELECT
        *,
        CASE facility_source WHEN 'bill' THEN bill_rank WHEN 'meter' THEN meter_rank END AS grid_evidence_rank,
        CASE WHEN grid_kwh IS NOT NULL THEN greatest(grid_evidence_rank, on_site_rank, generator_rank) END
            AS facility_evidence_rank,
        greatest(
            facility_evidence_rank,
            bill_rank,
            meter_rank,
            it_rank,
            heat_rank,
            water_rank,
            claim_rank,
            on_site_rank,
            device_rank
        ) AS evidence_rank
    FROM gathered
)
SELECT
    site_id,
    month_start,
    (grid_kwh + coalesce(on_site_renewable_kwh, 0) + coalesce(generator_kwh, 0))::DECIMAL(38, 9) AS facility_kwh,
    facility_source,
    CASE facility_source WHEN 'bill' THEN bill_days WHEN 'meter' THEN meter_days ELSE 0 END AS facility_days,
    grid_kwh,
    generator_kwh,
    it_kwh,
    it_source,
    pue_category,
    it_hours,
    bill_kwh,
    bill_days,
    bill_proration,
    estimated_bill_kwh,
    meter_kwh,
    meter_hours,
    device_kwh,
    device_hours_known,
    cooling_kwh,
    heat_reuse_kwh,
    heat_reuse_hours,
    on_site_renewable_kwh,
    water_m3,
    water_days,
    other_fuel_kwh,
    certificate_kwh AS retired_certificate_kwh,
    ppa_kwh,
    grid_evidence_rank::INTEGER AS grid_evidence_rank,
    facility_evidence_rank::INTEGER AS facility_evidence_rank,
    it_rank::INTEGER AS it_evidence_rank,
    heat_rank::INTEGER AS heat_evidence_rank,
    water_rank::INTEGER AS water_evidence_rank,
    greatest(claim_rank, on_site_rank)::INTEGER AS claims_evidence_rank,
    evidence_rank::INTEGER AS evidence_rank
FROM ranked
WHERE evidence_rank IS NOT NULL
