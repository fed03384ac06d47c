-- One row per reference fact that the scorecard rests on: whether it is there, may be used, and held in the window.
-- grain: reference_id
WITH uses AS (
    SELECT unnest(reference_rows) AS reference_id, window_start, window_end
    FROM scorecards.indicators
    WHERE site_id = getvariable('site_id') AND period = getvariable('period')
),
used AS (
    SELECT reference_id, min(window_start) AS window_start, max(window_end) AS window_end
    FROM uses
    GROUP BY reference_id
),
facts AS (
    SELECT reference_id, is_usable, NULL::DATE AS valid_from, NULL::DATE AS valid_to FROM reference.accelerators
    UNION ALL
    SELECT reference_id, is_usable, valid_from, valid_to FROM reference.grid_emission_factors
    UNION ALL
    SELECT reference_id, is_usable, NULL, NULL FROM reference.embodied_carbon
    UNION ALL
    SELECT reference_id, is_usable, valid_from, valid_to FROM reference.parameters
    UNION ALL
    SELECT reference_id, is_usable, NULL, NULL FROM reference.osi_licences
    UNION ALL
    SELECT reference_id, is_usable, NULL, NULL FROM reference.generation_factors
)
SELECT
    used.reference_id,
    bool_or(
        coalesce(facts.is_usable, false)
        AND coalesce(facts.valid_from < used.window_end, true)
        AND coalesce(facts.valid_to >= used.window_start, true)
    ) AS holds
FROM used
LEFT JOIN facts USING (reference_id)
GROUP BY used.reference_id
ORDER BY used.reference_id
