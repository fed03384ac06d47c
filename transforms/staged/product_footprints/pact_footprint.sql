-- One row per product footprint that may be used. The footprint is stated for an amount of declared units, and is
-- divided by it here. Without a stated validity it is valid for three years from the end of its reference period.
-- leaves out: footprints that their publisher has deprecated.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    id AS footprint_id,
    "version" AS revision,
    coalesce(sku, "productNameCompany") AS sku,
    "companyName" AS vendor,
    "pcf.declaredUnitOfMeasurement" AS declared_unit,
    "pcf.pcfExcludingBiogenicUptake" / "pcf.declaredUnitAmount" AS embodied_kgco2e,
    "pcf.primaryDataShare" / 100 AS primary_data_ratio,
    coalesce("validityPeriodStart", "pcf.referencePeriodEnd")::DATE AS valid_from,
    coalesce("validityPeriodEnd", "pcf.referencePeriodEnd" + INTERVAL 3 YEAR)::DATE AS valid_to
FROM raw.pact_footprint
WHERE status = 'Active'
