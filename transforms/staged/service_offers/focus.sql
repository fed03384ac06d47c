-- One row per list price of rented accelerators and day on which it was billed: the price of one device for an hour.
-- The list price is what everyone pays, so it says what compute costs; a negotiated or committed price is a customer's own.
-- A price is taken from usage that is charged by the hour. How many accelerators one hour rents and of which model, the
-- source says, or GpuCount and InstanceType in SkuPriceDetails (FOCUS 1.1 and later). A price holds on the days of UTC on which it was billed: a bill does
-- not say for how long it was on offer.
-- leaves out: charges that are no usage by the hour of accelerators, corrections of earlier periods, and the second and
-- further charges of a day at the same price.
WITH usage AS (
    SELECT
        *,
        coalesce("SkuPriceId", "SkuId") AS offer_id,
        "ChargePeriodStart"::DATE AS day,
        CASE WHEN json_valid("SkuPriceDetails") THEN "SkuPriceDetails" END AS details,
        coalesce(accelerators, TRY_CAST(details ->> '$.GpuCount' AS BIGINT)) AS devices,
        coalesce(accelerator_sku, details ->> '$.InstanceType') AS model
    FROM raw.focus
    WHERE "ChargeCategory" = 'Usage'
        AND "ChargeClass" IS NULL
        AND "PricingUnit" IN ('Hours', 'Hour')
        AND "ListUnitPrice" IS NOT NULL
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    offer_id,
    'device_hour' AS unit,
    "ListUnitPrice" / devices AS price,
    "BillingCurrency" AS currency,
    model AS sku,
    day AS valid_from,
    day + 1 AS valid_to
FROM usage
WHERE devices > 0 AND model IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY site_id, file_id, offer_id, day, "ListUnitPrice", devices, "BillingCurrency" ORDER BY row_number
) = 1
