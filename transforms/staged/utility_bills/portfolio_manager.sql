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

energy_units (unit, joule) AS (
    VALUES
    ('kBtu (thousand Btu)', 1055.05585262e3),
    ('MBtu (million Btu)', 1055.05585262e6),
    ('mBtu (million Btu)', 1055.05585262e6),
    ('Mbtu (million Btu)', 1055.05585262e6),
    ('MBtu/MMBtu (million Btu)', 1055.05585262e6),
    ('kWh (thousand Watt-hours)', 3.6e6),
    ('MWh (million Watt-hours)', 3.6e9),
    ('GJ', 1e9),
    ('GJ (billion joules)', 1e9),
    ('therms', 1055.05585262e5),
    ('Therms', 1055.05585262e5),
    ('ton hours', 12 * 1055.05585262e3),
    ('Ton Hours', 12 * 1055.05585262e3)
),

volume_units (unit, m3) AS (
    VALUES
    ('cf (cubic feet)', 0.028316846592e0),
    ('ccf (hundred cubic feet)', 2.8316846592e0),
    ('Ccf (hundred cubic feet)', 2.8316846592e0),
    ('kcf (thousand cubic feet)', 28.316846592e0),
    ('Kcf (thousand cubic feet)', 28.316846592e0),
    ('MCF(million cubic feet)', 28316.846592e0),
    ('MCF (million cubic feet)', 28316.846592e0),
    ('Mcf (million cubic feet)', 28316.846592e0),
    ('cm (Cubic meters)', 1e0),
    ('cm (cubic meters)', 1e0),
    ('Cubic Meters', 1e0),
    ('Kcm (Thousand Cubic meters)', 1e3),
    ('Liters', 1e-3),
    ('Gallons (US)', 3.785411784e-3),
    ('Gallons (UK)', 4.54609e-3),
    ('cGal (hundred gallons) (US)', 0.3785411784e0),
    ('cGal (hundred gallons) (UK)', 0.454609e0),
    ('KGal (thousand gallons) (US)', 3.785411784e0),
    ('KGal (thousand gallons) (UK)', 4.54609e0),
    ('MGal (million gallons) (US)', 3785.411784e0),
    ('MGal (million gallons) (UK)', 4546.09e0)
),

heat_contents (commodity, joule_per_m3) AS (
    VALUES
    ('natural_gas', 1026 * 1055.05585262e0 / 0.028316846592e0),
    ('diesel', 138000 * 1055.05585262e0 / 3.785411784e-3)
),

steam_units (unit, joule) AS (
    VALUES
    ('Lbs. (pounds)', 1194 * 1055.05585262e0),
    ('pounds', 1194 * 1055.05585262e0),
    ('kLbs. (thousand pounds)', 1194 * 1055.05585262e3),
    ('KLbs. (thousand pounds)', 1194 * 1055.05585262e3),
    ('MLbs. (million pounds)', 1194 * 1055.05585262e6),
    ('kg (kilograms)', 1194 * 1055.05585262e0 / 0.45359237e0),
    ('Kilogram', 1194 * 1055.05585262e0 / 0.45359237e0)
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
    entries."Usage/Quantity" * coalesce(
        energy_units.joule, steam_units.joule, volume_units.m3 * heat_contents.joule_per_m3
    ) / 3.6e6 AS energy_kwh,
    CASE commodities.commodity WHEN 'water' THEN entries."Usage/Quantity" * volume_units.m3 END AS water_m3,
    entries."Cost ($)" AS amount,
    CASE WHEN entries."Cost ($)" IS NOT NULL THEN entries.currency END AS currency,
    entries."Estimation?" AS is_estimated,
    coalesce(date_diff('day', DATE '1970-01-01', entries."Last Modified Date"), 0) AS revision
FROM entries
LEFT JOIN commodities ON entries."Meter Type" = commodities.meter_type
LEFT JOIN energy_units ON entries."Usage Units" = energy_units.unit
LEFT JOIN volume_units ON entries."Usage Units" = volume_units.unit
LEFT JOIN steam_units ON entries."Usage Units" = steam_units.unit
LEFT JOIN heat_contents ON commodities.commodity = heat_contents.commodity
