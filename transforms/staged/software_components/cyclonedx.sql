-- One row per component of a software bill of materials, or of a bill of operations that says what runs.
-- leaves out: devices, which belong to bom_parts; data and cryptographic assets, which are no software.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    coalesce("bom-ref", purl, concat_ws('@', "name", "version")) AS component_ref,
    coalesce("serialNumber", "metadata.component.name", file_id) AS document_id,
    "metadata.component.name" AS describes,
    observed_on,
    "name" AS component_name,
    "version" AS component_version,
    coalesce("supplier.name", "manufacturer.name", publisher) AS supplier,
    licenses AS licence_spdx,
    coalesce(purl, cpe) AS package_url,
    "dependencies stated" AS has_dependencies_stated,
    "metadata.authors" AS sbom_author,
    "metadata.timestamp" AS sbom_created_at_utc
FROM raw.cyclonedx
WHERE "type" NOT IN ('device', 'data', 'cryptographic-asset')
