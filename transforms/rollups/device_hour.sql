-- One row per site, device and hour: observed time, busy time and energy of one accelerator, summed over samples.
-- What a sample stands for, and when its energy is the rise of the counter and when power x held time, is stated in
-- transforms/telemetry/hourly_sums.py, which sums the samples of each device or instance per hour. A counter that
-- stands still in an hour in which power is drawn, so that it gives less than three quarters of what power gives over
-- the same time, is dead and not used in that hour (chance alone does not bring power sampled once a minute so far
-- off). Without utilisation 0 W is a device that is off: known, and not busy. Without a sample nothing is known.
-- Instances of a partitioned device repeat its counter and power, so energy and time are taken from the best known
-- series, once. Its utilisation is the time-weighted mean over the instances seen, each weighing by the compute slices
-- of its profile (3g.40gb has 3), which the labels or the name of its model state; instances without a value, and
-- slices in no instance, stay unknown. Where no instance states a profile they weigh alike; where some do, nobody
-- knows how much of the device the others are, and its utilisation is unknown. Where the device states one for the
-- whole of itself in the hour, that one stands.
-- Only what is stated in several parts is added up: an hour of a series seldom is, and a device that is not partitioned
-- has one series.
-- What was found wrong is counted: falls and excesses of the counter, samples of 0 W that cannot be, instances
-- expected (any sample) and seen (with utilisation), and counter beside power over the time in which both are known.
-- reaches: 1 day before and after the scope; further back where a stated interval does
-- in spans: the rows of an hour rest on rollups.series_hour of that hour alone
-- grain: site_id, hour_start_utc, device_id
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
parts AS (
    FROM rollups.series_hour
),
stated_in_parts AS (
    SELECT hour_start_utc, device_id, instance_id
    FROM parts
    GROUP BY hour_start_utc, device_id, instance_id
    HAVING count(*) > 1
),
added_up AS (
    SELECT
        hour_start_utc,
        device_id,
        instance_id,
        max(node_id) AS node_id,
        max(sku) AS sku,
        sum(samples) AS samples,
        sum(held_us) AS held_us,
        sum(utilisation_us) AS utilisation_us,
        sum(busy_us) AS busy_us,
        sum(off_us) AS off_us,
        sum(counted_us) AS counted_us,
        sum(counted_uj) AS counted_uj,
        sum(powered_us) AS powered_us,
        sum(powered_uj) AS powered_uj,
        sum(bridged_us) AS bridged_us,
        sum(bridged_uj) AS bridged_uj,
        sum(compared_us) AS compared_us,
        sum(compared_powered_uj) AS compared_powered_uj,
        sum(compared_counted_uj) AS compared_counted_uj,
        sum(counter_falls) AS counter_falls,
        sum(counter_excesses) AS counter_excesses,
        sum(zero_power_samples) AS zero_power_samples,
        max(evidence_rank) AS evidence_rank
    FROM parts SEMI JOIN stated_in_parts USING (hour_start_utc, device_id, instance_id)
    GROUP BY hour_start_utc, device_id, instance_id
),
series_hours AS (
    SELECT * REPLACE (
        CASE WHEN compared_us > 0 THEN compared_powered_uj END AS compared_powered_uj,
        CASE WHEN compared_us > 0 THEN compared_counted_uj END AS compared_counted_uj
    )
    FROM (
        FROM parts ANTI JOIN stated_in_parts USING (hour_start_utc, device_id, instance_id)
        UNION ALL BY NAME
        FROM added_up
    )
),
series_energies AS (
    SELECT
        *,
        counted_uj = 0 AND powered_uj > 0
        OR coalesce(compared_counted_uj < 0.75 * compared_powered_uj, false) AS counter_is_dead,
        CASE
            WHEN counter_is_dead THEN {us: powered_us, uj: powered_uj}
            ELSE {
                us: counted_us + bridged_us,
                uj: counted_uj + bridged_uj
            }
        END AS energy
    FROM series_hours
),
hours AS (
    SELECT site_id, month_start, hour_start_utc
    FROM (SELECT DISTINCT hour_start_utc FROM parts)
    JOIN months ON hour_start_utc >= start_utc AND hour_start_utc < end_utc
),
partitioned AS (
    SELECT DISTINCT device_id FROM parts WHERE instance_id <> ''
),
profiled AS (
    SELECT
        *,
        nullif(regexp_extract(concat_ws(' ', instance_id, sku), '(?:(\d)c\.)?\dg\.\d+gb', 1), '') AS compute_instance,
        coalesce(
            compute_instance, nullif(regexp_extract(concat_ws(' ', instance_id, sku), '(\d)g\.\d+gb', 1), '')
        )::INTEGER AS stated_slices
    FROM series_energies SEMI JOIN partitioned USING (device_id)
),
sized_instances AS (
    SELECT
        *,
        CASE
            WHEN bool_and(stated_slices IS NOT NULL OR instance_id = '') OVER one_hour THEN stated_slices
            WHEN bool_and(stated_slices IS NULL) OVER one_hour THEN 1
        END AS slices,
        CASE WHEN stated_slices IS NULL THEN 0 WHEN sku LIKE '%A30%' THEN 4 ELSE 7 END AS device_slices
    FROM profiled
    WINDOW one_hour AS (PARTITION BY hour_start_utc, device_id)
),
device_hours AS (
    SELECT
        hour_start_utc,
        device_id,
        node_id,
        sku,
        samples::BIGINT AS samples,
        held_us,
        utilisation_us AS whole_utilisation_us,
        busy_us AS whole_busy_us,
        off_us,
        energy,
        compared_powered_uj,
        compared_counted_uj,
        counter_falls::BIGINT AS counter_falls,
        counter_excesses::BIGINT AS counter_excesses,
        counter_is_dead AND counted_us > 0 AS counter_is_dead,
        zero_power_samples::BIGINT AS zero_power_samples,
        0 AS instances_expected,
        0 AS instances_seen,
        evidence_rank
    FROM series_energies ANTI JOIN partitioned USING (device_id)
    UNION ALL BY NAME
    SELECT
        hour_start_utc,
        device_id,
        max(node_id) AS node_id,
        max(sku) AS sku,
        sum(samples)::BIGINT AS samples,
        max(held_us) AS held_us,
        sum(utilisation_us) FILTER (WHERE instance_id = '') AS whole_utilisation_us,
        sum(busy_us) FILTER (WHERE instance_id = '') AS whole_busy_us,
        greatest(
            sum(slices * held_us) FILTER (WHERE instance_id <> ''), max(device_slices) * max(held_us)
        ) AS instances_held_us,
        sum(slices * utilisation_us) FILTER (WHERE instance_id <> '') AS instances_utilisation_us,
        sum(slices * busy_us) FILTER (WHERE instance_id <> '') AS instances_busy_us,
        max(off_us) AS off_us,
        max(energy) AS energy,
        max(compared_powered_uj) AS compared_powered_uj,
        max(compared_counted_uj) AS compared_counted_uj,
        max(counter_falls)::BIGINT AS counter_falls,
        max(counter_excesses)::BIGINT AS counter_excesses,
        bool_or(counter_is_dead AND counted_us > 0) AS counter_is_dead,
        max(zero_power_samples)::BIGINT AS zero_power_samples,
        count(*) FILTER (WHERE instance_id <> '') AS instances_expected,
        count(*) FILTER (WHERE instance_id <> '' AND utilisation_us > 0) AS instances_seen,
        max(evidence_rank) AS evidence_rank
    FROM sized_instances
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
    (coalesce(off_us, 0) / 3.6e9)::DECIMAL(38, 9) AS off_device_hours,
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
JOIN hours USING (hour_start_utc)
