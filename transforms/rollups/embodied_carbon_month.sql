-- One row per site, month and asset in service: the carbon of making one item, and who says so.
-- The asset's own figure counts first. Then a product footprint of exactly its SKU, per piece and valid on the first of
-- the month: the one that became valid last, unless two of that day differ. It describes the product as it is sold, so
-- an asset that others are built into takes none: what the footprint contains of them is not known. Nor does a footprint
-- count whose life-cycle shares do not add up. Last comes the reference default of exactly the SKU, which is estimated
-- evidence. An asset without any of these is unknown.
-- grain: site_id, month_start, asset_id
WITH months AS (
    SELECT site_id, month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
assets AS (
    SELECT
        site_id,
        month_start,
        hardware_assets.* EXCLUDE (site_id),
        evidence_rank,
        asset_id IN (
            SELECT parent_asset_id
            FROM staged.hardware_assets
            WHERE site_id = getvariable('site_id') AND parent_asset_id IS NOT NULL
        ) AS holds_others
    FROM staged.hardware_assets
    JOIN months USING (site_id)
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE in_service_from < month_end AND coalesce(in_service_to > month_start, true)
),
valid_footprints AS (
    SELECT months.month_start, product_footprints.*, evidence_rank AS footprint_rank
    FROM months
    JOIN staged.product_footprints USING (site_id)
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE valid_from <= month_start AND coalesce(valid_to > month_start, true)
        AND declared_unit = 'piece' AND embodied_kgco2e IS NOT NULL AND coalesce(shares_add_up, true)
    QUALIFY valid_from = max(valid_from) OVER (PARTITION BY month_start, sku)
),
footprints AS (
    SELECT
        month_start,
        sku,
        any_value(embodied_kgco2e) AS embodied_kgco2e,
        min(footprint_id) AS footprint_id,
        max(footprint_rank) AS footprint_rank
    FROM valid_footprints
    GROUP BY month_start, sku
    HAVING count(DISTINCT embodied_kgco2e) = 1
),
names AS (
    SELECT name, sku FROM rollups.accelerator_name WHERE site_id = getvariable('site_id')
),
defaults AS (
    SELECT sku, max(default_kgco2e) AS embodied_kgco2e, max(reference_id) AS reference_id
    FROM reference.embodied_carbon
    WHERE is_usable AND sku IS NOT NULL AND default_kgco2e IS NOT NULL
    GROUP BY sku
    HAVING count(*) = 1
),
figures AS (
    SELECT
        assets.*,
        footprints.embodied_kgco2e AS footprint_kgco2e,
        footprint_id,
        footprint_rank,
        defaults.embodied_kgco2e AS default_kgco2e,
        defaults.reference_id AS default_reference_id,
        CASE
            WHEN assets.embodied_kgco2e IS NOT NULL THEN 'asset'
            WHEN footprint_kgco2e IS NOT NULL AND NOT holds_others THEN 'product footprint'
            WHEN default_kgco2e IS NOT NULL THEN 'reference default'
        END AS stated_by
    FROM assets
    LEFT JOIN footprints USING (month_start, sku)
    LEFT JOIN names ON assets.sku = names.name AND assets.asset_class = 'accelerator'
    LEFT JOIN defaults ON defaults.sku = coalesce(names.sku, assets.sku)
)
SELECT
    site_id,
    month_start,
    asset_id,
    sku,
    CASE stated_by
        WHEN 'asset' THEN embodied_kgco2e
        WHEN 'product footprint' THEN footprint_kgco2e
        WHEN 'reference default' THEN default_kgco2e
    END AS item_kgco2e,
    stated_by,
    CASE WHEN stated_by = 'product footprint' THEN footprint_id END AS footprint_id,
    CASE WHEN stated_by = 'reference default' THEN default_reference_id END AS reference_id,
    CASE stated_by
        WHEN 'asset' THEN evidence_rank
        WHEN 'product footprint' THEN greatest(evidence_rank, footprint_rank, 3)
        WHEN 'reference default' THEN greatest(evidence_rank, 4)
    END::INTEGER AS evidence_rank
FROM figures
