-- One row per site, device and hour: observed time, busy time and energy of one accelerator, summed over samples.
-- A sample holds over its stated interval; without one until the next sample of its series, at most 300 s, and where
-- none follows so soon, as long as the sample before it did. It never holds beyond the next one. Pieces are cut at
-- hours. Energy is the rise of the counter from sample to sample: of one device series, over at most a day, and no
-- more than the highest power allows (1.2 x TDP of the SKU, 20 kW where unknown; the counter is that of all
-- device_count devices). Where the counter falls, recovers from a fall, is missing or rises too much, energy is power
-- x held time instead; a counter that stands still in an hour in which power is drawn, so that it gives less than
-- three quarters of what power gives over the same time, is dead and not used in that hour (chance alone does not
-- bring power sampled once a minute so far off). Power is only ever held, never differenced: what rises and falls with
-- the load is no counter. A device that answers, so that its utilisation is known, draws power: 0 W from it says that
-- it cannot measure, which is unknown. Without utilisation 0 W is a device that is off, and without a sample nothing
-- is known. Instances of a partitioned device repeat its counter and power, so energy and time are taken from the best
-- known series, once. Its utilisation is the time-weighted mean over the instances seen, instances without a value
-- staying unknown; where the device states one for the whole of itself in the hour, that one stands. Times are summed
-- as whole microseconds and energies as whole microjoules, so that sums are exact.
-- What was found wrong is counted: falls and excesses of the counter, samples of 0 W that cannot be, instances
-- expected (any sample) and seen (with utilisation), and counter beside power over the time in which both are known.
-- reaches: 1 day before and after the scope; further back where a stated interval does
-- grain: site_id, hour_start_utc, device_id
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
highest_power AS (
    SELECT sku, 1.2 * max(tdp_w) AS highest_w
    FROM reference.accelerators
    WHERE is_usable AND tdp_w > 0
    GROUP BY sku
),
samples AS (
    SELECT
        node_id,
        device_id,
        instance_id,
        sku,
        sampled_at_utc,
        CASE WHEN interval_s > 0 THEN (interval_s * 1e6)::BIGINT END AS interval_us,
        device_count,
        utilisation_ratio,
        power_w = 0 AND utilisation_ratio IS NOT NULL AS is_zero_for_unknown,
        CASE WHEN coalesce(is_zero_for_unknown, false) THEN NULL ELSE power_w END AS power_w,
        energy_counter_j,
        evidence_class
    FROM staged.accelerator_samples
    WHERE site_id = getvariable('site_id')
        AND sampled_at_utc < getvariable('end_utc') + INTERVAL 1 DAY
        AND sampled_at_utc + greatest(INTERVAL 1 DAY, to_microseconds(interval_us)) > getvariable('start_utc')
),
neighbours AS (
    SELECT
        *,
        date_diff('microsecond', lag(sampled_at_utc) OVER series, sampled_at_utc) AS since_previous_us,
        date_diff('microsecond', sampled_at_utc, lead(sampled_at_utc) OVER series) AS to_next_us,
        lead(energy_counter_j) OVER series - energy_counter_j AS rise_j,
        lag(energy_counter_j) OVER series AS previous_j
    FROM samples
    WINDOW series AS (PARTITION BY device_id, instance_id ORDER BY sampled_at_utc)
),
spans AS (
    SELECT
        *,
        CASE
            WHEN interval_us IS NOT NULL THEN least(interval_us, to_next_us)
            WHEN to_next_us <= 300_000_000 THEN to_next_us
            ELSE least(since_previous_us, 300_000_000)
        END AS hold_us,
        coalesce(highest_w, 20_000) * device_count * to_next_us / 1e6 AS highest_j,
        coalesce(energy_counter_j < previous_j AND energy_counter_j + rise_j >= previous_j, false) AS recovers,
        coalesce(rise_j BETWEEN 0 AND highest_j AND to_next_us <= 86_400_000_000, false) AND NOT recovers AS is_counted,
        CASE WHEN is_counted THEN rise_j END AS counted_j,
        CASE WHEN is_counted THEN greatest(hold_us, to_next_us) ELSE hold_us END AS span_us
    FROM neighbours
    LEFT JOIN highest_power USING (sku)
),
hours AS (
    SELECT
        *,
        unnest(
            range(
                time_bucket(INTERVAL 1 HOUR, sampled_at_utc, getvariable('start_utc')),
                sampled_at_utc + to_microseconds(span_us),
                INTERVAL 1 HOUR
            )
        ) AS hour_start_utc
    FROM spans
),
pieces AS (
    SELECT
        *,
        hour_start_utc + INTERVAL 1 HOUR AS hour_end_utc,
        date_diff('microsecond', hour_start_utc, sampled_at_utc) AS begin_us,
        greatest(least(begin_us + hold_us, 3_600_000_000) - greatest(begin_us, 0), 0) AS held_us,
        greatest(least(begin_us + to_next_us, 3_600_000_000) - greatest(begin_us, 0), 0) AS counted_us,
        is_counted AND power_w IS NOT NULL AND held_us = counted_us AS is_compared
    FROM hours
    WHERE hour_start_utc >= getvariable('start_utc') AND hour_start_utc < getvariable('end_utc')
),
series_hours AS (
    SELECT
        hour_start_utc,
        device_id,
        instance_id,
        max(node_id) AS node_id,
        max(sku) AS sku,
        count(*) FILTER (WHERE begin_us >= 0) AS samples,
        sum(held_us * device_count) AS held_us,
        sum(held_us * device_count) FILTER (WHERE utilisation_ratio IS NOT NULL) AS utilisation_us,
        sum((utilisation_ratio * held_us * device_count)::BIGINT) AS busy_us,
        sum(counted_us * device_count) FILTER (WHERE is_counted) AS counted_us,
        sum((counted_j * counted_us / to_next_us * 1e6)::BIGINT) AS counted_uj,
        sum(held_us * device_count) FILTER (WHERE power_w IS NOT NULL) AS powered_us,
        sum((power_w * held_us * device_count)::BIGINT) AS powered_uj,
        sum(held_us * device_count) FILTER (WHERE power_w IS NOT NULL AND NOT is_counted) AS bridged_us,
        sum((power_w * held_us * device_count)::BIGINT) FILTER (WHERE NOT is_counted) AS bridged_uj,
        sum((power_w * held_us * device_count)::BIGINT) FILTER (WHERE is_compared) AS compared_powered_uj,
        sum((counted_j * counted_us / to_next_us * 1e6)::BIGINT) FILTER (WHERE is_compared) AS compared_counted_uj,
        count(*) FILTER (WHERE begin_us >= 0 AND rise_j < 0) AS counter_falls,
        count(*) FILTER (WHERE begin_us >= 0 AND rise_j > highest_j) AS counter_excesses,
        count(*) FILTER (WHERE begin_us >= 0 AND is_zero_for_unknown) AS zero_power_samples,
        max(evidence_rank) AS evidence_rank
    FROM pieces
    JOIN reference.evidence_classes USING (evidence_class)
    GROUP BY hour_start_utc, device_id, instance_id
),
series_energies AS (
    SELECT
        *,
        coalesce(counted_uj, 0) = 0 AND coalesce(powered_uj, 0) > 0
        OR coalesce(compared_counted_uj < 0.75 * compared_powered_uj, false) AS counter_is_dead,
        CASE
            WHEN counter_is_dead THEN {us: powered_us, uj: powered_uj}
            ELSE {
                us: coalesce(counted_us, 0) + coalesce(bridged_us, 0),
                uj: coalesce(counted_uj, 0) + coalesce(bridged_uj, 0)
            }
        END AS energy
    FROM series_hours
),
device_hours AS (
    SELECT
        hour_start_utc,
        device_id,
        max(node_id) AS node_id,
        max(sku) AS sku,
        sum(samples)::BIGINT AS samples,
        max(held_us) AS held_us,
        sum(utilisation_us) FILTER (WHERE instance_id = '') AS whole_utilisation_us,
        sum(busy_us) FILTER (WHERE instance_id = '') AS whole_busy_us,
        sum(held_us) FILTER (WHERE instance_id <> '') AS instances_held_us,
        sum(utilisation_us) FILTER (WHERE instance_id <> '') AS instances_utilisation_us,
        sum(busy_us) FILTER (WHERE instance_id <> '') AS instances_busy_us,
        max(energy) AS energy,
        max(compared_powered_uj) AS compared_powered_uj,
        max(compared_counted_uj) AS compared_counted_uj,
        max(counter_falls) AS counter_falls,
        max(counter_excesses) AS counter_excesses,
        bool_or(counter_is_dead AND counted_us > 0) AS counter_is_dead,
        max(zero_power_samples) AS zero_power_samples,
        count(*) FILTER (WHERE instance_id <> '') AS instances_expected,
        count(*) FILTER (WHERE instance_id <> '' AND utilisation_us > 0) AS instances_seen,
        max(evidence_rank) AS evidence_rank
    FROM series_energies
    GROUP BY hour_start_utc, device_id
),
utilisations AS (
    SELECT
        *,
        CASE
            WHEN whole_utilisation_us > 0 THEN {known_us: whole_utilisation_us::DOUBLE, busy_us: whole_busy_us::DOUBLE}
            WHEN instances_utilisation_us > 0 THEN {
                known_us: held_us * (instances_utilisation_us / instances_held_us),
                busy_us: held_us * (instances_busy_us / instances_held_us)
            }
        END AS utilisation
    FROM device_hours
)
SELECT
    site_id,
    month_start,
    hour_start_utc,
    node_id,
    device_id,
    sku,
    (held_us / 3.6e9)::DECIMAL(38, 9) AS device_hours,
    (utilisation.busy_us / 3.6e9)::DECIMAL(38, 9) AS busy_device_hours,
    (coalesce(utilisation.known_us, 0) / 3.6e9)::DECIMAL(38, 9) AS utilisation_device_hours,
    (CASE WHEN energy.us > 0 THEN energy.uj / 3.6e12 END)::DECIMAL(38, 9) AS energy_kwh,
    (energy.us / 3.6e9)::DECIMAL(38, 9) AS energy_device_hours,
    (compared_counted_uj / 3.6e12)::DECIMAL(38, 9) AS compared_counter_kwh,
    (compared_powered_uj / 3.6e12)::DECIMAL(38, 9) AS compared_power_kwh,
    counter_falls,
    counter_excesses,
    coalesce(counter_is_dead, false) AS counter_is_dead,
    zero_power_samples,
    instances_expected,
    instances_seen,
    samples,
    evidence_rank::INTEGER AS evidence_rank
FROM utilisations
JOIN months ON hour_start_utc >= start_utc AND hour_start_utc < end_utc
