-- One row per site, period and policy target: whether the site meets it, or why that cannot be said.
-- A target is judged where one of our indicators is comparable, the source is confirmed, the target is in force or due,
-- it applies to the site, and the indicator has a value. Everything else is listed with the reason. One that holds from a
-- day on is in force where the whole period is in its validity. One with a deadline is due from the period that holds
-- the deadline to its end, and for all later ones: before, nobody misses or meets it, and it is said whether the
-- value is there already (on the way) or not (not yet due). Targets that bind an average are compared with the site and
-- say so.
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
        CASE
            WHEN due_on IS NULL AND periods.period_start < targets.valid_from THEN 'not yet in force'
            WHEN due_on IS NULL AND periods.period_end - 1 > targets.valid_to THEN 'no longer in force'
            WHEN due_on IS NOT NULL AND periods.period_end <= targets.valid_from THEN 'not yet in force'
        END AS not_in_force,
        coalesce(periods.period_end - 1 < targets.due_on, false) AS is_awaited,
        CASE comparator
            WHEN '<' THEN found.value < target_value
            WHEN '<=' THEN found.value <= target_value
            WHEN '>=' THEN found.value >= target_value
            WHEN '>' THEN found.value > target_value
            WHEN '=' THEN found.value = target_value
        END AS is_reached,
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
            WHEN not_in_force IS NOT NULL THEN not_in_force
            WHEN binds = 'applicants' THEN 'applies to applicants only'
            WHEN NOT is_applicable THEN 'not applicable to this site'
            WHEN is_applicable IS NULL THEN 'site record does not say'
            WHEN indicator_value IS NULL THEN 'no value'
            WHEN is_awaited AND is_reached THEN 'on the way'
            WHEN is_awaited THEN 'not yet due'
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
    CASE WHEN obstacle IS NULL THEN is_reached END AS is_met,
    CASE
        WHEN obstacle IS NULL AND binds = 'average' THEN 'the target binds an average; the site is compared with it'
        ELSE obstacle
    END AS reason
FROM reasoned
ORDER BY site_id, period_start, period, reference_id
