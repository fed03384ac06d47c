-- One row per declaration of a product. Vendors state the whole life and the share of making it.
-- The shares of the four phases of life should add up to 1, within 0.02 for rounding; where one of them is missing they
-- can still be seen to exceed it. The figure stands with that flag, and who uses it decides.
WITH declarations AS (
    SELECT
        *,
        gwp_use_ratio + gwp_manufacturing_ratio + gwp_transport_ratio + gwp_eol_ratio AS share_of_all_phases,
        list_sum([gwp_use_ratio, gwp_manufacturing_ratio, gwp_transport_ratio, gwp_eol_ratio]) AS share_of_stated_phases
    FROM raw.vendor_footprint
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    concat_ws(' ', manufacturer, "name", sources_hash) AS footprint_id,
    coalesce(sku, "name") AS sku,
    manufacturer AS vendor,
    'piece' AS declared_unit,
    gwp_total * gwp_manufacturing_ratio AS embodied_kgco2e,
    gwp_total AS lifetime_kgco2e,
    gwp_error_ratio AS relative_error_ratio,
    CASE
        WHEN share_of_stated_phases > 1.02 THEN FALSE
        ELSE share_of_all_phases >= 0.98
    END AS shares_add_up,
    lifetime AS service_life_years,
    coalesce(report_date, added_date) AS valid_from
FROM declarations
