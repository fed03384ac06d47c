-- One row per benchmark result with a meter: the meter's samples within the measured window.
-- Mean power is power_sum_w over power_samples, as MLPerf defines it: every sample between the first and the last
-- instant of the load counts alike. Without a sample in the window, power_sum_w is unknown.
-- as a view: no indicator counts it yet
-- grain: site_id, benchmark, scenario, system_name, configuration, metric, started_at_utc
WITH results AS (
    SELECT months.month_start, results.*, classes.evidence_rank
    FROM staged.benchmark_results AS results
    INNER JOIN reference.site_months AS months
        ON
            results.site_id = months.site_id
            AND results.started_at_utc >= months.start_utc
            AND results.started_at_utc < months.end_utc
    INNER JOIN reference.evidence_classes AS classes USING (evidence_class)
    WHERE results.meter_id IS NOT NULL
),

samples AS (
    SELECT
        readings.site_id,
        readings.meter_id,
        readings.started_at_utc AS sampled_at_utc,
        readings.power_w,
        classes.evidence_rank
    FROM staged.facility_readings AS readings
    INNER JOIN reference.evidence_classes AS classes USING (evidence_class)
    WHERE
        readings.started_at_utc = readings.ended_at_utc
        AND readings.power_w IS NOT NULL
        AND NOT readings.is_suspect
),

windows AS (
    SELECT DISTINCT site_id, meter_id, started_at_utc, ended_at_utc
    FROM results
),

measured_windows AS (
    SELECT
        windows.site_id,
        windows.meter_id,
        windows.started_at_utc,
        windows.ended_at_utc,
        sum(samples.power_w::DECIMAL(38, 9)) AS power_sum_w,
        count(*) AS power_samples,
        max(samples.evidence_rank) AS evidence_rank
    FROM windows
    INNER JOIN samples
        ON
            windows.site_id = samples.site_id
            AND windows.meter_id = samples.meter_id
            AND samples.sampled_at_utc BETWEEN windows.started_at_utc AND windows.ended_at_utc
    GROUP BY ALL
)

SELECT
    results.site_id,
    results.month_start,
    results.benchmark,
    results.scenario,
    results.system_name,
    results.configuration,
    results.metric,
    results.started_at_utc,
    results.ended_at_utc,
    results.value,
    results.unit,
    results.is_valid,
    results.meter_id,
    measured.power_sum_w,
    coalesce(measured.power_samples, 0) AS power_samples,
    greatest(results.evidence_rank, measured.evidence_rank)::INTEGER AS evidence_rank
FROM results
LEFT JOIN measured_windows AS measured USING (site_id, meter_id, started_at_utc, ended_at_utc)
