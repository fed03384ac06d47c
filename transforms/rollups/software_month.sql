-- One row per site and month: components of the software stack, how many are open and how many are fully described.
-- A bill of materials is a snapshot of one image or product: the latest one of each before the end of the month counts, if
-- it is not older than the declared age. A tag or digest behind the name of an image (app:1.2, app@sha256:…) names a
-- version of it. Bills that name nothing are of one thing; all of its latest day count. A component is open under an OSI licence, or where it implements an open standard. In an SPDX
-- expression one open alternative (OR) suffices and all joint terms (AND) must be open; an exception (WITH) only adds
-- permissions. What is not an identifier of the SPDX list (names, references to a text such as LicenseRef-x,
-- abbreviations of open licences such as Apache-2), NOASSERTION, or a mixed expression with nested parentheses is
-- unknown, which is not closed; a reference that calls itself proprietary is. Fully described means all seven minimum fields of NTIA.
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
described AS (
    SELECT
        *,
        regexp_replace(describes, '[:@][^/]*$', '') AS image,
        CASE WHEN describes <> 'not stated' THEN sbom_created_at_utc END AS written_at_utc
    FROM staged.software_components
),
snapshots AS (
    SELECT
        site_id,
        month_start,
        image,
        max(observed_on) AS observed_on,
        max(written_at_utc) AS written_at_utc,
        any_value(reference_id) AS age_reference
    FROM months
    JOIN described USING (site_id)
    JOIN maximum_age ON month_start BETWEEN valid_from AND valid_to
    WHERE observed_on < month_end AND observed_on >= month_end - 1 - days
    GROUP BY site_id, month_start, image
),
components AS (
    SELECT described.*, month_start, age_reference, evidence_rank
    FROM snapshots
    JOIN described USING (site_id, image, observed_on)
    JOIN reference.evidence_classes USING (evidence_class)
    WHERE described.written_at_utc IS NOT DISTINCT FROM snapshots.written_at_utc OR described.written_at_utc IS NULL
),
expressions AS (
    SELECT DISTINCT
        licence_spdx,
        regexp_replace(trim(licence_spdx), '^\(([^()]*)\)$', '\1') AS expression
    FROM components
    WHERE licence_spdx IS NOT NULL
),
alternatives AS (
    SELECT
        licence_spdx,
        contains(expression, '(') AS is_nested,
        unnest(regexp_split_to_array(expression, '(?i)\s+OR\s+')) AS alternative
    FROM expressions
),
terms AS (
    SELECT
        licence_spdx,
        is_nested,
        alternative,
        unnest(regexp_split_to_array(alternative, '(?i)\s+AND\s+')) AS term,
        regexp_replace(trim(term, ' ()'), '(?i)\+?(\s+WITH\s+.*)?$', '') AS licence
    FROM alternatives
),
judged_terms AS (
    SELECT
        terms.*,
        reference_id,
        CASE
            WHEN reference_id IS NOT NULL THEN TRUE
            WHEN upper(licence) = 'NONE' OR regexp_matches(licence, '(?i)^LicenseRef-(.*-)?proprietary(-|$)') THEN FALSE
            WHEN regexp_full_match(licence, '[A-Za-z0-9.]+(-[A-Za-z0-9.]+)*-[0-9][A-Za-z0-9.-]*')
                AND NOT regexp_matches(licence, '(?i)^(LicenseRef|DocumentRef)')
                AND NOT exists(
                    FROM reference.osi_licences AS open_licences
                    WHERE starts_with(lower(open_licences.licence_spdx), lower(terms.licence))
                )
                THEN FALSE
        END AS is_open
    FROM terms
    LEFT JOIN reference.osi_licences ON lower(licence) = lower(osi_licences.licence_spdx) AND is_usable
),
judged_alternatives AS (
    SELECT
        licence_spdx,
        is_nested,
        CASE
            WHEN bool_or(NOT is_open) THEN FALSE
            WHEN count(is_open) = count(*) THEN TRUE
        END AS is_open,
        bool_or(is_open) AS has_open_term,
        list(reference_id) FILTER (WHERE reference_id IS NOT NULL) AS reference_rows
    FROM judged_terms
    GROUP BY licence_spdx, is_nested, alternative
),
licences AS (
    SELECT
        licence_spdx,
        CASE
            WHEN bool_and(coalesce(is_open, FALSE)) THEN TRUE
            WHEN is_nested AND bool_or(coalesce(has_open_term, TRUE)) THEN NULL
            WHEN bool_or(is_open) THEN TRUE
            WHEN count(is_open) = count(*) THEN FALSE
        END AS is_open,
        flatten(list(coalesce(reference_rows, []))) AS reference_rows
    FROM judged_alternatives
    GROUP BY licence_spdx, is_nested
),
judged_components AS (
    SELECT
        components.*,
        CASE WHEN implements_open_standard THEN TRUE ELSE is_open END AS is_open,
        component_name IS NOT NULL
            AND component_version IS NOT NULL
            AND supplier IS NOT NULL
            AND package_url IS NOT NULL
            AND sbom_author IS NOT NULL
            AND sbom_created_at_utc IS NOT NULL
            AND coalesce(has_dependencies_stated, FALSE) AS is_fully_described,
        [age_reference] || coalesce(reference_rows, []) AS reference_rows
    FROM components
    LEFT JOIN licences USING (licence_spdx)
)
SELECT
    site_id,
    month_start,
    max(observed_on) AS observed_on,
    count(*) AS components,
    count(is_open) AS openness_known_components,
    count(*) FILTER (WHERE is_open) AS open_components,
    count(*) FILTER (WHERE is_fully_described) AS fully_described_components,
    max(evidence_rank)::INTEGER AS evidence_rank,
    list_sort(list_distinct(flatten(list(reference_rows)))) AS reference_rows
FROM judged_components
GROUP BY site_id, month_start
