-- One row per test case of a report: a test of one operator, framework or model on one device type.
-- An error is a failure: the test did not pass. A skipped test has not been run.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    concat_ws('.', classname, "name") AS test_id,
    subject_kind,
    coalesce(subject, trim(regexp_replace("name", '\[.*\]$', ''))) AS subject_name,
    subject_version,
    sku,
    tested_on,
    CASE outcome WHEN 'passed' THEN 'passed' WHEN 'skipped' THEN 'not_run' ELSE 'failed' END AS result,
    is_required,
    weight,
    evidence_url
FROM raw.junit
