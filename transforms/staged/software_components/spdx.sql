-- One row per package of a software bill of materials in SPDX 2.
-- The licence that the author concluded counts before the one the package declares of itself. Suppliers and creators
-- are written with their kind (Organization: Chips AG) and often an address, which names leave out.
-- leaves out: packages whose purpose is DEVICE, which are hardware.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "SPDXID" AS component_ref,
    coalesce("documentNamespace", file_id) AS document_id,
    "document name" AS describes,
    observed_on,
    "name" AS component_name,
    "versionInfo" AS component_version,
    regexp_replace(
        coalesce(supplier, originator), '^(Organization|Person|Tool):\s*(.*?)(\s*\([^()]*\))?$', '\2'
    ) AS supplier,
    coalesce("licenseConcluded", "licenseDeclared") AS licence_spdx,
    coalesce(purl, cpe) AS package_url,
    "dependencies stated" AS has_dependencies_stated,
    regexp_replace("creationInfo.creators", '(Organization|Person|Tool):\s*|\s*\([^()]*\)', '', 'g') AS sbom_author,
    "creationInfo.created" AS sbom_created_at_utc
FROM raw.spdx
WHERE coalesce("primaryPackagePurpose", '') <> 'DEVICE'
