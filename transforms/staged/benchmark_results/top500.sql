-- One row per system of a list: its HPL performance, peak and, where stated, mean power.
-- Power is metered at the inlet of the system during the run (EE HPC WG methodology), hence IT input. A system
-- without power keeps unknown power. The System ID distinguishes the many systems without a name.
SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    'hpl' AS benchmark,
    strftime(list_date, '%Y-%m') AS benchmark_version,
    coalesce("Name", "Computer") AS system_name,
    "System ID" AS configuration,
    'hpl_rmax' AS metric,
    "Rmax [TFlop/s]" AS "value",
    'TFLOP/s' AS unit,
    "Rpeak [TFlop/s]" AS peak_value,
    'FP64' AS "precision",
    "Accelerator/Co-Processor" AS sku,
    "Power (kW)" * 1000 AS mean_power_w,
    CASE WHEN "Power (kW)" IS NOT NULL THEN 'it_input' END AS power_boundary,
    coalesce("Energy Efficiency [GFlops/Watts]", "Mflops/Watt" / 1000) AS stated_gflops_per_w,
    list_date::TIMESTAMP AS started_at_utc,
    list_date::TIMESTAMP AS ended_at_utc
FROM raw.top500
