-- One row per site and month: software carbon intensity, grams per effective PFLOP-hour.
-- Energy is that of the whole facility, idle hardware included; market-based instruments are kept out. Effective
-- compute is what the runs achieved. Where part of a month's electricity is unknown, compute counts in the same share
-- of days, because energy that is unknown is not zero.
-- name: Software carbon intensity (SCI) | 软件碳强度
-- formula: Σ (E × I + M) ÷ Σ effective PFLOP-hours, location-based, in g
-- unit: gCO2e/PFLOP-h
-- better: lower
-- origin: standard
-- window: period
-- gap: no workload records
-- source: Green-Software-Foundation/sci SPEC.md v1.1.0; R (effective PFLOP-h) ours
-- grain: site_id, month_start
WITH facts AS (
    SELECT
        *,
        coalesce(location_gap, embodied_gap, compute_gap) AS gap,
        greatest(location_evidence_rank, embodied_evidence_rank, compute_evidence_rank) AS evidence_rank,
        [location_reference_rows, embodied_reference_rows, compute_reference_rows] AS cited
    FROM rollups.carbon_intensity_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
)
SELECT
    site_id,
    month_start,
    (CASE WHEN gap IS NULL THEN 1000 * (location_kgco2e + embodied_kgco2e * energy_share) END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN gap IS NULL THEN effective_pflop_h * energy_share END)::DECIMAL(38, 9) AS denominator,
    (CASE WHEN gap IS NULL THEN days * least(energy_share, compute_share, embodied_share) ELSE 0 END)::DECIMAL(38, 9)
        AS observed,
    days::DECIMAL(38, 9) AS expected,
    evidence_rank,
    list_sort(list_distinct(flatten(cited))) AS reference_rows,
    gap
FROM facts
