-- One row per site and month with runs: what their device-hours were charged, or cost at the offers of each day.
-- A run that was charged costs what it was charged. One that was not costs, on each local day, the device-hour price of
-- the offer valid on that day; an offer for its accelerator comes before one for any, then an offer for its precision
-- before one for any, then the one open to the smallest buyer, then the cheapest. Prices in another currency than the
-- declared one are not converted and price nothing. Only device-hours with a known peak count, since the price is held
-- against compute.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end, time_zone
    FROM reference.site_months
    JOIN reference.sites USING (site_id)
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
days AS (
    SELECT
        site_id,
        month_start,
        unnest(generate_series(month_start, month_end - 1, INTERVAL 1 DAY)) AS local_midnight,
        local_midnight::DATE AS local_day,
        timezone('UTC', timezone(time_zone, local_midnight)) AS start_utc,
        timezone('UTC', timezone(time_zone, local_midnight + INTERVAL 1 DAY)) AS end_utc
    FROM months
),
declared_currency AS (
    SELECT reference_id, text_value AS currency, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'declared_currency' AND is_usable
),
runs AS (
    SELECT
        run_month.* REPLACE (list_append(reference_rows, declared_currency.reference_id) AS reference_rows),
        run_month.currency = declared_currency.currency AS is_comparable,
        row_number() OVER (ORDER BY month_start, cluster_id, job_id, submitted_at_utc) AS part_number
    FROM rollups.run_month
    SEMI JOIN months USING (site_id, month_start)
    LEFT JOIN declared_currency ON month_start BETWEEN valid_from AND valid_to
    WHERE device_hours > 0
),
names AS (
    SELECT name, sku FROM rollups.accelerator_name WHERE site_id = getvariable('site_id')
),
daily_offers AS (
    SELECT
        month_start,
        local_day,
        coalesce(names.sku, service_offers.sku) AS sku,
        precision,
        minimum_units,
        price,
        service_offers.currency = declared_currency.currency AS is_comparable,
        evidence_rank
    FROM days
    JOIN staged.service_offers
        ON days.site_id = service_offers.site_id
        AND local_day >= service_offers.valid_from
        AND (local_day < service_offers.valid_to OR service_offers.valid_to IS NULL)
    JOIN reference.evidence_classes USING (evidence_class)
    LEFT JOIN names ON service_offers.sku = names.name
    LEFT JOIN declared_currency ON local_day BETWEEN declared_currency.valid_from AND declared_currency.valid_to
    WHERE unit = 'device_hour'
),
charged_parts AS (
    SELECT *, 1 AS share, charged_amount::DOUBLE AS amount
    FROM runs
    WHERE charged_amount IS NOT NULL AND is_comparable
),
uncharged_days AS (
    SELECT
        runs.*,
        local_day,
        date_diff('microsecond', greatest(from_utc, start_utc), least(to_utc, end_utc))
            / date_diff('microsecond', from_utc, to_utc) AS share
    FROM runs
    JOIN days ON runs.month_start = days.month_start AND from_utc < end_utc AND to_utc > start_utc
    WHERE charged_amount IS NULL
),
listed_parts AS (
    SELECT
        uncharged_days.* REPLACE (greatest(uncharged_days.evidence_rank, offers.evidence_rank) AS evidence_rank),
        device_hours::DOUBLE * share * price AS amount
    FROM uncharged_days
    JOIN daily_offers AS offers
        ON uncharged_days.local_day = offers.local_day
        AND (offers.sku = uncharged_days.sku OR offers.sku IS NULL)
        AND (offers.precision = uncharged_days.precision OR offers.precision IS NULL)
    WHERE offers.is_comparable
    QUALIFY row_number() OVER (
        PARTITION BY part_number, offers.local_day
        ORDER BY offers.sku NULLS LAST, offers.precision NULLS LAST, minimum_units NULLS FIRST, price
    ) = 1
),
priced_parts AS (
    SELECT month_start, share, device_hours, amount, achieved_pflop_h, peak_pflop_h, evidence_rank, reference_rows
    FROM charged_parts
    UNION ALL BY NAME
    SELECT month_start, share, device_hours, amount, achieved_pflop_h, peak_pflop_h, evidence_rank, reference_rows
    FROM listed_parts
),
prices AS (
    SELECT
        month_start,
        sum((device_hours::DOUBLE * share)::DECIMAL(38, 9)) AS priced_device_hours,
        sum(amount::DECIMAL(38, 9)) AS priced_amount,
        sum((coalesce(achieved_pflop_h, 0)::DOUBLE * share)::DECIMAL(38, 9)) AS priced_achieved_pflop_h,
        sum((CASE WHEN achieved_pflop_h IS NULL THEN peak_pflop_h ELSE 0 END::DOUBLE * share)::DECIMAL(38, 9))
            AS priced_uncounted_peak_pflop_h,
        max(evidence_rank)::INTEGER AS evidence_rank,
        list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows
    FROM priced_parts
    WHERE peak_pflop_h > 0
    GROUP BY month_start
),
allocations AS (
    SELECT
        site_id,
        month_start,
        sum(device_hours) AS allocated_device_hours,
        count(charged_amount) AS charged_runs,
        max(evidence_rank)::INTEGER AS evidence_rank
    FROM runs
    GROUP BY site_id, month_start
),
offered_days AS (
    SELECT month_start, count(DISTINCT local_day) AS offered_days
    FROM daily_offers
    GROUP BY month_start
)
SELECT
    allocations.* EXCLUDE (evidence_rank),
    coalesce(offered_days, 0) AS offered_days,
    priced_device_hours,
    priced_amount,
    priced_achieved_pflop_h,
    priced_uncounted_peak_pflop_h,
    coalesce(prices.evidence_rank, allocations.evidence_rank) AS evidence_rank,
    coalesce(reference_rows, []::VARCHAR[]) AS reference_rows
FROM allocations
LEFT JOIN prices USING (month_start)
LEFT JOIN offered_days USING (month_start)
