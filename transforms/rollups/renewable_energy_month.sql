-- One row per site and month with electricity: green power claimed or made on site, matched by year and by month.
-- A claim falls on the days of its vintage and counts as rollups.claim_month says; of a month that is known in part, in
-- that part. Certificates and contracts claim electricity from the grid, not that of own generators. By year they may
-- exceed what a month took from it: the twelve months are summed before they are capped at claimable_kwh. By month they
-- may not (rollups.energy_month.claimed_kwh). What own renewables make and the site gives back to the grid is not used. A
-- month without claims counts as none once the site has registered any in the twelve months before, or made any itself;
-- until then they are unknown.
-- as a view: what the renewable energy factors have in common
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, hours, date_diff('day', month_start, month_end) AS days FROM reference.site_months
),
registers AS (
    SELECT months.site_id, month_start, max(evidence_rank) AS evidence_rank
    FROM months
    JOIN staged.energy_certificates
        ON energy_certificates.site_id = months.site_id
        AND vintage_start < month_start + INTERVAL 1 MONTH
        AND vintage_end > month_start - INTERVAL 12 MONTH
    JOIN reference.evidence_classes USING (evidence_class)
    GROUP BY months.site_id, month_start
)
SELECT
    site_id,
    month_start,
    hours,
    facility_kwh,
    least(facility_days / days, 1) AS facility_share,
    coalesce(on_site_used_kwh, 0) AS on_site_kwh,
    (coalesce(retired_certificate_kwh, 0) + coalesce(ppa_kwh, 0)) * facility_share + on_site_kwh AS matched_by_year_kwh,
    least(claimed_kwh + on_site_kwh, facility_kwh) AS matched_by_month_kwh,
    least(grid_kwh + on_site_kwh, facility_kwh) AS claimable_kwh,
    greatest(facility_evidence_rank, claims_evidence_rank, registers.evidence_rank) AS evidence_rank,
    CASE
        WHEN facility_is_contradicted THEN 'contradictory meters'
        WHEN facility_kwh IS NULL OR facility_days = 0 THEN 'no bill'
        WHEN registers.month_start IS NULL AND on_site_renewable_kwh IS NULL THEN 'no certificates'
    END AS gap
FROM months
JOIN rollups.energy_month USING (site_id, month_start)
LEFT JOIN registers USING (site_id, month_start)
