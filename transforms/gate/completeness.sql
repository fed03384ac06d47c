-- One row per indicator that ought to be in the scorecard, and how often it is.
-- grain: indicator
SELECT catalogue.indicator, count(scored.indicator)::BIGINT AS rows
FROM reference.indicators AS catalogue
LEFT JOIN scorecards.indicators AS scored
    ON scored.indicator = catalogue.indicator
    AND scored.site_id = getvariable('site_id')
    AND scored.period = getvariable('period')
GROUP BY catalogue.indicator
ORDER BY catalogue.indicator
