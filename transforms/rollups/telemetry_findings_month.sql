-- One row per site, month, subject (device, server, run, account, boundary …) and rule: what contradicted itself or is missing.
-- Nothing here changes a figure: it says what device_hour and meter_hour did not believe, and what they could not
-- state.
-- counter_reset: an energy counter fell; the step across is bridged by power or unknown.
-- counter_slip: it fell and was as high again in the next reading, at most a day later; the low reading is not used.
-- counter_above_rated_power: it rose by more than 1.2 x rated power allows; the step is not used.
-- counter_dead: hours in which it stood still while power was drawn, so that power counts instead.
-- counter_disagrees_with_power: over the time of the month in which both are known they differ by more than
-- telemetry_tolerance; counted are the hours of that time.
-- zero_power_while_on: 0 W from a device that answers, or 0 W or 0 kWh at the input of a server: it cannot measure.
-- bill_missing, last_bill_missing: days of an account without a bill, between its bills, or after them where no account
-- succeeds it. less_than_behind: a meter, a boundary, or bill and utility meter together, that state less than what is
-- behind them, by more than reconciliation_tolerance, and are not believed.
-- instances_without_metrics: hours in which only some instances of a partitioned device stated their utilisation, which
-- is then that of those.
-- supplies_contradict_chassis: hours in which the supplies of a server drew more than the server, by more than
-- telemetry_tolerance.
-- stated_energy_disagrees_with_power: the energy a run states and what the sampled power of its accelerators makes over
-- its length differ by more than telemetry_tolerance. Compared are runs sampled for all but that share of their length.
-- more_held_than_installed: spans of time in which runs hold more devices of a type than are installed, so that each
-- counts its share; the type is empty for runs that name none.
-- no_peak_for_the_accelerator: a name in the inventory or the runs of the month that no accelerator with a peak goes by.
-- marked_suspect: readings the source itself calls unreliable.
-- reaches: 100 days before the scope and 1 day after it
-- grain: site_id, month_start, subject_kind, subject_id, rule
WITH months AS (
    SELECT site_id, month_start, start_utc, end_utc
    FROM reference.site_months
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
tolerances AS (
    SELECT value AS tolerance, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'telemetry_tolerance' AND is_usable
),
device_hours AS (
    SELECT *
    FROM rollups.device_hour
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
device_rules AS (
    SELECT
        month_start,
        device_id,
        unnest([
            {
                rule: 'counter_reset',
                findings: counter_falls,
                example: concat(counter_falls, ' falls of the energy counter in one hour')
            },
            {
                rule: 'counter_above_rated_power',
                findings: counter_excesses,
                example: concat(counter_excesses, ' rises beyond 1.2 x rated power in one hour')
            },
            {
                rule: 'counter_dead',
                findings: counter_is_dead::BIGINT,
                example: concat(
                    round(compared_power_kwh, 3),
                    ' kWh by power, ',
                    round(compared_counter_kwh, 3),
                    ' kWh by the counter'
                )
            },
            {
                rule: 'zero_power_while_on',
                findings: zero_power_samples,
                example: concat(zero_power_samples, ' samples of 0 W beside a known utilisation')
            },
            {
                rule: 'instances_without_metrics',
                findings: (instances_seen < instances_expected AND instances_seen > 0)::BIGINT,
                example: concat(
                    instances_seen, ' of ', instances_expected, ' instances state their utilisation: it is that of those'
                )
            }
        ]) AS found,
        hour_start_utc AS found_at_utc
    FROM device_hours
    WHERE counter_falls > 0
        OR counter_excesses > 0
        OR counter_is_dead
        OR zero_power_samples > 0
        OR instances_seen < instances_expected
),
comparisons AS (
    SELECT
        month_start,
        device_id,
        sum(compared_counter_kwh) AS counter_kwh,
        sum(compared_power_kwh) AS power_kwh,
        count(compared_power_kwh) AS hours,
        min(hour_start_utc) FILTER (WHERE compared_power_kwh IS NOT NULL) AS found_at_utc
    FROM device_hours
    WHERE NOT counter_is_dead
    GROUP BY month_start, device_id
),
readings AS (
    SELECT meter_id, boundary, node_id, started_at_utc, energy_kwh, power_w, energy_counter_kwh, is_suspect
    FROM staged.facility_readings
    WHERE site_id = getvariable('site_id')
        AND started_at_utc >= getvariable('start_utc') - INTERVAL 100 DAY
        AND started_at_utc < getvariable('end_utc') + INTERVAL 1 DAY
),
counters AS (
    SELECT
        meter_id,
        started_at_utc,
        energy_counter_kwh,
        lag(energy_counter_kwh) OVER meter AS before_kwh,
        CASE
            WHEN lead(started_at_utc) OVER meter <= started_at_utc + INTERVAL 1 DAY
                THEN lead(energy_counter_kwh) OVER meter
        END AS after_kwh
    FROM readings
    WHERE energy_counter_kwh IS NOT NULL AND NOT is_suspect
    WINDOW meter AS (PARTITION BY meter_id, boundary ORDER BY started_at_utc)
),
node_hours AS (
    SELECT
        time_bucket(INTERVAL 1 HOUR, started_at_utc, getvariable('start_utc')) AS found_at_utc,
        node_id,
        boundary,
        meter_id,
        avg(power_w) AS power_w
    FROM readings
    WHERE node_id IS NOT NULL AND boundary IN ('it_input', 'psu_input') AND power_w IS NOT NULL AND NOT is_suspect
    GROUP BY ALL
),
servers AS (
    SELECT
        found_at_utc,
        node_id,
        sum(power_w) FILTER (WHERE boundary = 'it_input') AS chassis_w,
        sum(power_w) FILTER (WHERE boundary = 'psu_input') AS supplies_w
    FROM node_hours
    GROUP BY found_at_utc, node_id
),
sampled_runs AS (
    SELECT
        *,
        concat_ws('/', cluster_id, job_id) AS run_id,
        sampled_device_s / device_s AS sampled_share,
        sampled_energy_j / sampled_share AS expected_energy_j
    FROM rollups.run_energy
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
),
used_names AS (
    SELECT month_start, sku AS name, start_utc AS found_at_utc
    FROM months
    JOIN staged.hardware_assets AS asset ON asset.site_id = months.site_id
        AND asset_class = 'accelerator'
        AND in_service_from < month_start + INTERVAL 1 MONTH
        AND coalesce(in_service_to > month_start, true)
    UNION
    SELECT month_start, sku AS name, start_utc AS found_at_utc
    FROM months
    JOIN staged.workload_runs AS run ON run.site_id = months.site_id
        AND device_count > 0
        AND started_at_utc < end_utc
        AND ended_at_utc > start_utc
),
reconciliation_tolerances AS (
    SELECT value AS tolerance, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'reconciliation_tolerance' AND is_usable
),
boundaries AS (
    SELECT
        month_start,
        boundary,
        list_position(['ups_output', 'pdu_output', 'it_input'], boundary) AS distance,
        min(from_utc) AS from_utc,
        sum(filled_kwh) AS filled_kwh,
        sum(energy_kwh) AS energy_kwh
    FROM rollups.meter_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND is_added_up
        AND energy_kwh IS NOT NULL
        AND distance IS NOT NULL
    GROUP BY month_start, boundary
),
findings AS (
    SELECT
        month_start,
        'device' AS subject_kind,
        device_id AS subject_id,
        found.rule AS rule,
        found.findings AS findings,
        found_at_utc,
        found.example AS example
    FROM device_rules
    WHERE found.findings > 0
    UNION ALL BY NAME
    SELECT
        month_start,
        'device' AS subject_kind,
        device_id AS subject_id,
        'counter_disagrees_with_power' AS rule,
        hours AS findings,
        found_at_utc,
        concat(round(counter_kwh, 3), ' kWh by the counter, ', round(power_kwh, 3), ' kWh by power') AS example
    FROM comparisons
    JOIN tolerances ON month_start BETWEEN valid_from AND valid_to
    WHERE abs(counter_kwh - power_kwh) > tolerance * power_kwh
    UNION ALL BY NAME
    SELECT
        month_start,
        'meter' AS subject_kind,
        meter_id AS subject_id,
        CASE WHEN after_kwh >= before_kwh THEN 'counter_slip' ELSE 'counter_reset' END AS rule,
        1 AS findings,
        started_at_utc AS found_at_utc,
        concat('from ', before_kwh, ' to ', energy_counter_kwh, ' kWh') AS example
    FROM counters
    JOIN months ON started_at_utc >= start_utc AND started_at_utc < end_utc
    WHERE energy_counter_kwh < before_kwh
    UNION ALL BY NAME
    SELECT
        month_start,
        'meter' AS subject_kind,
        meter_id AS subject_id,
        'marked_suspect' AS rule,
        1 AS findings,
        started_at_utc AS found_at_utc,
        'the source calls the reading unreliable' AS example
    FROM readings
    JOIN months ON started_at_utc >= start_utc AND started_at_utc < end_utc
    WHERE is_suspect
    UNION ALL BY NAME
    SELECT
        month_start,
        'server' AS subject_kind,
        node_id AS subject_id,
        'supplies_contradict_chassis' AS rule,
        1 AS findings,
        found_at_utc,
        concat(round(supplies_w, 1), ' W by the supplies, ', round(chassis_w, 1), ' W by the chassis') AS example
    FROM servers
    JOIN months ON found_at_utc >= start_utc AND found_at_utc < end_utc
    JOIN tolerances ON month_start BETWEEN valid_from AND valid_to
    WHERE supplies_w > (1 + tolerance) * chassis_w
    UNION ALL BY NAME
    SELECT
        month_start,
        'device type' AS subject_kind,
        device_type AS subject_id,
        'more_held_than_installed' AS rule,
        1 AS findings,
        from_utc AS found_at_utc,
        concat(round(devices_held, 1), ' devices held by runs, ', round(devices_counted, 1), ' counted') AS example
    FROM rollups.overbooked_span
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
    UNION ALL BY NAME
    SELECT
        month_start,
        'device type' AS subject_kind,
        coalesce(used_names.name, '') AS subject_id,
        'no_peak_for_the_accelerator' AS rule,
        1 AS findings,
        found_at_utc,
        CASE
            WHEN used_names.name IS NULL
                THEN 'records without a SKU: state it in the source (sku), for no peak is known of a device without a name'
            WHEN accelerator_name.sku IS NULL
                THEN concat(
                    'add to reference/accelerator_aliases.csv of the workspace ',
                    '(reference_id,alias,sku,source,confidence,is_usable,notes): accelerator_aliases/', used_names.name, ',',
                    used_names.name, ',<SKU of reference.accelerators>,<source>,high,true,'
                )
            ELSE concat(
                'no usable peak at the declared precision of ', accelerator_name.sku,
                ': add it to reference/accelerators.csv of the workspace'
            )
        END AS example
    FROM used_names
    LEFT JOIN rollups.accelerator_name
        ON accelerator_name.site_id = getvariable('site_id') AND accelerator_name.name = used_names.name
    LEFT JOIN reference.parameters AS parameter ON parameter.name = 'declared_precision'
        AND parameter.is_usable
        AND month_start BETWEEN parameter.valid_from AND parameter.valid_to
    LEFT JOIN reference.accelerators AS peak ON peak.sku = accelerator_name.sku
        AND peak.precision = parameter.text_value
        AND peak.is_usable
        AND peak.peak_tflops > 0
    WHERE peak.sku IS NULL
    UNION ALL BY NAME
    SELECT
        month_start,
        'run' AS subject_kind,
        run_id AS subject_id,
        'stated_energy_disagrees_with_power' AS rule,
        1 AS findings,
        submitted_at_utc AS found_at_utc,
        concat(
            round(stated_energy_j / 3.6e6, 3), ' kWh stated, ', round(expected_energy_j / 3.6e6, 3), ' kWh by power'
        ) AS example
    FROM sampled_runs
    JOIN tolerances ON month_start BETWEEN valid_from AND valid_to
    WHERE sampled_share >= 1 - tolerance AND abs(stated_energy_j - expected_energy_j) > tolerance * expected_energy_j
    UNION ALL BY NAME
    SELECT
        month_start,
        'meter' AS subject_kind,
        meter_id AS subject_id,
        'zero_power_while_on' AS rule,
        1 AS findings,
        started_at_utc AS found_at_utc,
        'the input of a server that answers is said to be 0' AS example
    FROM readings
    JOIN months ON started_at_utc >= start_utc AND started_at_utc < end_utc
    WHERE node_id IS NOT NULL AND boundary = 'it_input' AND (power_w = 0 OR energy_kwh = 0) AND NOT is_suspect
    UNION ALL BY NAME
    SELECT
        month_start,
        'account' AS subject_kind,
        meter_id AS subject_id,
        CASE WHEN last_bill_is_missing THEN 'last_bill_missing' ELSE 'bill_missing' END AS rule,
        expected_days - known_days AS findings,
        from_day::TIMESTAMP AS found_at_utc,
        concat(known_days, ' of ', expected_days, ' days of ', commodity, ' are billed') AS example
    FROM rollups.account_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND filled_quantity > known_quantity
    UNION ALL BY NAME
    SELECT
        month_start,
        'meter' AS subject_kind,
        meter_id AS subject_id,
        'less_than_behind' AS rule,
        1 AS findings,
        from_utc AS found_at_utc,
        concat(round(filled_kwh, 3), ' kWh, ', round(contradicted_by_kwh, 3), ' kWh by the meters behind it') AS example
    FROM rollups.meter_month
    WHERE site_id = getvariable('site_id')
        AND month_start >= getvariable('period_start')
        AND month_start < getvariable('period_end')
        AND contradicted_by_kwh IS NOT NULL
    UNION ALL BY NAME
    SELECT
        month_start,
        'boundary' AS subject_kind,
        nearer.boundary AS subject_id,
        'less_than_behind' AS rule,
        1 AS findings,
        nearer.from_utc AS found_at_utc,
        concat(
            round(nearer.filled_kwh, 3), ' kWh, ', round(behind.energy_kwh, 3), ' kWh at ', behind.boundary
        ) AS example
    FROM boundaries AS nearer
    JOIN boundaries AS behind USING (month_start)
    JOIN reconciliation_tolerances ON month_start BETWEEN valid_from AND valid_to
    WHERE nearer.distance < behind.distance AND nearer.filled_kwh < (1 - tolerance) * behind.energy_kwh
    UNION ALL BY NAME
    SELECT
        month_start,
        'site' AS subject_kind,
        site_id AS subject_id,
        'less_than_behind' AS rule,
        1 AS findings,
        start_utc AS found_at_utc,
        concat(round(it_kwh, 3), ' kWh of IT are more than bill and utility meter state: electricity is withheld') AS example
    FROM rollups.energy_month
    JOIN months USING (site_id, month_start)
    WHERE facility_is_contradicted
)
SELECT
    getvariable('site_id') AS site_id,
    month_start,
    subject_kind,
    subject_id,
    rule,
    sum(findings)::BIGINT AS findings,
    min(found_at_utc) AS first_at_utc,
    arg_min(example, found_at_utc) AS example
FROM findings
GROUP BY month_start, subject_kind, subject_id, rule
