-- One row per package of a software bill of materials in SPDX 3, AI models among them.
-- The licence that the author concluded counts before the one the package declares of itself.
-- leaves out: data sets and devices, which are no software.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "spdxId" AS component_ref,
    "SpdxDocument.spdxId" AS document_id,
    "SpdxDocument.name" AS describes,
    observed_on,
    "name" AS component_name,
    "software_packageVersion" AS component_version,
    coalesce("suppliedBy", "originatedBy") AS supplier,
    coalesce("hasConcludedLicense", "hasDeclaredLicense") AS licence_spdx,
    coalesce("software_packageUrl", "externalIdentifier") AS package_url,
    "dependencies stated" AS has_dependencies_stated,
    "creationInfo.createdBy" AS sbom_author,
    "creationInfo.created" AS sbom_created_at_utc
FROM raw.spdx3
WHERE "type" <> 'dataset_DatasetPackage' AND coalesce("software_primaryPurpose", '') NOT IN ('device', 'data')
