-- One row per site and period: electricity on bills, at meters and in devices, and the share of the bill left unexplained.
-- Bills and meters are compared over the months that have both. Where they do not add up, the status names the reason
-- if there is one: months without one of them, hours without a reading, an estimated bill.
-- unit: kWh
-- grain: site_id, period
WITH periods AS (
    SELECT site_id, period, period_start, period_end
    FROM reference.site_periods
    WHERE site_id = getvariable('site_id')
        AND period_end > getvariable('period_start')
        AND period_start < getvariable('period_end')
),
months AS (
    SELECT *, bill_kwh IS NOT NULL AND meter_kwh IS NOT NULL AS is_compared
    FROM rollups.energy_reconciliation_month
),
tolerances AS (
    SELECT value AS tolerance, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'reconciliation_tolerance' AND is_usable
),
sums AS (
    SELECT
        periods.site_id,
        periods.period,
        periods.period_start,
        sum(months.bill_kwh) AS bill_kwh,
        sum(months.meter_kwh) AS meter_kwh,
        sum(months.device_kwh) AS device_kwh,
        sum(months.unexplained_kwh) FILTER (months.is_compared) AS unexplained_kwh,
        sum(months.bill_kwh) FILTER (months.is_compared) AS compared_kwh,
        sum(months.unmetered_kwh) FILTER (months.is_compared) AS unmetered_kwh,
        sum(months.estimated_bill_kwh) FILTER (months.is_compared) AS estimated_bill_kwh,
        coalesce(bool_and(months.is_compared), true) AS is_compared_throughout
    FROM periods
    LEFT JOIN months
        ON months.site_id = periods.site_id
        AND months.month_start >= periods.period_start
        AND months.month_start < periods.period_end
    GROUP BY ALL
)
SELECT
    sums.site_id,
    sums.period,
    sums.bill_kwh,
    sums.meter_kwh,
    sums.device_kwh,
    sums.unexplained_kwh,
    (sums.unexplained_kwh / nullif(sums.compared_kwh, 0))::DOUBLE AS unexplained_ratio,
    CASE
        WHEN sums.bill_kwh IS NULL THEN 'no bill'
        WHEN sums.meter_kwh IS NULL THEN 'no meter readings'
        WHEN NOT sums.is_compared_throughout THEN 'months missing'
        WHEN abs(sums.unexplained_kwh) <= tolerances.tolerance * abs(sums.compared_kwh) THEN 'ok'
        WHEN abs(sums.unexplained_kwh - sums.unmetered_kwh) <= tolerances.tolerance * abs(sums.compared_kwh)
            THEN 'partly metered'
        WHEN sums.estimated_bill_kwh > 0 THEN 'bill estimated'
        ELSE 'unexplained'
    END AS status
FROM sums
LEFT JOIN tolerances ON sums.period_start BETWEEN tolerances.valid_from AND tolerances.valid_to
ORDER BY sums.site_id, sums.period_start, sums.period
