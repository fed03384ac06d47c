-- One row per list price of rented accelerators and day on which it was billed: the price of one device for an hour.
-- The list price is what everyone pays, so it says what compute costs; a negotiated or committed price is a customer's own.
-- A price is taken from usage that is charged by the hour. How many accelerators one hour rents and of which model, the
-- source says, or GpuCount and InstanceType in SkuPriceDetails (FOCUS 1.1 and later). A price holds on the days of UTC on which it was billed: a bill does
-- not say for how long it was on offer.
-- The unit is the hour in whatever way it is written (hour, Hrs, Instance-Hours, 100 Hours: of a hundred). Usage of
-- accelerators in a unit that is not understood has no price, and is quarantined for that.
-- leaves out: charges that are no usage of accelerators, or are priced by months, days or requests, corrections of
-- earlier periods, and the second and further charges of a day at the same price.
WITH usage AS (
    SELECT
        *,
        coalesce("SkuPriceId", "SkuId") AS offer_id,
        "ChargePeriodStart"::DATE AS day,
        CASE WHEN json_valid("SkuPriceDetails") THEN "SkuPriceDetails" END AS details,
        coalesce(accelerators, TRY_CAST(details ->> '$.GpuCount' AS BIGINT)) AS devices,
        coalesce(accelerator_sku, details ->> '$.InstanceType') AS model,
        lower(trim("PricingUnit")) AS pricing_unit,
        CASE
            WHEN regexp_full_match(
                pricing_unit,
                '([0-9]+(\.[0-9]+)?\s*)?((instance|vm|node|server|compute|usage)[- ]?)?(hours?|hrs?|h)'
            )
                THEN coalesce(TRY_CAST(nullif(regexp_extract(pricing_unit, '^[0-9.]+'), '') AS DOUBLE), 1)
        END AS hours_per_unit
    FROM raw.focus
    WHERE "ChargeCategory" = 'Usage'
        AND "ChargeClass" IS NULL
        AND "ListUnitPrice" IS NOT NULL
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    offer_id,
    'device_hour' AS unit,
    "ListUnitPrice" / devices / nullif(hours_per_unit, 0) AS price,
    "BillingCurrency" AS currency,
    model AS sku,
    day AS valid_from,
    day + 1 AS valid_to
FROM usage
WHERE devices > 0
    AND model IS NOT NULL
    AND NOT (
        hours_per_unit IS NULL
        AND regexp_matches(pricing_unit, '\b(months?|days?|years?|seconds?|minutes?|[gmt]i?b|requests?|units?)\b')
    )
QUALIFY row_number() OVER (
    PARTITION BY site_id, file_id, offer_id, day, "ListUnitPrice", hours_per_unit, devices, "BillingCurrency" ORDER BY row_number
) = 1
