-- One row per month of its vintage and certificate, or range, that the site has cancelled: its numbers held by no other.
-- Certificates carry numbers, and two statements may cut the same numbers into other ranges. A range is written as its
-- first and last number; of each, the digits and dots at the end count, and what stands before them names the series.
-- Where the numbers have decimals, one certificate of 1 MWh is 1, so that a single number stands for as many decimals as
-- its energy says. Numbers that several ranges of the site hold count with the one that begins first, of these the
-- longest, of these the first by name. Numbers that another site has cancelled too count at neither. Contracts and
-- generation on site have no numbers.
-- grain: site_id, month_start, certificate_id
WITH months AS (
    SELECT month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
claims AS (
    SELECT
        site_id,
        vintage_start,
        vintage_end,
        certificate_id,
        instrument,
        energy_kwh,
        format('{}: row {} of file {}', site_id, "row_number", file_id[:12]) AS place,
        regexp_extract(
            certificate_id, '^(.+?)(?: to | - |\s*[~～—–至]\s*)(.+)$', ['first_name', 'last_name']
        ) AS stated,
        regexp_extract(certificate_id, '^([^-]+)-([^-]+)$', ['first_name', 'last_name']) AS hyphenated,
        CASE
            WHEN stated['last_name'] <> '' THEN stated
            WHEN length(hyphenated['first_name']) = length(hyphenated['last_name'])
                AND regexp_replace(hyphenated['first_name'], '[0-9.]+$', '')
                    = regexp_replace(hyphenated['last_name'], '[0-9.]+$', '')
            THEN hyphenated
        END AS named,
        trim(coalesce(named['first_name'], certificate_id)) AS first_name,
        trim(coalesce(named['last_name'], certificate_id)) AS last_name
    FROM staged.energy_certificates
    WHERE retired_on IS NOT NULL AND instrument IN ('gec', 'irec', 'goo')
),
numbered AS (
    SELECT
        *,
        regexp_replace(first_name, '[0-9.]+$', '') AS series,
        regexp_extract(first_name, '[0-9.]+$') AS first_digits,
        regexp_extract(last_name, '[0-9.]+$') AS last_digits,
        length(split_part(first_digits, '.', 2)) AS decimals,
        try_cast(replace(first_digits, '.', '') AS HUGEINT) AS first_number,
        CASE
            WHEN named IS NULL AND decimals > 0
            THEN first_number + greatest(round(energy_kwh / 1000 * 10 ** decimals)::HUGEINT, 1) - 1
            ELSE try_cast(replace(last_digits, '.', '') AS HUGEINT)
        END AS last_number,
        coalesce(
            last_number >= first_number
            AND regexp_replace(last_name, '[0-9.]+$', '') = series
            AND length(split_part(last_digits, '.', 2)) = decimals,
            false
        ) AS is_numbered
    FROM claims
),
ranges AS (
    SELECT
        site_id,
        vintage_start,
        vintage_end,
        certificate_id,
        instrument,
        place,
        CASE WHEN is_numbered THEN series ELSE certificate_id END AS series,
        CASE WHEN is_numbered THEN first_number ELSE 1 END AS first_number,
        CASE WHEN is_numbered THEN last_number ELSE 1 END AS last_number
    FROM numbered
),
own AS (
    FROM ranges WHERE site_id = getvariable('site_id')
),
held AS (
    SELECT
        own.*,
        other.site_id AS other_site,
        other.certificate_id AS other_certificate,
        other.place AS other_place,
        other.first_number AS other_first,
        other.last_number AS other_last
    FROM own
    JOIN ranges AS other
        ON other.instrument = own.instrument AND other.series = own.series
        AND other.first_number <= own.last_number AND other.last_number >= own.first_number
    WHERE other.site_id <> own.site_id
        OR (other.first_number, -other.last_number, other.certificate_id)
            < (own.first_number, -own.last_number, own.certificate_id)
),
taken AS (
    -- Numbers of a claim that others hold, each once: where ranges of others run into one another only what goes beyond.
    SELECT
        certificate_id,
        least(other_last, last_number) AS until,
        greatest(other_first, first_number) AS beginning,
        coalesce(max(until) OVER (
            PARTITION BY certificate_id
            ORDER BY beginning, until, other_site, other_certificate
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), beginning - 1) AS taken_until,
        greatest(until - greatest(beginning - 1, taken_until), 0) AS numbers,
        other_site,
        other_certificate,
        other_place
    FROM held
),
sums AS (
    SELECT
        certificate_id,
        sum(numbers) AS numbers_taken,
        list_sort(list(other_certificate) FILTER (other_site = getvariable('site_id'))) AS overlaps_with,
        list_sort(list(other_place) FILTER (other_site <> getvariable('site_id'))) AS also_claimed_by
    FROM taken
    GROUP BY certificate_id
)
SELECT
    own.site_id,
    months.month_start,
    own.certificate_id,
    own.instrument,
    1 - coalesce(numbers_taken, 0)::DOUBLE / (last_number - first_number + 1)::DOUBLE AS own_share,
    coalesce(overlaps_with, []) AS overlaps_with,
    coalesce(also_claimed_by, []) AS also_claimed_by
FROM own
JOIN months ON vintage_start < month_end AND vintage_end > month_start
LEFT JOIN sums USING (certificate_id)
