-- One row per range of redeemed certificates of one device and period: a claim in kWh. One certificate is 1 MWh.
WITH certificates AS (
    FROM raw.irec
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    concat_ws(' to ', "From Certificate ID", nullif("To Certificate ID", "From Certificate ID")) AS certificate_id,
    'irec' AS instrument,
    1000 * "Number of Certificates" AS energy_kwh,
    "Production Start" AS vintage_start,
    CASE end_date_convention WHEN 'inclusive' THEN "Production End" + 1 ELSE "Production End" END AS vintage_end,
    "Redemption Date" AS retired_on,
    coalesce("Energy Source", "Technology") AS technology,
    CASE WHEN regexp_full_match("Country", '[A-Z]{2}(-[A-Z0-9]{1,3})?') THEN "Country" END AS region_code
FROM certificates
