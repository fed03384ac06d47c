-- One row per site, month and basis of carbon (location, market): the grid factor that counts, or the nearest there is.
-- By location it is the average factor of the site's province, and of the country only where the table has nothing of
-- the province within reach: a disputed factor is neither used nor replaced by the nation's. By market it is the factor
-- of what is left when claimed power is taken out (average_excl_traded_nonfossil, residual), which rollups.carbon_month
-- replaces by the one of the location where there is none. A factor counts in the days for which it is valid; where none
-- is valid, the latest before it, at most as many years old as the methodology allows (grid_factor_at_most_years_old),
-- and the figure is then of the evidence it says. factor_age_years is 0 for a factor of the month's own year. Where
-- nothing is within reach, reference_id is empty and nearest_reference_id names the usable factor nearest in time.
-- grain: site_id, month_start, basis
WITH months AS (
    SELECT site_id, month_start
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
wanted AS (
    SELECT
        site_id,
        month_start,
        coalesce(region_code, country) AS region_code,
        basis,
        kinds
    FROM months
    JOIN reference.sites USING (site_id)
    CROSS JOIN (
        VALUES ('location', ['average']), ('market', ['average_excl_traded_nonfossil', 'residual'])
    ) AS bases (basis, kinds)
),
places AS (
    SELECT site_id, unnest([{place: region_code, nearness: 1}, {place: country, nearness: 2}], recursive := true)
    FROM reference.sites
    WHERE site_id = getvariable('site_id')
),
factors AS (
    SELECT
        month_start,
        basis,
        nearness,
        factor.* EXCLUDE (region_code),
        CASE
            WHEN month_start BETWEEN valid_from AND valid_to THEN 0
            WHEN valid_to < month_start THEN ceil(date_diff('month', valid_to, month_start) / 12)
        END::INTEGER AS age_years,
        coalesce(age_years <= getvariable('grid_factor_at_most_years_old'), false) AS is_within_reach
    FROM wanted
    JOIN places USING (site_id)
    JOIN reference.grid_emission_factors AS factor
        ON factor.region_code = place AND list_contains(kinds, factor_kind) AND valid_from IS NOT NULL
),
chosen AS (
    SELECT DISTINCT ON (month_start, basis) *
    FROM (
        SELECT *, min(nearness) FILTER (is_within_reach) OVER (PARTITION BY month_start, basis) AS first_place
        FROM factors
    )
    WHERE is_within_reach AND is_usable AND nearness = first_place
    ORDER BY month_start, basis, age_years, reference_id
),
nearest AS (
    SELECT DISTINCT ON (month_start, basis) month_start, basis, reference_id
    FROM factors
    WHERE is_usable
    ORDER BY month_start, basis, nearness, abs(date_diff('day', valid_from, month_start)), reference_id
)
SELECT
    wanted.site_id,
    wanted.month_start,
    wanted.basis,
    wanted.region_code,
    chosen.reference_id,
    chosen.factor_kind,
    chosen.value AS kg_per_kwh,
    chosen.unit,
    chosen."year"::INTEGER AS factor_year,
    chosen.age_years AS factor_age_years,
    CASE
        WHEN chosen.age_years > 0
        THEN (
            SELECT evidence_rank
            FROM reference.evidence_classes
            WHERE evidence_class = getvariable('grid_factor_evidence')
        )
    END::INTEGER AS evidence_rank,
    CASE WHEN chosen.reference_id IS NULL THEN nearest.reference_id END AS nearest_reference_id
FROM wanted
LEFT JOIN chosen USING (month_start, basis)
LEFT JOIN nearest USING (month_start, basis)
