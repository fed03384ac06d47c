-- One row per site and month: weight of the compatibility tests the tenants need, and of those that pass.
-- Each test counts on each device type with its latest result known at the end of the month and not older
-- than the declared age. A test that was not run is neither passed nor failed.
-- grain: site_id, month_start
WITH months AS (
    SELECT site_id, month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
maximum_age AS (
    SELECT reference_id, value::INTEGER AS days, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'snapshot_max_age_days' AND is_usable
),
latest_results AS (
    SELECT
        site_id,
        month_start,
        result,
        is_required,
        weight::DECIMAL(38, 9) AS weight,
        evidence_rank,
        maximum_age.reference_id
    FROM staged.compatibility_tests
    JOIN reference.evidence_classes USING (evidence_class)
    JOIN months USING (site_id)
    JOIN maximum_age ON month_start BETWEEN valid_from AND valid_to
    WHERE tested_on < month_end AND tested_on >= month_end - 1 - days
    QUALIFY row_number() OVER (PARTITION BY month_start, test_id, sku ORDER BY tested_on DESC) = 1
)
SELECT
    site_id,
    month_start,
    count(*) AS required_tests,
    sum(weight) AS required_weight,
    sum(CASE WHEN result != 'not_run' THEN weight ELSE 0 END) AS tested_weight,
    sum(CASE WHEN result = 'passed' THEN weight ELSE 0 END) AS passed_weight,
    max(evidence_rank)::INTEGER AS evidence_rank,
    [any_value(reference_id)] AS reference_rows
FROM latest_results
WHERE is_required
GROUP BY site_id, month_start
