-- One row per site and month: electricity from the grid to the device, heat, water, fuel and claims of green power.
-- Grid electricity is the bill (rollups.bill_day), unless meters cover more of the month. Consumption and adjustments
-- add up; an adjustment alone is no bill. The facility uses what comes from the grid, from its generators and from its
-- own renewables, less what it gives back to the grid (boundary export); what it makes itself is in no bill, and counts
-- in the share of the month in which grid electricity is known. Where grid electricity is unknown so is the total. IT
-- energy is taken as near to the grid as it is measured: UPS output (category 1), else PDU output (2), else IT input
-- (3); a category that covers less than 95 % of what the best covers gives way. What is nearer to the grid and less than
-- what is behind it, by more than reconciliation_tolerance, is not believed: a category gives way to the next, bill and
-- utility meter to each other, and where neither is left electricity is unknown (facility_is_contradicted).
-- Days and hours known are weighed by energy: known over known and filled (rollups.account_month, rollups.meter_month),
-- each account and meter filled at its own rate, so that a large one that is missing weighs as what it would have used.
-- Generators that are not metered are taken not to have run. Of what is given back, the site's own renewables are first.
-- Water is that of the water boundary; meters of cooling and the like are behind it and count only where there is none.
-- Certificates and contracts (rollups.claim_month) claim grid electricity, all of it at most, in the share of the month
-- in which it is known: claimed_kwh.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, start_utc, end_utc, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
tolerances AS (
    SELECT value AS tolerance, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'reconciliation_tolerance' AND is_usable
),
billed_days AS (
    SELECT
        month_start,
        commodity,
        date_diff('day', min(from_day), max(until_day)) AS span_days,
        (
            span_days * CASE
                WHEN sum(filled_quantity) > 0 THEN sum(known_quantity) / sum(filled_quantity)
                ELSE sum(known_days) / sum(expected_days)
            END
        )::DECIMAL(38, 9) AS days
    FROM rollups.account_month
    WHERE site_id = getvariable('site_id')
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
boundaries AS (
    SELECT
        month_start,
        boundary,
        epoch(max(until_utc) - min(from_utc)) / 3600 AS span_hours,
        sum(energy_kwh) FILTER (contradicted_by_kwh IS NULL) AS known_kwh,
        (
            span_hours * coalesce(
                CASE
                    WHEN sum(filled_kwh) > 0 THEN known_kwh / sum(filled_kwh)
                    ELSE sum(energy_hours) / sum(greatest(expected_hours, energy_hours))
                END,
                0
            )
        )::DECIMAL(38, 9) AS known_hours,
        known_kwh * (span_hours / nullif(known_hours, 0)) AS whole_kwh,
        sum(water_m3) AS known_m3,
        (span_hours * coalesce(known_m3 / nullif(sum(filled_m3), 0), 0))::DECIMAL(38, 9) AS known_water_hours,
        max(evidence_rank) AS evidence_rank
    FROM rollups.meter_month
    WHERE site_id = getvariable('site_id') AND is_added_up
    GROUP BY month_start, boundary
),
water_meters AS (
    SELECT
        month_start,
        sum(known_m3) AS water_m3,
        max(known_water_hours) AS water_hours,
        max(evidence_rank) AS evidence_rank
    FROM (
        SELECT *, bool_or(boundary = 'water') OVER (PARTITION BY month_start) AS has_water_boundary
        FROM boundaries
        WHERE known_m3 IS NOT NULL
    )
    WHERE boundary = 'water' OR NOT has_water_boundary
    GROUP BY month_start
),
it_categories AS (
    SELECT
        *,
        CASE boundary WHEN 'ups_output' THEN 1 WHEN 'pdu_output' THEN 2 ELSE 3 END AS category,
        coalesce(
            whole_kwh < (1 - tolerance) * max(known_kwh) OVER (
                PARTITION BY month_start ORDER BY category ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ),
            false
        ) AS is_contradicted
    FROM boundaries
    JOIN tolerances ON month_start BETWEEN valid_from AND valid_to
    WHERE boundary IN ('ups_output', 'pdu_output', 'it_input') AND known_kwh IS NOT NULL
),
it_energy AS (
    SELECT DISTINCT ON (month_start) *
    FROM (
        SELECT *, known_hours >= 0.95 * max(known_hours) OVER (PARTITION BY month_start) AS covers_enough
        FROM it_categories
        WHERE NOT is_contradicted
    )
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
        coalesce(utility.known_hours, 0) AS meter_hours,
        (meter_hours * days / hours)::DECIMAL(38, 9) AS meter_days,
        bill.electricity_kwh AS bill_kwh,
        bill.estimated_kwh AS estimated_bill_kwh,
        bill.proration AS bill_proration,
        bill.electricity_rank AS bill_rank,
        bill.other_fuel_kwh,
        utility.known_kwh AS meter_kwh,
        utility.evidence_rank AS meter_rank,
        coalesce(on_site.known_kwh, claim.on_site_kwh) AS on_site_renewable_kwh,
        coalesce(on_site.whole_kwh, claim.on_site_kwh, 0) AS made_on_site_kwh,
        CASE WHEN on_site.known_kwh IS NULL THEN claim.on_site_rank ELSE on_site.evidence_rank END AS on_site_rank,
        generator.known_kwh AS generator_kwh,
        CASE WHEN generator.known_kwh IS NOT NULL THEN generator.evidence_rank END AS generator_rank,
        exported.known_kwh AS export_kwh,
        coalesce(exported.whole_kwh, 0) AS given_away_kwh,
        CASE WHEN exported.known_kwh IS NOT NULL THEN exported.evidence_rank END AS export_rank,
        it.known_kwh AS it_kwh,
        it.boundary AS it_source,
        it.category AS pue_category,
        coalesce(it.known_hours, 0) AS it_hours,
        it.evidence_rank AS it_rank,
        cooling.known_kwh AS cooling_kwh,
        heat.known_kwh AS heat_reuse_kwh,
        coalesce(heat.known_hours, 0) AS heat_reuse_hours,
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
    LEFT JOIN boundaries AS exported ON exported.month_start = months.month_start AND exported.boundary = 'export'
    LEFT JOIN boundaries AS cooling ON cooling.month_start = months.month_start AND cooling.boundary = 'cooling'
    LEFT JOIN boundaries AS heat ON heat.month_start = months.month_start AND heat.boundary = 'heat_reuse'
    LEFT JOIN it_energy AS it ON it.month_start = months.month_start
    LEFT JOIN water_meters ON water_meters.month_start = months.month_start
    LEFT JOIN claims AS claim ON claim.month_start = months.month_start
    LEFT JOIN rollups.activity_month AS activity
        ON activity.site_id = months.site_id AND activity.month_start = months.month_start
),
chosen AS (
    SELECT
        *,
        made_on_site_kwh + coalesce(generator_kwh, 0) - given_away_kwh AS own_kwh,
        greatest((1 - tolerance) * coalesce(it_kwh, 0), 0) AS least_kwh,
        bill_days > 0 AND bill_kwh / least(bill_days / days, 1) + own_kwh >= least_kwh AS bill_is_believed,
        meter_days > 0 AND meter_kwh / least(meter_days / days, 1) + own_kwh >= least_kwh AS meter_is_believed,
        CASE
            WHEN bill_is_believed AND (bill_days >= meter_days OR meter_is_believed IS NOT true) THEN 'bill'
            WHEN meter_is_believed THEN 'meter'
        END AS facility_source,
        CASE facility_source WHEN 'bill' THEN bill_kwh WHEN 'meter' THEN meter_kwh END AS grid_kwh,
        CASE facility_source WHEN 'bill' THEN bill_days WHEN 'meter' THEN meter_days ELSE 0 END AS facility_days,
        facility_source IS NULL AND (bill_days > 0 OR meter_days > 0) AS facility_is_contradicted
    FROM gathered
    JOIN tolerances ON month_start BETWEEN valid_from AND valid_to
),
ranked AS (
    SELECT
        *,
        CASE facility_source WHEN 'bill' THEN bill_rank WHEN 'meter' THEN meter_rank END AS grid_evidence_rank,
        CASE WHEN grid_kwh IS NOT NULL THEN greatest(grid_evidence_rank, on_site_rank, generator_rank, export_rank) END
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
            export_rank,
            device_rank
        ) AS evidence_rank
    FROM chosen
)
SELECT
    site_id,
    month_start,
    (grid_kwh + own_kwh * least(facility_days / days, 1))::DECIMAL(38, 9) AS facility_kwh,
    facility_source,
    facility_is_contradicted,
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
    export_kwh,
    (
        CASE
            WHEN on_site_renewable_kwh IS NOT NULL
            THEN greatest(made_on_site_kwh - given_away_kwh, 0) * least(facility_days / days, 1)
        END
    )::DECIMAL(38, 9) AS on_site_used_kwh,
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
