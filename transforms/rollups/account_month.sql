-- One row per site, month and billed account: what its bills state, and what is missing of the days they ought to state.
-- An account is expected from the first to the last day of its bills, between which no bill is no consumption. Where its
-- bills end it is expected until a successor begins: one of the same commodity and delivery point (户号, what stands
-- before the slash of the meter_id), or, where no account names its delivery point so, of the same commodity, from seven
-- days before the end to 100 days after it, and of one account only, the one that ended nearest and used most alike.
-- Where none does, its last bill is missing: it stays expected for twelve months. One that was closed says so by a last
-- bill of 0. What is missing is filled at the account's own rate: of the month, else of its nearest bill, else the mean
-- rate of the accounts that are known. filled is what is known and what fills it; it serves as a weight, never as a
-- figure. Unit: kWh, m3 for water.
-- reaches: 12 months before and 100 days after the scope
-- grain: site_id, month_start, commodity, meter_id
WITH months AS (
    SELECT site_id, month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
bills AS (
    SELECT
        commodity,
        meter_id,
        service_start,
        service_end,
        sum(CASE commodity WHEN 'water' THEN water_m3 ELSE energy_kwh END) AS quantity,
        quantity / date_diff('day', service_start, service_end) AS daily_quantity
    FROM staged.utility_bills
    WHERE site_id = getvariable('site_id')
        AND line_type = 'consumption'
        AND CASE commodity WHEN 'water' THEN water_m3 ELSE energy_kwh END IS NOT NULL
        AND service_start < getvariable('period_end') + INTERVAL 100 DAY
        AND service_end > getvariable('period_start') - INTERVAL 12 MONTH
    GROUP BY commodity, meter_id, service_start, service_end
),
accounts AS (
    SELECT
        commodity,
        meter_id,
        split_part(meter_id, '/', 1) AS delivery_point,
        contains(meter_id, '/') AS names_delivery_point,
        min(service_start) AS first_day,
        max(service_end) AS end_day,
        sum(quantity) / sum(date_diff('day', service_start, service_end)) AS daily_quantity
    FROM bills
    GROUP BY commodity, meter_id
),
likeness AS (
    SELECT
        before.commodity,
        before.meter_id,
        after.meter_id AS successor_id,
        after.first_day AS successor_day,
        abs(date_diff('day', before.end_day, after.first_day)) AS days_apart,
        abs(after.daily_quantity - before.daily_quantity) AS quantity_apart
    FROM accounts AS before
    JOIN accounts AS after
        ON after.commodity = before.commodity
        AND after.meter_id <> before.meter_id
        AND after.first_day > before.first_day
        AND after.end_day > before.end_day
        AND after.first_day BETWEEN before.end_day - INTERVAL 7 DAY AND before.end_day + INTERVAL 100 DAY
        AND (
            after.delivery_point = before.delivery_point
            OR NOT (after.names_delivery_point OR before.names_delivery_point)
        )
    QUALIFY row_number() OVER (
        PARTITION BY before.commodity, successor_id ORDER BY days_apart, quantity_apart, before.meter_id
    ) = 1
),
successors AS (
    SELECT DISTINCT ON (commodity, meter_id) commodity, meter_id, successor_day
    FROM likeness
    ORDER BY commodity, meter_id, days_apart, quantity_apart, successor_id
),
expected AS (
    SELECT
        month_start,
        month_end,
        commodity,
        meter_id,
        end_day,
        successor_day,
        coalesce(successor_day, end_day + INTERVAL 12 MONTH) AS until,
        greatest(first_day, month_start) AS from_day,
        least(greatest(end_day, until), month_end)::DATE AS until_day
    FROM accounts
    LEFT JOIN successors USING (commodity, meter_id)
    JOIN months ON first_day < month_end AND greatest(end_day, coalesce(successor_day, end_day + INTERVAL 12 MONTH)) > month_start
),
nearest AS (
    SELECT
        month_start,
        commodity,
        meter_id,
        arg_min(
            daily_quantity,
            (greatest(date_diff('day', service_end, month_start), date_diff('day', month_end, service_start)), service_start)
        ) AS daily_quantity
    FROM expected
    JOIN bills USING (commodity, meter_id)
    GROUP BY month_start, commodity, meter_id
),
stated AS (
    SELECT
        month_start,
        commodity,
        meter_id,
        count(DISTINCT day) AS known_days,
        sum(CASE commodity WHEN 'water' THEN water_m3 ELSE energy_kwh END) AS quantity
    FROM rollups.bill_day
    WHERE site_id = getvariable('site_id') AND line_type = 'consumption'
    GROUP BY month_start, commodity, meter_id
),
rated AS (
    SELECT
        expected.*,
        coalesce(known_days, 0) AS known_days,
        date_diff('day', from_day, until_day) AS expected_days,
        coalesce(quantity, 0) AS quantity,
        coalesce(quantity / nullif(known_days, 0), nearest.daily_quantity) AS daily_quantity
    FROM expected
    LEFT JOIN nearest USING (month_start, commodity, meter_id)
    LEFT JOIN stated USING (month_start, commodity, meter_id)
)
SELECT
    getvariable('site_id') AS site_id,
    month_start,
    commodity,
    meter_id,
    from_day,
    until_day,
    expected_days::BIGINT AS expected_days,
    known_days::BIGINT AS known_days,
    quantity::DECIMAL(38, 9) AS known_quantity,
    (
        quantity + greatest(expected_days - known_days, 0) * coalesce(
            daily_quantity, avg(daily_quantity) OVER (PARTITION BY month_start, commodity), 0
        )
    )::DECIMAL(38, 9) AS filled_quantity,
    end_day < until_day AND successor_day IS NULL AS last_bill_is_missing
FROM rated
