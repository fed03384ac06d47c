-- One row per site and month: components with all seven NTIA minimum fields over the components of the software stack.
-- Supplier, name, version, unique identifier, dependency relationship, author and timestamp; licence and hash are not
-- among them. A field left out is what is measured here, so it is not unknown.
-- name: SBOM completeness | 软件物料清单完备度
-- formula: components with all seven NTIA fields ÷ components
-- unit: 1
-- better: higher
-- origin: standard
-- window: period
-- gap: no software inventory
-- source: NTIA, The Minimum Elements For a Software Bill of Materials, 2021
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    fully_described_components::DECIMAL(38, 9) AS numerator,
    components::DECIMAL(38, 9) AS denominator,
    components::DECIMAL(38, 9) AS observed,
    components::DECIMAL(38, 9) AS expected,
    evidence_rank,
    []::VARCHAR[] AS reference_rows,
    NULL::VARCHAR AS gap
FROM rollups.software_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
