-- One row per site and month: carbon of electricity and fuel by place and by market, and embodied carbon written off.
-- By place: grid electricity x the factor of its place and year (rollups.grid_factor_month), and what was burnt on site
-- (rollups.fuel_carbon_month). By market: grid electricity that no certificate or contract claims x the factor of what is
-- left of the grid, and what was burnt; where no such factor is published the grid's average stands in, as an estimate,
-- and market_basis says so. Claims are matched over the time that the methodology says (certificate_matching). By month
-- they are capped at what the month used (rollups.energy_month.claimed_kwh). By year they are not, so that a month may
-- fall below zero: the sum over the period counts. By hour none is matched, because certificates state days. Own
-- renewables carry no carbon; own generators do: where theirs is unknown, energy_with_factor_kwh is less than energy_kwh
-- and the gap is 'no factor'. Factors of CO2 alone are not converted to CO2e: grid_gases says which it was. Embodied:
-- quantity x carbon / service life x hours in service, until the life is over and all is written off. What making an
-- asset took, and who says so, is in rollups.embodied_carbon_month. Bought heat and cooling have no factor here.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
place_factors AS (
    SELECT * FROM rollups.grid_factor_month WHERE basis = 'location' AND reference_id IS NOT NULL
),
residual_factors AS (
    SELECT * FROM rollups.grid_factor_month WHERE basis = 'market' AND reference_id IS NOT NULL
),
market_factors AS (
    -- Where no factor is published of what is left of the grid, its average stands in: an estimate, and named as such.
    SELECT
        month_start,
        coalesce(residual.kg_per_kwh, place.kg_per_kwh) AS kg_per_kwh,
        coalesce(residual.reference_id, place.reference_id) AS reference_id,
        CASE WHEN residual.reference_id IS NULL THEN 'location average' ELSE residual.factor_kind END AS market_basis,
        CASE
            WHEN residual.reference_id IS NOT NULL THEN residual.evidence_rank
            ELSE (SELECT evidence_rank FROM reference.evidence_classes WHERE evidence_class = 'estimated')
        END AS evidence_rank
    FROM place_factors AS place
    FULL JOIN residual_factors AS residual USING (month_start)
),
energy AS (
    SELECT
        month_start,
        grid_kwh,
        -- What is made and burnt on site counts in the share of the month for which the grid's electricity is known.
        least(facility_days / days, 1) AS facility_share,
        grid_kwh + coalesce(energy_month.generator_kwh, 0) * facility_share AS energy_kwh,
        energy_kwh - coalesce(generator_unknown_kwh, 0) * facility_share AS known_kwh,
        (coalesce(burnt.scope_1_kgco2e, 0) * facility_share)::DECIMAL(38, 9) AS scope_1_kgco2e,
        CASE getvariable('certificate_matching')
            WHEN 'annual'
            THEN (coalesce(retired_certificate_kwh, 0) + coalesce(ppa_kwh, 0)) * facility_share
            WHEN 'monthly' THEN claimed_kwh
            ELSE 0
        END AS claims_kwh,
        greatest(grid_evidence_rank, burnt.evidence_rank) AS energy_rank,
        CASE WHEN coalesce(retired_certificate_kwh, ppa_kwh) IS NOT NULL THEN claims_evidence_rank END AS claims_rank,
        coalesce(burnt.reference_rows, []) AS burnt_reference_rows
    FROM rollups.energy_month
    JOIN months USING (site_id, month_start)
    LEFT JOIN rollups.fuel_carbon_month AS burnt USING (site_id, month_start)
    WHERE grid_kwh IS NOT NULL
),
operation AS (
    SELECT
        month_start,
        energy_kwh,
        CASE WHEN place.kg_per_kwh IS NOT NULL THEN known_kwh END AS energy_with_factor_kwh,
        scope_1_kgco2e,
        place.kg_per_kwh AS factor_kgco2_per_kwh,
        place.factor_year,
        place.factor_age_years,
        split_part(ltrim(place.unit, 'kg'), '/', 1) AS grid_gases,
        market_basis,
        grid_kwh::DOUBLE * place.kg_per_kwh + scope_1_kgco2e AS location_kgco2e,
        (grid_kwh - claims_kwh)::DOUBLE * market.kg_per_kwh + scope_1_kgco2e AS market_kgco2e,
        greatest(energy_rank, place.evidence_rank) AS location_evidence_rank,
        greatest(energy_rank, claims_rank, market.evidence_rank) AS market_evidence_rank,
        list_concat(burnt_reference_rows, list_filter([place.reference_id], id -> id IS NOT NULL)) AS reference_rows,
        list_concat(burnt_reference_rows, list_filter([market.reference_id], id -> id IS NOT NULL))
            AS market_reference_rows
    FROM energy
    LEFT JOIN place_factors AS place USING (month_start)
    LEFT JOIN market_factors AS market USING (month_start)
),
service_lives AS (
    SELECT reference_id, text_value AS asset_class, value AS life_h, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'service_life_h' AND is_usable AND value > 0
),
assets AS (
    SELECT * EXCLUDE (site_id)
    FROM staged.hardware_assets
    WHERE site_id = getvariable('site_id')
),
service AS (
    SELECT
        month_start,
        quantity,
        carbon.item_kgco2e,
        coalesce(service_life_years * 8760, life_h) AS item_life_h,
        item_kgco2e IS NOT NULL AND item_life_h IS NOT NULL AS is_known,
        least(coalesce(in_service_to, month_end), month_end) AS until,
        hours / days AS hours_per_day,
        quantity * hours_per_day * date_diff('day', greatest(in_service_from, month_start), until) AS item_hours,
        quantity * greatest(
            least(
                hours_per_day * date_diff('day', greatest(in_service_from, month_start), until),
                item_life_h - 24 * date_diff('day', in_service_from, greatest(in_service_from, month_start))
            ),
            0
        ) AS written_off_hours,
        carbon.reference_id AS carbon_reference,
        CASE WHEN service_life_years IS NULL THEN service_lives.reference_id END AS life_reference,
        carbon.evidence_rank
    FROM assets
    JOIN months ON in_service_from < month_end AND coalesce(in_service_to > month_start, true)
    JOIN rollups.embodied_carbon_month AS carbon USING (month_start, asset_id)
    LEFT JOIN service_lives
        ON service_lives.asset_class = assets.asset_class AND month_start BETWEEN valid_from AND valid_to
),
embodied AS (
    SELECT
        month_start,
        sum((item_kgco2e / item_life_h * written_off_hours)::DECIMAL(38, 9)) AS embodied_kgco2e,
        coalesce(sum(item_hours::DECIMAL(38, 9)) FILTER (WHERE is_known), 0) AS embodied_known_quantity_h,
        sum(item_hours::DECIMAL(38, 9)) AS embodied_quantity_h,
        max(evidence_rank) FILTER (WHERE is_known) AS embodied_evidence_rank,
        list_sort(
            list_distinct(
                flatten(list([carbon_reference, life_reference]) FILTER (WHERE is_known))
            )
        ) AS embodied_reference_rows
    FROM service
    GROUP BY month_start
)
SELECT
    site_id,
    month_start,
    location_kgco2e::DECIMAL(38, 9) AS location_kgco2e,
    market_kgco2e::DECIMAL(38, 9) AS market_kgco2e,
    embodied_kgco2e,
    scope_1_kgco2e,
    factor_kgco2_per_kwh,
    factor_year,
    factor_age_years,
    grid_gases,
    market_basis,
    energy_with_factor_kwh,
    energy_kwh,
    embodied_known_quantity_h,
    embodied_quantity_h,
    CASE
        WHEN energy_kwh IS NULL THEN 'no bill'
        WHEN coalesce(energy_with_factor_kwh < energy_kwh, true) THEN 'no factor'
    END AS gap,
    location_evidence_rank::INTEGER AS evidence_rank,
    coalesce(reference_rows, []) AS reference_rows,
    market_evidence_rank::INTEGER AS market_evidence_rank,
    coalesce(market_reference_rows, []) AS market_reference_rows,
    embodied_evidence_rank::INTEGER AS embodied_evidence_rank,
    coalesce(embodied_reference_rows, []) AS embodied_reference_rows
FROM months
LEFT JOIN operation USING (month_start)
LEFT JOIN embodied USING (month_start)
WHERE energy_kwh IS NOT NULL OR embodied_quantity_h IS NOT NULL
