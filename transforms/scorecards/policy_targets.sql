-- One row per site, period and policy target: whether the site meets it, or why that cannot be said.
-- A target is judged where one of our indicators is comparable, the source is confirmed, the whole period is in the
-- target's validity, the target applies to the site, and the indicator has a value. Everything else is listed with
-- the reason. Targets that bind an average are compared with the site and say so.
-- unit: that of the target
-- grain: site_id, period, reference_id
WITH periods AS (
    SELECT site_id, period, period_start, period_end
    FROM reference.site_periods
    WHERE site_id = getvariable('site_id')
        AND period_end > getvariable('period_start')
        AND period_start < getvariable('period_end')
),
targets AS (
    SELECT
        *,
        try_cast(value AS DOUBLE) IS NULL OR unit = 'level' OR starts_with(unit, 'grade') AS is_text,
        CASE unit WHEN 'percent' THEN 100 ELSE 1 END AS stated_per_unit
    FROM reference.policy_targets
),
values_in_force AS (
    SELECT site_id, period, indicator, value
    FROM indicators."all"
    WHERE status = 'ok'
),
held_against AS (
    SELECT
        periods.site_id,
        periods.period,
        periods.period_start,
        targets.* EXCLUDE (value),
        targets.value AS stated_value,
        found.value AS indicator_value,
        periods.period_start >= targets.valid_from AND periods.period_end - 1 <= targets.valid_to AS is_in_force,
        (targets.size_classes IS NULL OR list_contains(string_split(targets.size_classes, ' '), sites.size_class))
            AND (targets.is_new IS NULL OR targets.is_new = sites.is_new)
            AND (targets.is_hub_node IS NULL OR targets.is_hub_node = sites.is_hub_node)
            AND (targets.region_codes IS NULL OR list_contains(string_split(targets.region_codes, ' '), sites.region_code))
            AS is_applicable
    FROM periods
    CROSS JOIN targets
    LEFT JOIN reference.sites AS sites ON sites.site_id = periods.site_id
    LEFT JOIN values_in_force AS found
        ON found.site_id = periods.site_id AND found.period = periods.period AND found.indicator = targets.indicator
),
reasoned AS (
    SELECT
        *,
        CASE
            WHEN NOT is_usable THEN 'source not confirmed'
            WHEN is_text THEN 'text target'
            WHEN indicator IS NULL THEN 'no comparable indicator'
            WHEN NOT is_in_force THEN 'not in force in this period'
            WHEN binds = 'applicants' THEN 'applies to applicants only'
            WHEN NOT is_applicable THEN 'not applicable to this site'
            WHEN is_applicable IS NULL THEN 'site record does not say'
            WHEN indicator_value IS NULL THEN 'no value'
        END AS obstacle
    FROM held_against
)
SELECT
    site_id,
    period,
    reference_id,
    document_zh,
    document_en,
    metric,
    comparator,
    stated_value AS target_value,
    unit,
    applies_to,
    indicator_value * stated_per_unit AS value,
    CASE
        WHEN obstacle IS NOT NULL THEN NULL
        WHEN comparator = '<' THEN indicator_value < target_value
        WHEN comparator = '<=' THEN indicator_value <= target_value
        WHEN comparator = '>=' THEN indicator_value >= target_value
        WHEN comparator = '>' THEN indicator_value > target_value
        WHEN comparator = '=' THEN indicator_value = target_value
    END AS is_met,
    CASE
        WHEN obstacle IS NULL AND binds = 'average' THEN 'the target binds an average; the site is compared with it'
        ELSE obstacle
    END AS reason
FROM reasoned
ORDER BY site_id, period_start, period, reference_id
