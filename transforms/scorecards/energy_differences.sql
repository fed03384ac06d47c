-- One row per site, month and pair of sides: electricity seen twice, the difference, and its likely cause.
-- Pairs: bill and utility meter; IT meter (where there is none, the utility meter) and accelerators; bill and
-- accelerators. Bill and meter see the same and differ where the difference exceeds the tolerance of the bill. The
-- accelerators are part of what the other side sees, so only what they exceed it by is unexplained. A cause is named
-- where it accounts for the difference, within the tolerance, and no other cause does:
-- missing_meter_hours, missing_bill_days, missing_device_hours: one side is known for less of the month, and scaled to
-- the whole of it the sides agree. wrong_unit: their ratio is that of two units of energy; or accelerators seem to use
-- a hundred times what they are part of, or a thousandth. doubled_counter: as many times the installed device-hours, as
-- when the instances of a partitioned device each repeat its counter, or two to seven times what they are part of.
-- shifted_billing_period: the month before or after makes up for the difference. estimated_bill: the estimated part of
-- the bill is large enough. Several causes that would do, or none, are 'unknown'; sides that agree have 'none'.
-- unit: kWh
-- grain: site_id, period, pair
-- rebuilds: the month before the scope, for which the first month of the scope is the month after
WITH tolerances AS (
    SELECT value AS tolerance, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'reconciliation_tolerance' AND is_usable
),
units (factor) AS (
    VALUES (3.6e0), (1e3), (3.6e3), (1e4), (1e6), (3.6e6), (1 / 3.6e0), (1e-3), (1 / 3.6e3), (1e-4), (1e-6), (1 / 3.6e6)
),
months AS (
    SELECT
        energy.*,
        period,
        tolerance,
        least(bill_days / date_diff('day', period_start, period_end), 1) AS bill_share,
        least(meter_hours / hours, 1) AS meter_share,
        least(it_hours / hours, 1) AS it_share,
        device_hours_known / installed_device_hours AS device_share,
        (bill_kwh - meter_kwh)::DOUBLE AS difference,
        abs(difference) > tolerance * abs(bill_kwh::DOUBLE) AS is_apart,
        is_apart
        AND least(bill_share, meter_share) >= 1 - tolerance
        AND coalesce(estimated_bill_kwh, 0) = 0 AS may_be_shifted
    FROM rollups.energy_reconciliation_month AS energy
    JOIN reference.site_months USING (site_id, month_start)
    JOIN reference.site_periods USING (site_id)
    JOIN tolerances ON month_start BETWEEN tolerances.valid_from AND tolerances.valid_to
    WHERE site_id = getvariable('site_id') AND period_kind = 'month' AND period_start = month_start
),
neighbours AS (
    SELECT
        this.month_start,
        bool_or(
            sign(this.difference) <> sign(other.difference)
            AND abs(this.difference + other.difference)
            <= this.tolerance * least(abs(this.bill_kwh::DOUBLE), abs(other.bill_kwh::DOUBLE))
        ) AS is_shifted
    FROM months AS this
    JOIN months AS other
        ON other.month_start IN (this.month_start - INTERVAL 1 MONTH, this.month_start + INTERVAL 1 MONTH)
    WHERE this.may_be_shifted AND other.may_be_shifted
    GROUP BY this.month_start
),
pairs AS (
    SELECT
        *,
        'bill_and_meter' AS pair,
        bill_kwh AS left_kwh,
        meter_kwh AS right_kwh,
        bill_share AS left_share,
        meter_share AS right_share,
        'missing_bill_days' AS left_is_short,
        'missing_meter_hours' AS right_is_short,
        coalesce(estimated_bill_kwh, 0)::DOUBLE AS estimated
    FROM months
    UNION ALL BY NAME
    SELECT
        *,
        'meter_and_devices' AS pair,
        coalesce(it_kwh, meter_kwh) AS left_kwh,
        device_kwh AS right_kwh,
        CASE WHEN it_kwh IS NULL THEN meter_share ELSE it_share END AS left_share,
        device_share AS right_share,
        'missing_meter_hours' AS left_is_short,
        'missing_device_hours' AS right_is_short,
        0e0 AS estimated
    FROM months
    UNION ALL BY NAME
    SELECT
        *,
        'bill_and_devices' AS pair,
        bill_kwh AS left_kwh,
        device_kwh AS right_kwh,
        bill_share AS left_share,
        device_share AS right_share,
        'missing_bill_days' AS left_is_short,
        'missing_device_hours' AS right_is_short,
        coalesce(estimated_bill_kwh, 0)::DOUBLE AS estimated
    FROM months
),
compared AS (
    SELECT
        pairs.* EXCLUDE (is_apart),
        pair = 'bill_and_meter' AS is_same,
        left_kwh::DOUBLE / nullif(left_share, 0) AS left_whole,
        right_kwh::DOUBLE / nullif(CASE WHEN is_same THEN right_share ELSE least(right_share, 1) END, 0) AS right_whole,
        coalesce(right_whole, right_kwh::DOUBLE) / nullif(left_whole, 0) AS ratio,
        left_share < (CASE WHEN is_same THEN right_share ELSE 1 END) * (1 - tolerance) AS left_is_short_of_it,
        coalesce(right_share < (CASE WHEN is_same THEN left_share ELSE 1 END) * (1 - tolerance), false)
            AS right_is_short_of_it,
        round(right_share) AS times,
        (
            CASE WHEN is_same THEN abs(left_kwh - right_kwh) ELSE greatest(right_kwh - left_kwh, 0) END
        )::DECIMAL(38, 9) AS unexplained_kwh,
        unexplained_kwh > tolerance * abs(left_kwh::DOUBLE) AS is_apart,
        CASE
            WHEN is_same THEN abs(left_whole - right_whole) <= tolerance * abs(left_whole)
            ELSE coalesce(right_whole, right_kwh::DOUBLE) <= (1 + tolerance) * left_whole
        END AS agrees_when_whole,
        (is_apart AND EXISTS (FROM units WHERE abs(ratio / factor - 1) <= tolerance))
        OR (NOT is_same AND (ratio >= 100 OR (right_kwh > 0 AND ratio <= 0.001 * (1 + tolerance)))) AS is_off_by_a_unit
    FROM pairs
),
judged AS (
    SELECT
        compared.*,
        list_filter(
            [
                CASE WHEN left_is_short_of_it AND agrees_when_whole THEN left_is_short END,
                CASE WHEN right_is_short_of_it AND agrees_when_whole THEN right_is_short END,
                CASE WHEN is_off_by_a_unit THEN 'wrong_unit' END,
                CASE
                    WHEN NOT is_same AND is_apart AND (
                        (
                            times >= 2
                            AND abs(right_share - times) <= tolerance * times
                            AND right_kwh / times <= (1 + tolerance) * left_whole
                        )
                        OR (round(ratio) BETWEEN 2 AND 7 AND abs(ratio - round(ratio)) <= tolerance * round(ratio))
                    ) THEN 'doubled_counter'
                END,
                CASE WHEN is_same AND is_shifted THEN 'shifted_billing_period' END,
                CASE
                    WHEN is_apart AND unexplained_kwh <= estimated
                        AND NOT (left_is_short_of_it OR right_is_short_of_it OR is_off_by_a_unit)
                    THEN 'estimated_bill'
                END
            ],
            cause -> cause IS NOT NULL
        ) AS causes
    FROM compared
    LEFT JOIN neighbours USING (month_start)
)
SELECT
    site_id,
    period,
    month_start,
    pair,
    left_kwh,
    right_kwh,
    left_kwh - right_kwh AS difference_kwh,
    unexplained_kwh,
    unexplained_kwh::DOUBLE / nullif(left_kwh, 0) AS unexplained_ratio,
    CASE
        WHEN left_kwh IS NULL OR right_kwh IS NULL THEN NULL
        WHEN NOT is_apart AND (is_same OR len(causes) = 0) THEN 'none'
        WHEN len(causes) = 1 THEN causes[1]
        ELSE 'unknown'
    END AS cause
FROM judged
WHERE month_start >= getvariable('period_start') - INTERVAL 1 MONTH
    AND month_start < getvariable('period_end')
ORDER BY site_id, month_start, pair
