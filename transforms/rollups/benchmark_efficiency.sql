-- One row per benchmark result with power: work per watt or energy per unit of work, beside the stated value.
-- Results in floating-point operations per second give GFLOPS/W, results in any other unit per second give joules per
-- unit. A result without power, or with a power of zero, has no efficiency and no row.
-- as a view: no indicator counts it yet
-- grain: site_id, month_start, benchmark, scenario, system_name, metric, configuration, started_at_utc
WITH results AS (
    SELECT *
    FROM staged.benchmark_results
    WHERE mean_power_w > 0
),

months AS (
    FROM reference.site_months
),

evidence AS (
    FROM reference.evidence_classes
),

flop_units (unit, gflop_per_s) AS (
    VALUES ('GFLOP/s', 1e0), ('TFLOP/s', 1e3), ('PFLOP/s', 1e6), ('EFLOP/s', 1e9)
)

SELECT
    months.site_id,
    months.month_start,
    results.benchmark,
    results.benchmark_version,
    results.scenario,
    results.system_name,
    results.configuration,
    results.metric,
    results.started_at_utc,
    results.ended_at_utc,
    results."value",
    results.unit,
    results.mean_power_w,
    results.power_boundary,
    results."value" * flop_units.gflop_per_s / results.mean_power_w AS gflops_per_w,
    CASE
        WHEN flop_units.unit IS NULL AND results.unit LIKE '%/s' THEN results.mean_power_w / nullif(results."value", 0)
    END AS energy_per_unit_j,
    results.stated_gflops_per_w,
    results.stated_energy_per_unit_j,
    evidence.evidence_rank
FROM results
INNER JOIN months
    ON
        results.site_id = months.site_id
        AND results.started_at_utc >= months.start_utc
        AND results.started_at_utc < months.end_utc
LEFT JOIN flop_units ON results.unit = flop_units.unit
LEFT JOIN evidence ON results.evidence_class = evidence.evidence_class
