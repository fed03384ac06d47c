-- One row per site, month and claim of green power: what of it falls into the month, and whether it counts.
-- A claim falls evenly on the days of its vintage; outside its vintage it is nothing. It counts once it is cancelled for
-- the site; a Chinese certificate only if that was within its validity: two years from the month of generation, for
-- generation before 2024 until the end of 2025 (国家能源局, 可再生能源绿色电力证书核发和交易规则, 2024; secondary).
-- Each certificate number counts once (rollups.claim_overlap): what another claim of the site holds too is left out of
-- counted_kwh, overlaps_with naming the other; what several sites have cancelled counts at none of them, because nothing
-- says whose it is, also_claimed_by naming the other rows. A certificate delivered under a contract that counts in the
-- month is part of it, not more. A claim for on-site generation counts only where no meter measures it. Several claims
-- may still exceed what the site used; who sums them caps them.
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
        CASE
            WHEN instrument = 'gec' AND vintage_start < DATE '2024-01-01' THEN DATE '2026-01-01'
            WHEN instrument = 'gec' THEN date_trunc('month', vintage_start) + INTERVAL 24 MONTH
        END AS invalid_from,
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
        coalesce(own_share, 1) AS own_share,
        coalesce(overlaps_with, []) AS overlaps_with,
        coalesce(also_claimed_by, []) AS also_claimed_by,
        CASE
            WHEN retired_on IS NULL THEN 'not cancelled'
            WHEN retired_on >= invalid_from THEN 'cancelled after its validity'
            WHEN own_share = 0 AND also_claimed_by <> [] THEN 'claimed by several sites'
            WHEN own_share = 0 THEN 'held by another claim'
            WHEN instrument = 'on_site' AND measured.month_start IS NOT NULL THEN 'measured by a meter'
            WHEN instrument <> 'ppa' AND contracts.contract_id IS NOT NULL THEN 'part of its contract'
            ELSE 'counted'
        END AS status
    FROM claims
    LEFT JOIN (SELECT * EXCLUDE (site_id) FROM rollups.claim_overlap) AS overlap
        USING (month_start, certificate_id, instrument)
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
    (CASE WHEN status = 'counted' THEN energy_kwh * own_share ELSE 0 END)::DECIMAL(38, 9) AS counted_kwh,
    status,
    overlaps_with,
    also_claimed_by,
    evidence_rank::INTEGER AS evidence_rank,
    file_id,
    "row_number"
FROM judged
