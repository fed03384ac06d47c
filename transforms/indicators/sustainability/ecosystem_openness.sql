-- One row per site and month: open components over the components of the software stack.
-- Open means under an OSI licence, or implementing an open standard. Components whose licence is unknown lower the
-- coverage; they do not count as closed.
-- name: Ecosystem openness | 产业生态开放
-- formula: open components ÷ components of which openness is known
-- unit: 1
-- better: higher
-- origin: declared
-- window: period
-- gap: no software inventory
-- source: our design choice
-- grain: site_id, month_start
SELECT
    site_id,
    month_start,
    (CASE WHEN openness_known_components > 0 THEN open_components END)::DECIMAL(38, 9) AS numerator,
    (CASE WHEN openness_known_components > 0 THEN openness_known_components END)::DECIMAL(38, 9) AS denominator,
    openness_known_components::DECIMAL(38, 9) AS observed,
    components::DECIMAL(38, 9) AS expected,
    evidence_rank,
    reference_rows,
    CASE WHEN openness_known_components = 0 THEN 'no software inventory' END AS gap
FROM rollups.software_month
WHERE site_id = getvariable('site_id')
    AND month_start >= getvariable('period_start')
    AND month_start < getvariable('period_end')
