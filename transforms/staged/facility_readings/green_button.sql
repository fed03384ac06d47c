-- One row per interval reading of a usage point: energy in kWh, power in W or water in m3.
-- A meter goes by the whole address of its usage point, less what all have in common: the last piece of it alone is the
-- same for every customer. One whose address names no customer and no utility goes by that piece.
-- The start of an interval is UTC in ESPI, so daylight saving needs no correction. A usage point may meter several
-- commodities and both directions; all but delivered electricity get a suffix, so that they are meters of their own.
-- Only delivered electricity sits at the boundary of the source: gas, heat and electricity fed back are no
-- electricity of the site, and an energy total over 'utility' must not contain them. Nor may it contain what a usage
-- point states a second time: its net or total energy beside what was delivered, its power beside its energy.
-- Btu is the International Table Btu of 1055.05585262 J. Gas volumes become energy with 1,026 Btu per cubic foot
-- (ENERGY STAR Portfolio Manager Technical Reference "Thermal Energy Conversions", 2015-08, United States).
-- Quality 8, 9 and 12 are estimates and projections, 0, 14 and 17 to 19 were read; every other code says neither.
-- leaves out: maxima and minima (dataQualifier 8 and 9), which are no readings of energy or of mean power.
WITH readings AS (
    FROM raw.green_button
),

units (uom, quantity, factor) AS (
    VALUES
    ('72', 'energy', 1e-3),
    ('31', 'energy', 1 / 3.6e6),
    ('132', 'energy', 1055.05585262e0 / 3.6e6),
    ('169', 'energy', 105505585.262e0 / 3.6e6),
    ('38', 'power', 1e0),
    ('42', 'volume', 1e0),
    ('119', 'volume', 0.028316846592e0),
    ('128', 'volume', 3.785411784e-3),
    ('134', 'volume', 1e-3),
    ('120', 'volume', 0.028316846592e0),
    ('130', 'volume', 4.54609e-3),
    ('133', 'power', 1055.05585262e0 / 3600),
    ('156', 'volume', 1e-3),
    ('157', 'volume', 1e-3),
    ('166', 'volume', 1e0),
    ('167', 'volume', 1e0)
),

amounts AS (
    SELECT
        readings.*,
        units.quantity,
        "value" * pow(10, "powerOfTenMultiplier") * units.factor AS amount,
        coalesce("flowDirection", '1') AS direction,
        CASE
            WHEN direction = '19' THEN '/received'
            WHEN direction = '4' AND bool_or(direction = '1') OVER point THEN '/net'
            WHEN direction = '20' AND bool_or(direction = '1') OVER point THEN '/total'
        END AS flow,
        CASE WHEN units.quantity = 'power' AND bool_or(units.quantity = 'energy') OVER point THEN '/power' END AS twin,
        "ServiceCategory/kind" = '0' AND coalesce(flow, twin) IS NULL AS is_delivered_electricity,
        coalesce("accumulationBehaviour", '4') IN ('1', '2', '3') AS is_counter,
        string_split("ReadingQuality/quality", ' ') AS qualities
    FROM readings
    LEFT JOIN units USING (uom)
    WINDOW point AS (PARTITION BY site_id, file_id, "UsagePoint", "ServiceCategory/kind")
),

energies AS (
    SELECT
        *,
        CASE
            WHEN quantity = 'energy' THEN amount
            WHEN quantity = 'volume' AND "ServiceCategory/kind" = '1'
                THEN amount * 1026 * 1055.05585262e0 / 0.028316846592e0 / 3.6e6
        END AS kwh
    FROM amounts
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    concat(
        regexp_replace(
            regexp_replace(
                regexp_replace("UsagePoint", '^(?:https?:)?/+', ''),
                '(^|/)espi/(?:\d+_\d+/)?(?:resource/)?',
                '\1'
            ),
            '^UsagePoint/',
            ''
        ),
        CASE "ServiceCategory/kind" WHEN '1' THEN '/gas' WHEN '2' THEN '/water' WHEN '4' THEN '/heat' END,
        flow,
        twin
    ) AS meter_id,
    CASE
        WHEN is_delivered_electricity THEN boundary
        WHEN "ServiceCategory/kind" = '2' THEN 'water'
        ELSE 'other'
    END AS boundary,
    CASE WHEN is_counter THEN "timePeriod/end" ELSE "timePeriod/start" END AS started_at_utc,
    "timePeriod/end" AS ended_at_utc,
    CASE WHEN NOT is_counter THEN kwh END AS energy_kwh,
    CASE quantity WHEN 'power' THEN amount END AS power_w,
    CASE WHEN is_counter THEN kwh END AS energy_counter_kwh,
    CASE WHEN "ServiceCategory/kind" = '2' AND NOT is_counter THEN amount END AS water_m3,
    CASE
        WHEN list_has_any(qualities, ['8', '9', '12']) THEN true
        WHEN list_has_any(qualities, ['0', '14', '17', '18', '19']) THEN false
    END AS is_estimated
FROM energies
WHERE coalesce("dataQualifier", '12') NOT IN ('8', '9')
