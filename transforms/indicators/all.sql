-- One row per site, period and indicator that ought to exist: its value, or the reason why there is none.
-- The spine comes first and facts are joined to it, so that absence is a row. Periods are built together with the
-- last of their months that the site has; numerators and denominators are summed, so three months are the quarter. A
-- numerator that has bounds may exceed them in a month and not in the window, because they are summed as it is.
-- Coverage is evidence seen over evidence expected, in the share of the window's months that say what is expected: a
-- month that is there without a value has seen none of it, and is not held against the coverage a second time.
-- grain: site_id, period, indicator
WITH spine AS (
    SELECT
        period.site_id,
        period.period,
        period.period_kind,
        period.period_start,
        period.period_end,
        indicator.indicator,
        indicator.unit,
        indicator.gap,
        CASE indicator."window"
            WHEN 'trailing year' THEN (period.period_end - INTERVAL 12 MONTH)::DATE
            ELSE period.period_start
        END AS window_start,
        indicator."window" = 'trailing year' AS is_trailing
    FROM reference.site_periods AS period
    CROSS JOIN reference.indicators AS indicator
    WHERE
        period.site_id = getvariable('site_id')
        AND period.closing_month >= getvariable('period_start')
        AND period.closing_month < getvariable('period_end')
),
first_months AS (
    SELECT site_id, min(month_start) AS first_month FROM reference.site_months GROUP BY site_id
),
from_months AS (
    SELECT
        spine.site_id,
        spine.period,
        spine.indicator,
        sum(fact.numerator) FILTER (fact.month_start >= spine.period_start) AS numerator,
        sum(fact.denominator) FILTER (fact.month_start >= spine.period_start) AS denominator,
        CASE
            WHEN count(fact.numerator) > 0
            THEN greatest(
                least(sum(fact.numerator), sum(fact.numerator_at_most)), sum(fact.numerator_at_least)
            )
        END AS window_numerator,
        sum(fact.denominator) AS window_denominator,
        sum(fact.observed) AS observed,
        sum(fact.expected) AS expected,
        count(fact.denominator) AS months_with_facts,
        count(fact.expected) AS months_expected,
        max(fact.evidence_rank) FILTER (fact.denominator IS NOT NULL) AS evidence_rank,
        flatten(list(fact.reference_rows ORDER BY fact.month_start) FILTER (fact.reference_rows IS NOT NULL)) AS reference_rows,
        min(fact.gap) AS stated_gap,
        NULL::DOUBLE AS stated_value
    FROM spine
    JOIN indicators.monthly_facts AS fact
        ON fact.site_id = spine.site_id
        AND fact.indicator = spine.indicator
        AND fact.month_start >= spine.window_start
        AND fact.month_start < spine.period_end
    GROUP BY ALL
),
from_periods AS (
    SELECT
        site_id,
        period,
        indicator,
        numerator,
        denominator,
        numerator AS window_numerator,
        denominator AS window_denominator,
        observed,
        expected,
        NULL::BIGINT AS months_with_facts,
        NULL::BIGINT AS months_expected,
        evidence_rank,
        reference_rows,
        gap AS stated_gap,
        value AS stated_value
    FROM indicators.period_facts
),
facts AS (
    FROM from_months
    UNION ALL BY NAME
    FROM from_periods
),
filled AS (
    SELECT
        spine.*,
        facts.* EXCLUDE (site_id, period, indicator),
        date_diff('month', spine.window_start, spine.period_end) AS months_in_window,
        first_months.first_month > spine.window_start AND spine.is_trailing AS window_not_full,
        coalesce(facts.stated_value, facts.window_numerator / nullif(facts.window_denominator, 0)) AS value
    FROM spine
    LEFT JOIN facts USING (site_id, period, indicator)
    LEFT JOIN first_months USING (site_id)
)
SELECT
    site_id,
    period,
    period_kind,
    period_start,
    period_end,
    indicator,
    numerator,
    denominator,
    window_start,
    period_end AS window_end,
    window_numerator,
    window_denominator,
    value,
    unit,
    CASE
        WHEN value IS NULL THEN 0.0
        ELSE least(1.0, coalesce(observed / nullif(expected, 0), 0.0))
            * coalesce(months_expected / months_in_window, 1.0)
    END::DOUBLE AS coverage,
    evidence.evidence_class,
    CASE
        WHEN period_end > getvariable('as_of') THEN 'too early'
        WHEN value IS NOT NULL AND window_not_full THEN 'too early'
        WHEN value IS NOT NULL THEN 'ok'
        WHEN window_denominator = 0 THEN 'zero denominator'
        ELSE coalesce(stated_gap, gap)
    END AS status,
    coalesce(months_with_facts, 0) AS months_with_facts,
    list_sort(list_distinct(coalesce(reference_rows, []))) AS reference_rows
FROM filled
LEFT JOIN reference.evidence_classes AS evidence USING (evidence_rank)
ORDER BY site_id, period_start, period_end, indicator
