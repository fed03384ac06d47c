-- One row per site, month and pair of metered quantities: both over the time of the month for which both are known.
-- Where one side is known for less of the month than the other, both count for the shorter time: unknown energy is not
-- zero. numerator_part and denominator_part are what is left of each. Quantities: facility_kwh, it_kwh, heat_reuse_kwh
-- and water_l, of rollups.energy_month.
-- as a view: what the ratios of energy and water have in common, and nothing that energy_month does not say
-- grain: site_id, month_start, numerator_quantity, denominator_quantity
WITH energy AS (
    SELECT energy_month.*, hours, date_diff('day', month_start, month_end) AS days
    FROM rollups.energy_month
    JOIN reference.site_months USING (site_id, month_start)
),
quantities AS (
    SELECT
        site_id,
        month_start,
        hours,
        unnest([
            {
                quantity: 'facility_kwh',
                amount: facility_kwh,
                known_share: least(facility_days / days, 1),
                evidence_rank: facility_evidence_rank,
                gap: CASE
                    WHEN facility_is_contradicted THEN 'contradictory meters'
                    WHEN facility_kwh IS NULL OR facility_days = 0 THEN 'no bill'
                END
            },
            {
                quantity: 'it_kwh',
                amount: it_kwh,
                known_share: least(it_hours / hours, 1),
                evidence_rank: it_evidence_rank,
                gap: CASE WHEN it_kwh IS NULL OR it_hours = 0 THEN 'no meter readings' END
            },
            {
                quantity: 'heat_reuse_kwh',
                amount: heat_reuse_kwh,
                known_share: least(heat_reuse_hours / hours, 1),
                evidence_rank: heat_evidence_rank,
                gap: CASE WHEN heat_reuse_kwh IS NULL OR heat_reuse_hours = 0 THEN 'no meter readings' END
            },
            {
                quantity: 'water_l',
                amount: water_m3 * 1000,
                known_share: least(water_days / days, 1),
                evidence_rank: water_evidence_rank,
                gap: CASE WHEN water_m3 IS NULL OR water_days = 0 THEN 'no bill' END
            }
        ], recursive := true)
    FROM energy
),
pairs AS (
    SELECT
        site_id,
        month_start,
        hours,
        above.quantity AS numerator_quantity,
        below.quantity AS denominator_quantity,
        above.amount AS numerator,
        below.amount AS denominator,
        least(above.known_share, below.known_share) AS common_share,
        common_share / above.known_share AS numerator_part,
        common_share / below.known_share AS denominator_part,
        above.evidence_rank AS numerator_evidence_rank,
        below.evidence_rank AS denominator_evidence_rank,
        coalesce(above.gap, below.gap) AS gap
    FROM quantities AS above
    JOIN quantities AS below USING (site_id, month_start, hours)
    WHERE numerator_quantity != denominator_quantity
)
SELECT
    site_id,
    month_start,
    numerator_quantity,
    denominator_quantity,
    (CASE WHEN gap IS NULL THEN numerator * numerator_part END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN denominator * denominator_part END)::DECIMAL(38, 9) AS denominator,
    numerator_part,
    (CASE WHEN gap IS NULL THEN hours * common_share ELSE 0 END)::DECIMAL(38, 9) AS known_hours,
    hours,
    numerator_evidence_rank,
    denominator_evidence_rank,
    gap
FROM pairs
