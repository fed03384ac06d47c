-- One row per meter entry: a bill line in kWh or m3 over a half-open service period.
-- Btu is the International Table Btu of 1055.05585262 J. Volumes and steam become energy with the heat contents of the
-- ENERGY STAR Portfolio Manager Technical Reference "Thermal Energy Conversions" (2015-08, United States): natural gas
-- 1,026 Btu per cubic foot, diesel 138,000 Btu per US gallon, steam 1,194 Btu per pound.
-- Portfolio Manager numbers no versions; the day an entry was last changed orders them, so a corrected export wins.
-- Demand (kW) and its cost stay in raw: Portfolio Manager does not say whether Cost ($) contains the demand cost.
WITH entries AS (
    FROM raw.portfolio_manager
),

commodities (meter_type, commodity) AS (
    VALUES
    ('Electric', 'electricity'),
    ('Electric - Grid', 'electricity'),
    ('Natural Gas', 'natural_gas'),
    ('Diesel', 'diesel'),
    ('District Steam', 'heat'),
    ('District Hot Water', 'heat'),
    ('District Chilled Water', 'cooling'),
    ('District Chilled Water - Absorption', 'cooling'),
    ('District Chilled Water - Electric', 'cooling'),
    ('District Chilled Water - Engine', 'cooling'),
    ('District Chilled Water - Other', 'cooling'),
    ('Water', 'water'),
    ('Municipally Supplied Potable Water - Indoor', 'water'),
    ('Municipally Supplied Potable Water - Outdoor', 'water'),
    ('Municipally Supplied Potable Water - Mixed Indoor/Outdoor', 'water'),
    ('Municipally Supplied Reclaimed Water - Indoor', 'water'),
    ('Municipally Supplied Reclaimed Water - Outdoor', 'water'),
    ('Municipally Supplied Reclaimed Water - Mixed Indoor/Outdoor', 'water')
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
    entries."Portfolio Manager Meter ID" AS meter_id,
    commodities.commodity,
    'consumption' AS line_type,
    entries."Start Date" AS service_start,
    CASE entries.end_date_convention
        WHEN 'inclusive' THEN entries."End Date" + 1
        ELSE entries."End Date"
    END AS service_end,
    entries."Usage/Quantity" * units.multiplier / units.divisor
    * CASE units.quantity WHEN 'energy' THEN 1 ELSE heat_contents.kwh_per_unit END AS energy_kwh,
    CASE commodities.commodity
        WHEN 'water' THEN entries."Usage/Quantity" * units.multiplier / units.divisor
    END AS water_m3,
    entries."Cost ($)" AS amount,
    CASE WHEN entries."Cost ($)" IS NOT NULL THEN entries.currency END AS currency,
    entries."Estimation?" AS is_estimated,
    coalesce(date_diff('day', DATE '1970-01-01', entries."Last Modified Date"), 0) AS revision
FROM entries
LEFT JOIN commodities ON entries."Meter Type" = commodities.meter_type
LEFT JOIN units ON entries."Usage Units" = units.unit
LEFT JOIN heat_contents
    ON commodities.commodity = heat_contents.commodity AND units.quantity = heat_contents.quantity
