-- One row per device, instance and hour: the sums of transforms/telemetry/hourly_sums.py by another method, windows over sorted
-- rows, for comparison.
WITH highest_power AS (
    SELECT sku, 1.2 * max(tdp_w) AS highest_w
    FROM reference.accelerators
    WHERE is_usable AND tdp_w > 0
    GROUP BY sku
),

samples AS (
    SELECT
        *,
        (nullif(interval_s, 0) * 1e6)::BIGINT AS interval_us,
        power_w = 0 AND utilisation_ratio IS NOT NULL AS is_zero,
        CASE WHEN NOT coalesce(is_zero, false) THEN power_w END AS known_w,
        coalesce(power_w = 0, false) AND utilisation_ratio IS NULL AS may_be_off
    FROM staged.accelerator_samples
    WHERE site_id = getvariable('site_id')
),

neighbours AS (
    SELECT
        *,
        date_diff('microsecond', lag(sampled_at_utc) OVER series, sampled_at_utc) AS since_us,
        date_diff('microsecond', sampled_at_utc, lead(sampled_at_utc) OVER series) AS next_us,
        lead(energy_counter_j) OVER series - energy_counter_j AS rise_j,
        lag(energy_counter_j) OVER series AS previous_j
    FROM samples LEFT JOIN highest_power USING (sku)
    WINDOW series AS (PARTITION BY device_id, instance_id ORDER BY sampled_at_utc)
),

spans AS (
    SELECT
        *,
        CASE
            WHEN interval_us IS NOT NULL THEN least(interval_us, next_us)
            WHEN next_us <= 300_000_000 THEN next_us
            ELSE least(since_us, 300_000_000)
        END AS hold_us,
        may_be_off AND NOT coalesce(rise_j > 0, false) AS is_off,
        coalesce(highest_w, 20_000) * device_count * next_us / 1e6 AS highest_j,
        coalesce(energy_counter_j < previous_j AND energy_counter_j + rise_j >= previous_j, false) AS recovers,
        coalesce(rise_j BETWEEN 0 AND highest_j AND next_us <= 86_400_000_000, false) AND NOT recovers AS is_counted,
        CASE WHEN is_counted THEN greatest(hold_us, next_us) ELSE hold_us END AS span_us
    FROM neighbours
),

pieces AS (
    SELECT
        *,
        unnest(range(
            date_trunc('hour', sampled_at_utc), sampled_at_utc + to_microseconds(span_us), INTERVAL 1 HOUR
        )) AS hour_start_utc,
        date_diff('microsecond', hour_start_utc, sampled_at_utc) AS begin_us,
        greatest(least(begin_us + hold_us, 3_600_000_000) - greatest(begin_us, 0), 0) AS held_us,
        greatest(least(begin_us + next_us, 3_600_000_000) - greatest(begin_us, 0), 0) AS counted_us,
        is_counted AND known_w IS NOT NULL AND held_us = counted_us AS is_compared,
        (rise_j * 1e6 * (CASE WHEN counted_us = next_us THEN 1 ELSE counted_us / next_us END))::BIGINT AS counted_uj,
        (known_w * held_us * device_count)::BIGINT AS powered_uj
    FROM spans
)

SELECT
    device_id,
    instance_id,
    hour_start_utc,
    max(node_id) AS node_id,
    max(sku) AS sku,
    count(*) FILTER (begin_us >= 0) AS samples,
    sum(held_us * device_count)::BIGINT AS held_us,
    coalesce(sum(held_us * device_count) FILTER (utilisation_ratio IS NOT NULL OR is_off), 0)::BIGINT AS utilisation_us,
    coalesce(sum((utilisation_ratio * held_us * device_count)::BIGINT), 0)::BIGINT AS busy_us,
    coalesce(sum(held_us * device_count) FILTER (is_off), 0)::BIGINT AS off_us,
    coalesce(sum(counted_us * device_count) FILTER (is_counted), 0)::BIGINT AS counted_us,
    coalesce(sum(counted_uj) FILTER (is_counted), 0)::BIGINT AS counted_uj,
    coalesce(sum(held_us * device_count) FILTER (known_w IS NOT NULL), 0)::BIGINT AS powered_us,
    coalesce(sum(powered_uj), 0)::BIGINT AS powered_uj,
    coalesce(sum(held_us * device_count) FILTER (known_w IS NOT NULL AND NOT is_counted), 0)::BIGINT AS bridged_us,
    coalesce(sum(powered_uj) FILTER (NOT is_counted), 0)::BIGINT AS bridged_uj,
    coalesce(sum(held_us * device_count) FILTER (is_compared), 0)::BIGINT AS compared_us,
    coalesce(sum(powered_uj) FILTER (is_compared), 0)::BIGINT AS compared_powered_uj,
    coalesce(sum(counted_uj) FILTER (is_compared), 0)::BIGINT AS compared_counted_uj,
    count(*) FILTER (begin_us >= 0 AND rise_j < 0) AS counter_falls,
    count(*) FILTER (begin_us >= 0 AND rise_j > highest_j) AS counter_excesses,
    count(*) FILTER (begin_us >= 0 AND is_zero) AS zero_power_samples
FROM pieces
GROUP BY ALL
