-- One row per site and month: electricity from the grid to the device, heat, water, fuel and claims of green power.
-- Grid electricity is the bill (rollups.bill_day), unless meters cover more of the month. Consumption and adjustments
-- add up; an adjustment alone is no bill. The facility uses what comes from the grid, from its generators and from its
-- own renewables; what it makes itself is in no bill. Where grid electricity is unknown so is the total. IT energy is
-- taken as near to the grid as it is measured: UPS output (category 1), else PDU output (2), else IT input (3); a
-- category that covers less than 95 % of what the best covers gives way. A meter that is read, or an account that is
-- billed, within 100 days before a month and after it ought to be there in it too, so days and hours are means over the
-- meters that ought to be there. Water is that of the water boundary; meters of cooling and the like are behind it and
-- count only where there is none. Certificates and contracts (rollups.claim_month) claim grid electricity, all of it at
-- most, in the share of the month in which it is known: claimed_kwh.
-- reaches: 100 days before and after the scope
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, start_utc, end_utc, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
readings AS (
    SELECT meter_id, boundary, started_at_utc, ended_at_utc, energy_kwh
    FROM staged.facility_readings
    WHERE site_id = getvariable('site_id')
        AND NOT is_suspect
        AND started_at_utc < getvariable('end_utc') + INTERVAL 100 DAY
        AND ended_at_utc > getvariable('start_utc') - INTERVAL 100 DAY
),
accounts AS (
    SELECT month_start, commodity, meter_id
    FROM staged.utility_bills
    JOIN months ON service_start < month_end + INTERVAL 100 DAY AND service_end > month_start - INTERVAL 100 DAY
    WHERE utility_bills.site_id = getvariable('site_id')
        AND line_type = 'consumption'
        AND CASE commodity WHEN 'water' THEN water_m3 ELSE energy_kwh END IS NOT NULL
    GROUP BY month_start, month_end, commodity, meter_id
    HAVING min(service_start) < month_end AND max(service_end) > month_start
),
billed_days AS (
    SELECT
        month_start,
        commodity,
        (
            count(DISTINCT (meter_id, day)) FILTER (line_type = 'consumption') / count(DISTINCT meter_id)
        )::DECIMAL(38, 9) AS days
    FROM accounts
    LEFT JOIN rollups.bill_day USING (month_start, commodity, meter_id)
    GROUP BY month_start, commodity
),
bill_sums AS (
    SELECT
        month_start,
        sum(energy_kwh) FILTER (commodity = 'electricity') AS electricity_kwh,
        sum(energy_kwh) FILTER (commodity = 'electricity' AND is_estimated) AS estimated_kwh,
        sum(water_m3) AS water_m3,
        sum(energy_kwh) FILTER (commodity <> 'electricity') AS other_fuel_kwh,
        max(evidence_rank) FILTER (commodity = 'electricity') AS electricity_rank,
        max(evidence_rank) FILTER (commodity = 'water') AS water_rank,
        CASE
            WHEN bool_and(proration = 'load shape') FILTER (commodity = 'electricity') THEN 'load shape'
            WHEN bool_or(proration = 'load shape') FILTER (commodity = 'electricity') THEN 'partly load shape'
            WHEN electricity_kwh IS NOT NULL THEN 'even'
        END AS proration
    FROM rollups.bill_day
    WHERE site_id = getvariable('site_id')
    GROUP BY month_start
),
bill_months AS (
    SELECT bill_sums.*, electricity.days AS electricity_days, water.days AS water_days
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
        sum(counted_kwh) FILTER (instrument IN ('gec', 'irec', 'goo')) AS certificate_kwh,
        sum(counted_kwh) FILTER (instrument = 'ppa') AS ppa_kwh,
        sum(counted_kwh) FILTER (instrument = 'on_site') AS on_site_kwh,
        max(evidence_rank) FILTER (instrument <> 'on_site') AS claim_rank,
        max(evidence_rank) FILTER (instrument = 'on_site') AS on_site_rank
    FROM rollups.claim_month
    WHERE site_id = getvariable('site_id') AND status = 'counted'
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
        CASE facility_source WHEN 'bill' THEN bill_days WHEN 'meter' THEN meter_days ELSE 0 END AS facility_days,
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
    LEFT JOIN claims AS claim ON claim.month_start = months.month_start
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
    facility_days,
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
    (
        CASE
            WHEN grid_kwh IS NOT NULL
            THEN least((coalesce(certificate_kwh, 0) + coalesce(ppa_kwh, 0)) * least(facility_days / days, 1), grid_kwh)
        END
    )::DECIMAL(38, 9) AS claimed_kwh,
    bill_rank::INTEGER AS bill_evidence_rank,
    meter_rank::INTEGER AS meter_evidence_rank,
    grid_evidence_rank::INTEGER AS grid_evidence_rank,
    facility_evidence_rank::INTEGER AS facility_evidence_rank,
    it_rank::INTEGER AS it_evidence_rank,
    heat_rank::INTEGER AS heat_evidence_rank,
    water_rank::INTEGER AS water_evidence_rank,
    greatest(claim_rank, on_site_rank)::INTEGER AS claims_evidence_rank,
    evidence_rank::INTEGER AS evidence_rank
FROM ranked
WHERE evidence_rank IS NOT NULL
