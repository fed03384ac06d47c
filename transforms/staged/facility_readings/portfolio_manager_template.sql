-- One row per entry of a meter of IT equipment or of on-site generation: energy in kWh between two midnights.
-- leaves out: billed meters, which feed utility_bills.
-- UPS output, PDU output and IT input are the places in which ISO/IEC 30134-2 measures IT energy for PUE categories 1, 2
-- and 3. What enters the PDUs is what leaves the UPS, so it counts as UPS output where the building has no meter there,
-- and as 'other' where it has one: the same energy must not be there twice.
WITH entries AS (
    SELECT
        *,
        bool_or("Meter Type" = 'Uninterruptible Power Supply (UPS) Output Energy') OVER (
            PARTITION BY site_id, file_id, "Portfolio Manager ID"
        ) AS has_ups_meter
    FROM raw.portfolio_manager_template
),

units AS (
    SELECT unit, multiplier, divisor
    FROM reference.units
    WHERE quantity = 'energy'
)

SELECT
    entries.site_id,
    entries.file_id,
    entries.row_number,
    entries.evidence_class,
    entries."Meter ID" AS meter_id,
    CASE entries."Meter Type"
        WHEN 'Uninterruptible Power Supply (UPS) Output Energy' THEN 'ups_output'
        WHEN 'Power Distribution Unit (PDU) Input Energy' THEN if(has_ups_meter, 'other', 'ups_output')
        WHEN 'Power Distribution Unit (PDU) Output Energy' THEN 'pdu_output'
        WHEN 'IT Equipment Input Energy (meters on each piece of equipment)' THEN 'it_input'
        ELSE 'on_site_renewable'
    END AS boundary,
    entries."from" AS started_at_utc,
    entries."to" AS ended_at_utc,
    entries."Usage" * units.multiplier / units.divisor AS energy_kwh,
    entries."Estimation" AS is_estimated
FROM entries
INNER JOIN units ON entries."Meter Unit" = units.unit
WHERE entries."Meter Type" IN (
    'Uninterruptible Power Supply (UPS) Output Energy',
    'Power Distribution Unit (PDU) Input Energy',
    'Power Distribution Unit (PDU) Output Energy',
    'IT Equipment Input Energy (meters on each piece of equipment)',
    'Electricity - On-Site Solar',
    'Electricity - On-Site Wind'
)
