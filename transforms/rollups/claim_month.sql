-- One row per site, month and claim of green power: what of it falls into the month, and whether it counts.
-- A claim falls evenly on the days of its vintage; outside its vintage it is nothing. It counts once it is cancelled for
-- the site. A certificate that several sites have cancelled counts at none of them, because nothing says whose it is:
-- also_claimed_by names the other rows. A certificate delivered under a contract that counts in the month is part of
-- it, not more. A claim for on-site generation counts only where no meter measures it. Several claims may still exceed
-- what the site used; rollups.energy_month.claimed_kwh caps them.
-- grain: site_id, month_start, certificate_id
WITH months AS (
    SELECT site_id, month_start, month_end
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
claims AS (
    SELECT
        months.site_id,
        month_start,
        certificate_id,
        instrument,
        contract_id,
        retired_on,
        (
            energy_kwh * date_diff('day', greatest(vintage_start, month_start), least(vintage_end, month_end))
            / date_diff('day', vintage_start, vintage_end)
        )::DECIMAL(38, 9) AS energy_kwh,
        evidence_rank,
        file_id,
        "row_number"
    FROM staged.energy_certificates
    JOIN reference.evidence_classes USING (evidence_class)
    JOIN months
        ON months.site_id = energy_certificates.site_id AND vintage_start < month_end AND vintage_end > month_start
),
elsewhere AS (
    SELECT
        certificate_id,
        instrument,
        list_sort(list(format('{}: row {} of file {}', site_id, "row_number", file_id[:12]))) AS also_claimed_by
    FROM staged.energy_certificates
    WHERE site_id <> getvariable('site_id') AND retired_on IS NOT NULL AND instrument IN ('gec', 'irec', 'goo')
    GROUP BY certificate_id, instrument
),
measured AS (
    SELECT month_start
    FROM rollups.meter_hour
    WHERE site_id = getvariable('site_id') AND boundary = 'on_site_renewable' AND energy_kwh IS NOT NULL
    GROUP BY month_start
),
contracts AS (
    SELECT month_start, certificate_id AS contract_id
    FROM claims
    WHERE instrument = 'ppa' AND retired_on IS NOT NULL
),
judged AS (
    SELECT
        claims.*,
        coalesce(also_claimed_by, []) AS also_claimed_by,
        CASE
            WHEN retired_on IS NULL THEN 'not cancelled'
            WHEN also_claimed_by IS NOT NULL THEN 'claimed by several sites'
            WHEN instrument = 'on_site' AND measured.month_start IS NOT NULL THEN 'measured by a meter'
            WHEN instrument <> 'ppa' AND contracts.contract_id IS NOT NULL THEN 'part of its contract'
            ELSE 'counted'
        END AS status
    FROM claims
    LEFT JOIN elsewhere USING (certificate_id, instrument)
    LEFT JOIN measured ON measured.month_start = claims.month_start
    LEFT JOIN contracts ON contracts.month_start = claims.month_start AND contracts.contract_id = claims.contract_id
)
SELECT
    site_id,
    month_start,
    certificate_id,
    instrument,
    contract_id,
    energy_kwh,
    (CASE WHEN status = 'counted' THEN energy_kwh ELSE 0 END)::DECIMAL(38, 9) AS counted_kwh,
    status,
    also_claimed_by,
    evidence_rank::INTEGER AS evidence_rank,
    file_id,
    "row_number"
FROM judged
