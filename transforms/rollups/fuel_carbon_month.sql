-- One row per site and month with fuel or own generators: carbon of what was burnt on site (Scope 1).
-- Fuel: billed energy of each fuel x its factor (reference.fuel_factors), as rollups.bill_day puts it on days. Fuel is
-- taken as burnt when it is billed for; what a tank holds is not known. Electricity of own generators is not
-- carbon-free. generator_known_by says how its carbon is known: 'fuel' where the month's fuel holds enough energy to have
-- made it (parameter generator_highest_efficiency), its carbon then being in fuel_kgco2e; else 'declared' by the
-- parameter generator_kgco2e_per_kwh of the workspace, for the site (text_value) or for all, an estimate; else 'nothing':
-- unknown, and generator_unknown_kwh. Refrigerants that leak are in no dataset.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
fuel_use AS (
    SELECT month_start, commodity, sum(energy_kwh) AS fuel_kwh, max(evidence_rank) AS evidence_rank
    FROM rollups.bill_day
    WHERE site_id = getvariable('site_id') AND energy_kwh IS NOT NULL AND commodity IN ('natural_gas', 'diesel')
    GROUP BY month_start, commodity
),
fuels AS (
    SELECT
        month_start,
        sum(fuel_kwh) AS fuel_kwh,
        sum((fuel_kwh::DOUBLE * kgco2e_per_kwh)::DECIMAL(38, 9)) AS fuel_kgco2e,
        max(evidence_rank) AS evidence_rank,
        list_sort(list(reference_id)) AS reference_rows
    FROM fuel_use
    JOIN reference.fuel_factors
        ON fuel_factors.commodity = fuel_use.commodity AND month_start BETWEEN valid_from AND valid_to AND is_usable
    GROUP BY month_start
),
declared AS (
    SELECT DISTINCT ON (month_start) month_start, value AS kgco2e_per_kwh, reference_id
    FROM months
    JOIN reference.parameters ON month_start BETWEEN valid_from AND valid_to
    WHERE name = 'generator_kgco2e_per_kwh' AND is_usable AND coalesce(text_value = site_id, true)
    ORDER BY month_start, text_value IS NULL, reference_id
),
generated AS (
    SELECT month_start, generator_kwh, facility_evidence_rank
    FROM rollups.energy_month
    WHERE site_id = getvariable('site_id') AND generator_kwh > 0
),
limits AS (
    SELECT value AS highest_efficiency
    FROM reference.parameters
    WHERE name = 'generator_highest_efficiency' AND is_usable
),
estimates AS (
    SELECT evidence_rank AS estimated_rank FROM reference.evidence_classes WHERE evidence_class = 'estimated'
),
known AS (
    SELECT
        months.*,
        fuel_kwh,
        coalesce(fuel_kgco2e, 0) AS fuel_kgco2e,
        coalesce(generator_kwh, 0) AS generator_kwh,
        CASE
            WHEN generated.generator_kwh IS NULL THEN NULL
            WHEN generated.generator_kwh <= fuel_kwh * highest_efficiency THEN 'fuel'
            WHEN kgco2e_per_kwh IS NOT NULL THEN 'declared'
            ELSE 'nothing'
        END AS generator_known_by,
        CASE generator_known_by WHEN 'declared' THEN generated.generator_kwh::DOUBLE * kgco2e_per_kwh ELSE 0 END
            AS generator_kgco2e,
        greatest(
            fuels.evidence_rank,
            facility_evidence_rank,
            CASE generator_known_by WHEN 'declared' THEN estimated_rank END
        ) AS evidence_rank,
        list_concat(
            coalesce(fuels.reference_rows, []),
            CASE generator_known_by WHEN 'declared' THEN [declared.reference_id] ELSE [] END
        ) AS reference_rows
    FROM months
    CROSS JOIN estimates
    LEFT JOIN limits ON true
    LEFT JOIN fuels USING (month_start)
    LEFT JOIN generated USING (month_start)
    LEFT JOIN declared USING (month_start)
    WHERE fuel_kwh IS NOT NULL OR generated.generator_kwh IS NOT NULL
)
SELECT
    site_id,
    month_start,
    fuel_kwh,
    fuel_kgco2e,
    generator_kwh,
    generator_known_by,
    (CASE WHEN generator_known_by = 'nothing' THEN generator_kwh ELSE 0 END)::DECIMAL(38, 9) AS generator_unknown_kwh,
    (fuel_kgco2e + generator_kgco2e)::DECIMAL(38, 9) AS scope_1_kgco2e,
    evidence_rank::INTEGER AS evidence_rank,
    reference_rows
FROM known
