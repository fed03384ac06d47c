-- One row per entry of a billed meter: a bill line in kWh or m3 over a half-open service period.
-- leaves out: meters of IT equipment and of on-site generation, which send no bills and feed facility_readings.
-- Volumes and steam become energy with the heat contents of the ENERGY STAR Portfolio Manager Technical Reference
-- "Thermal Energy Conversions" (2015-08, United States): natural gas 1,026 Btu per cubic foot, diesel 138,000 Btu per
-- US gallon, steam 1,194 Btu per pound; Btu of the International Table, 1055.05585262 J.
-- The template says nothing of versions: a corrected workbook wins over the old one by its path, or replaces it.
WITH entries AS (
    FROM raw.portfolio_manager_template
),

commodities (meter_type, commodity) AS (
    VALUES
    ('Electricity - Grid Purchase', 'electricity'),
    ('Natural Gas', 'natural_gas'),
    ('Diesel', 'diesel'),
    ('District Steam', 'heat'),
    ('District Hot Water', 'heat'),
    ('District Chilled Water - Electric-Driven Chiller', 'cooling'),
    ('District Chilled Water - Absorption Chiller using Natural Gas', 'cooling'),
    ('District Chilled Water - Engine-Driven Chiller using Natural Gas', 'cooling'),
    ('District Chilled Water - Other', 'cooling'),
    ('Municipally Supplied Potable Water - Indoor', 'water'),
    ('Municipally Supplied Potable Water - Outdoor', 'water'),
    ('Municipally Supplied Potable Water - All', 'water'),
    ('Municipally Supplied Reclaimed Water - Indoor', 'water'),
    ('Municipally Supplied Reclaimed Water - Outdoor', 'water'),
    ('Municipally Supplied Reclaimed Water - All', 'water')
),

units AS (
    SELECT unit, quantity, multiplier, divisor
    FROM reference.units
    WHERE quantity IN ('energy', 'volume', 'mass')
),

heat_contents (commodity, quantity, kwh_per_unit) AS (
    VALUES
    ('natural_gas', 'volume', 1026 * 1055.05585262e0 / 0.028316846592e0 / 3.6e6),
    ('diesel', 'volume', 138000 * 1055.05585262e0 / 3.785411784e-3 / 3.6e6),
    ('heat', 'mass', 1194 * 1055.05585262e0 / 0.45359237e0 / 3.6e6)
)

SELECT
    entries.site_id,
    entries.file_id,
    entries.row_number,
    entries.evidence_class,
    entries."Meter Consumption ID" AS invoice_id,
    entries."Meter ID" AS meter_id,
    commodities.commodity,
    'consumption' AS line_type,
    entries."Start Date" AS service_start,
    CASE entries.end_date_convention
        WHEN 'inclusive' THEN entries."End Date" + 1
        ELSE entries."End Date"
    END AS service_end,
    entries."Usage" * units.multiplier / units.divisor
    * CASE units.quantity WHEN 'energy' THEN 1 ELSE heat_contents.kwh_per_unit END AS energy_kwh,
    CASE commodities.commodity WHEN 'water' THEN entries."Usage" * units.multiplier / units.divisor END AS water_m3,
    entries."Cost" AS amount,
    CASE WHEN entries."Cost" IS NOT NULL THEN entries.currency END AS currency,
    entries."Estimation" AS is_estimated
FROM entries
INNER JOIN commodities ON entries."Meter Type" = commodities.meter_type
LEFT JOIN units ON entries."Meter Unit" = units.unit
LEFT JOIN heat_contents
    ON commodities.commodity = heat_contents.commodity AND units.quantity = heat_contents.quantity
