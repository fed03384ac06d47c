-- One row per site and name that its records give an accelerator: the SKU it stands for, and the share of it.
-- A name is the SKU itself or an alias of it; case, blanks, punctuation and the name of the vendor do not matter, and of
-- a line of lspci the part in brackets counts. The whole name is looked for first, then the name without its vendor
-- among whole names, then among those without theirs. A name that several SKUs go by stands for none: nothing is guessed.
-- A slice of a partitioned device names its profile, 3g.40gb for example: it is its compute slices (those of a compute
-- instance, 1c.3g.40gb, are 1) out of the 7 of a device, or out of the 4 of an A30.
-- as a view: it says of records and reference facts how they belong together
-- grain: site_id, name
WITH names AS (
    SELECT site_id, sku AS name FROM staged.hardware_assets WHERE asset_class = 'accelerator'
    UNION
    SELECT site_id, sku AS name FROM staged.workload_runs
    UNION
    SELECT site_id, sku AS name FROM staged.benchmark_results
    UNION
    SELECT site_id, sku AS name FROM staged.service_offers
),
spellings AS (
    SELECT site_id, name, name AS spelling, NULL AS sku FROM names WHERE name IS NOT NULL
    UNION ALL
    SELECT NULL AS site_id, sku AS name, sku AS spelling, sku FROM reference.accelerators
    UNION ALL
    SELECT NULL AS site_id, alias AS name, alias AS spelling, CASE WHEN is_usable THEN sku END AS sku
    FROM reference.accelerator_aliases
),
parts AS (
    SELECT
        *,
        replace(regexp_replace(lower(spelling), '^.*\[([^\]]+)\].*$', '\1'), '_', ' ') AS product,
        regexp_extract(product, '(?:(\d)c\.)?\dg\.\d+gb', 1) AS compute_instance,
        coalesce(nullif(compute_instance, ''), nullif(regexp_extract(product, '(\d)g\.\d+gb', 1), ''))::INTEGER AS slices,
        regexp_replace(
            product, '[ :-]*(mig[ .-]*)?(\dc\.)?\dg\.\d+gb([.+-](me|gfx|all)\b)*( device \d+)?', ''
        ) AS device,
        regexp_replace(device, '[^a-z0-9]', '', 'g') AS whole_key,
        regexp_replace(
            device,
            '\b(nvidia|corporation|tesla|amd|instinct|intel|habana|huawei|hygon|google|cloud|aws)\b|[^a-z0-9]',
            '',
            'g'
        ) AS vendorless_key
    FROM spellings
),
keys AS (
    SELECT 1 AS kind, whole_key AS name_key, sku FROM parts WHERE site_id IS NULL
    UNION
    SELECT 2 AS kind, vendorless_key AS name_key, sku FROM parts WHERE site_id IS NULL
),
known AS (
    SELECT
        kind,
        name_key,
        CASE WHEN bool_and(sku IS NOT NULL) AND count(DISTINCT sku) = 1 THEN any_value(sku) END AS sku
    FROM keys
    GROUP BY kind, name_key
),
found AS (
    SELECT parts.site_id, parts.name, slices, known.sku
    FROM parts
    LEFT JOIN known ON known.name_key = parts.whole_key AND kind = 1 OR known.name_key = parts.vendorless_key
    WHERE parts.site_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY parts.site_id, parts.name ORDER BY known.name_key = parts.whole_key AND kind = 1 DESC, kind
    ) = 1
)
SELECT
    site_id,
    name,
    sku,
    coalesce(slices / CASE WHEN name ILIKE '%A30%' THEN 4 ELSE 7 END, 1.0) AS device_share
FROM found
