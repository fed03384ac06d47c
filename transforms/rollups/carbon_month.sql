-- One row per site and month: carbon of grid electricity by place and by market, and the embodied carbon written off.
-- By place: grid electricity x average factor of the province in that year. The nation's factor stands in only where
-- the table has no row at all for the province and year; reference_rows shows it. Without a usable factor: gap 'no
-- factor'. By market: grid electricity that no certificate or contract claims (rollups.energy_month.claimed_kwh), x the
-- nation's average without traded non-fossil power where it is usable, else the factor by place. Embodied: quantity x
-- carbon / service life x hours in service, until the life is over and all is written off. What making an asset took,
-- and who says so, is in rollups.embodied_carbon_month. Electricity only: fuel burnt on site has no factor here.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
places AS (
    SELECT months.month_start, region_code, country FROM months JOIN reference.sites USING (site_id)
),
factors AS (
    SELECT month_start, grid_emission_factors.region_code, factor_kind, value, reference_id, is_usable
    FROM months
    JOIN reference.grid_emission_factors ON month_start BETWEEN valid_from AND valid_to AND year(month_start) = "year"
    WHERE factor_kind IN ('average', 'average_excl_traded_nonfossil') AND region_code IS NOT NULL
),
place_factors AS (
    SELECT places.month_start, factors.value, factors.reference_id, factors.is_usable
    FROM places
    LEFT JOIN factors AS province
        ON province.month_start = places.month_start
        AND province.region_code = places.region_code
        AND province.factor_kind = 'average'
    JOIN factors
        ON factors.month_start = places.month_start
        AND factors.factor_kind = 'average'
        AND factors.region_code
            = CASE WHEN province.reference_id IS NULL THEN places.country ELSE places.region_code END
),
residual_factors AS (
    SELECT places.month_start, value, reference_id
    FROM places
    JOIN factors
        ON factors.month_start = places.month_start
        AND factors.region_code = places.country
        AND factor_kind = 'average_excl_traded_nonfossil'
    WHERE is_usable
),
energy AS (
    SELECT
        month_start,
        grid_kwh,
        grid_kwh - claimed_kwh AS unclaimed_kwh,
        grid_evidence_rank,
        greatest(
            grid_evidence_rank,
            CASE WHEN coalesce(retired_certificate_kwh, ppa_kwh) IS NOT NULL THEN claims_evidence_rank END
        ) AS market_evidence_rank
    FROM rollups.energy_month
    WHERE site_id = getvariable('site_id') AND grid_kwh IS NOT NULL
),
operation AS (
    SELECT
        month_start,
        grid_kwh,
        place.value AS factor_kgco2_per_kwh,
        CASE WHEN place.value IS NOT NULL THEN grid_kwh END AS energy_with_factor_kwh,
        grid_kwh::DOUBLE * place.value AS location_kgco2e,
        unclaimed_kwh::DOUBLE * coalesce(residual.value, place.value) AS market_kgco2e,
        grid_evidence_rank,
        market_evidence_rank,
        CASE WHEN place.value IS NOT NULL THEN [place.reference_id] ELSE [] END AS reference_rows,
        CASE
            WHEN residual.value IS NOT NULL THEN [residual.reference_id]
            ELSE reference_rows
        END AS market_reference_rows
    FROM energy
    LEFT JOIN (SELECT * FROM place_factors WHERE is_usable) AS place USING (month_start)
    LEFT JOIN residual_factors AS residual USING (month_start)
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
    factor_kgco2_per_kwh,
    energy_with_factor_kwh,
    grid_kwh AS energy_kwh,
    embodied_known_quantity_h,
    embodied_quantity_h,
    CASE
        WHEN grid_kwh IS NULL THEN 'no bill'
        WHEN factor_kgco2_per_kwh IS NULL THEN 'no factor'
    END AS gap,
    grid_evidence_rank::INTEGER AS evidence_rank,
    coalesce(reference_rows, []) AS reference_rows,
    market_evidence_rank::INTEGER AS market_evidence_rank,
    coalesce(market_reference_rows, []) AS market_reference_rows,
    embodied_evidence_rank::INTEGER AS embodied_evidence_rank,
    coalesce(embodied_reference_rows, []) AS embodied_reference_rows
FROM months
LEFT JOIN operation USING (month_start)
LEFT JOIN embodied USING (month_start)
WHERE grid_kwh IS NOT NULL OR embodied_quantity_h IS NOT NULL
