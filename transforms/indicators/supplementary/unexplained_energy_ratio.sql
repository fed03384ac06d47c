-- One row per site and month: difference between bill and utility meter over the bill.
-- Months add up without cancelling: a bill too high in one month does not excuse one too low in another. Hours without
-- a reading lower the coverage; what they used is unexplained.
-- name: Unexplained energy ratio | 电量差异率
-- formula: Σ |bill kWh − metered kWh| ÷ Σ bill kWh
-- unit: 1
-- better: lower
-- origin: declared
-- window: period
-- gap: no bill
-- source: our design choice
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, hours, date_diff('day', month_start, month_end) AS days
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
reconciled AS (
    SELECT
        months.hours,
        reconciliation.*,
        least(meter_hours / hours, bill_days / days, 1) AS known_share,
        unexplained_kwh IS NOT NULL AS is_known
    FROM rollups.energy_reconciliation_month AS reconciliation
    JOIN months USING (site_id, month_start)
)
SELECT
    site_id,
    month_start,
    CASE WHEN is_known THEN abs(unexplained_kwh) END AS numerator,
    CASE WHEN is_known THEN bill_kwh END AS denominator,
    (CASE WHEN is_known THEN hours * known_share ELSE 0 END)::DECIMAL(38, 9) AS observed,
    hours AS expected,
    evidence_rank,
    []::VARCHAR[] AS reference_rows,
    gap
FROM reconciled
