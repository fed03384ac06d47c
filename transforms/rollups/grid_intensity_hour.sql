-- One row per site, grid area and hour: carbon intensity computed from the generation mix, beside the stated one.
-- The computed intensity is the sum over sources of share times life-cycle factor. It is unknown where the generation
-- of one source is unknown or nothing was generated. Generation and emissions are kept beside it, because they are
-- what may be summed over hours. Two files may hold the same hour; the one with the greater content hash counts, so
-- the result does not depend on the order of arrival.
-- as a view: no indicator counts it yet
-- grain: site_id, area, hour_start_utc
-- unit: gCO2e/kWh
WITH hours AS (
    SELECT *
    FROM raw.grid_mix_hourly
    QUALIFY row_number() OVER (PARTITION BY site_id, area, "timestamp" ORDER BY file_id DESC, row_number DESC) = 1
),

months AS (
    FROM reference.site_months
),

factors AS (
    -- Rounded, because 0.82 times 1000 is not 820 to the last binary digit.
    SELECT source_kind, round(kgco2e_per_kwh * 1000, 6) AS gco2e_per_kwh, reference_id
    FROM reference.generation_factors
    WHERE is_usable
),

evidence AS (
    FROM reference.evidence_classes
),

sources AS (
    SELECT
        site_id,
        area,
        "timestamp",
        evidence_class,
        avg_CI,
        unnest(['wind', 'solar', 'hydro', 'oil', 'gas', 'coal', 'nuclear', 'other']) AS source_kind,
        unnest([WND, SUN, WAT, OIL, NG, COL, NUC, OTH]) AS generation_mwh
    FROM hours
),

mixes AS (
    SELECT
        sources.site_id,
        sources.area,
        sources."timestamp",
        any_value(sources.avg_CI) AS stated_gco2e_per_kwh,
        any_value(sources.evidence_class) AS evidence_class,
        bool_and(sources.generation_mwh IS NOT NULL AND factors.gco2e_per_kwh IS NOT NULL) AS is_complete,
        sum(sources.generation_mwh::DECIMAL(38, 9)) AS generation_mwh,
        sum((sources.generation_mwh * factors.gco2e_per_kwh)::DECIMAL(38, 9)) AS emissions_kgco2e,
        list(factors.reference_id ORDER BY factors.reference_id) FILTER (
            WHERE factors.reference_id IS NOT NULL
        ) AS reference_rows
    FROM sources
    LEFT JOIN factors ON sources.source_kind = factors.source_kind
    GROUP BY sources.site_id, sources.area, sources."timestamp"
)

SELECT
    months.site_id,
    months.month_start,
    mixes.area,
    mixes."timestamp" AS hour_start_utc,
    CASE WHEN mixes.is_complete THEN mixes.generation_mwh END AS generation_mwh,
    CASE WHEN mixes.is_complete THEN mixes.emissions_kgco2e END AS emissions_kgco2e,
    CASE WHEN mixes.is_complete THEN mixes.emissions_kgco2e::DOUBLE / nullif(mixes.generation_mwh::DOUBLE, 0) END
        AS computed_gco2e_per_kwh,
    mixes.stated_gco2e_per_kwh,
    evidence.evidence_rank,
    mixes.reference_rows
FROM mixes
INNER JOIN months
    ON mixes.site_id = months.site_id AND mixes."timestamp" >= months.start_utc AND mixes."timestamp" < months.end_utc
LEFT JOIN evidence ON mixes.evidence_class = evidence.evidence_class
