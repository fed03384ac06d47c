-- One row per site, month and component class: value of the parts in the fleet, and how safe their supply.
-- A bill of materials is a snapshot of an asset model: the latest one of each model before the end of the month counts,
-- if it is not older than the declared age. A part's value is assets of the model in service at the end of the month,
-- as the inventory has them, times pieces per asset times unit price, in the declared currency; others are not
-- converted, so their value is unknown. Models that the inventory knows and that are not in service count for nothing.
-- The number of a model that the inventory does not know is unknown; where the site has one bill only, its parts weigh
-- as those of one asset, because no ratio depends on the number. Assets of the described classes (where none is
-- described, servers) without a bill of their own are not seen: described_share is the share of those that are. A part is secured when two suppliers are qualified and the stock lasts until
-- the next delivery; where one of the two is known to fail, the other need not be known. Stock cover is that of the
-- parts in use. What the bill says of supply and what the latest purchasing list of the same age limit says of the part
-- (by its identifier, else by its name) complete each other, column by column; where both speak, the newer counts. A
-- price is taken together with its currency.
-- grain: site_id, month_start, component_class
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
declared_currency AS (
    SELECT reference_id, text_value AS currency, valid_from, valid_to
    FROM reference.parameters
    WHERE name = 'declared_currency' AND is_usable
),
snapshots AS (
    SELECT site_id, month_start, asset_sku, max(observed_on) AS observed_on, any_value(reference_id) AS age_reference
    FROM months
    JOIN staged.bom_parts USING (site_id)
    JOIN maximum_age ON month_start BETWEEN valid_from AND valid_to
    WHERE observed_on < month_end AND observed_on >= month_end - 1 - days
    GROUP BY site_id, month_start, asset_sku
),
assets AS (
    SELECT
        month_start,
        lower(trim(sku)) AS model,
        asset_class,
        CASE WHEN in_service_from < month_end AND coalesce(in_service_to >= month_end, true) THEN quantity ELSE 0 END
            AS in_service,
        evidence_rank
    FROM months
    JOIN staged.hardware_assets USING (site_id)
    JOIN reference.evidence_classes USING (evidence_class)
),
fleet AS (
    SELECT month_start, model, sum(in_service)::BIGINT AS in_service, max(evidence_rank) AS fleet_evidence_rank
    FROM assets
    GROUP BY month_start, model
),
models AS (
    SELECT
        snapshots.*,
        fleet_evidence_rank,
        CASE WHEN count(*) OVER (PARTITION BY snapshots.month_start) = 1 THEN coalesce(in_service, 1) ELSE in_service END AS assets
    FROM snapshots
    LEFT JOIN fleet ON fleet.month_start = snapshots.month_start AND model = lower(trim(asset_sku))
    WHERE coalesce(in_service > 0, true)
),
described_assets AS (
    SELECT
        month_start,
        asset_class,
        in_service,
        exists(
            FROM models WHERE models.month_start = assets.month_start AND lower(trim(asset_sku)) = model
        ) AS is_described
    FROM assets
),
described_classes AS (
    SELECT DISTINCT month_start, asset_class FROM described_assets WHERE is_described
),
descriptions AS (
    SELECT
        month_start,
        coalesce(sum(in_service) FILTER (WHERE is_described), 0) / nullif(sum(in_service), 0) AS described_share
    FROM described_assets
    WHERE (month_start, asset_class) IN (FROM described_classes)
        OR (
            asset_class IN ('server', 'accelerator_server')
            AND month_start NOT IN (SELECT month_start FROM described_classes)
        )
    GROUP BY month_start
),
bills AS (
    SELECT
        site_id,
        month_start,
        observed_on,
        age_reference,
        assets,
        fleet_evidence_rank,
        bom_parts.* EXCLUDE (site_id, asset_sku, observed_on),
        models.asset_sku
    FROM models
    JOIN staged.bom_parts USING (site_id, asset_sku, observed_on)
),
lists AS (
    SELECT month_start, part_supplies.*
    FROM months
    JOIN staged.part_supplies USING (site_id)
    JOIN maximum_age ON month_start BETWEEN valid_from AND valid_to
    WHERE observed_on < month_end AND observed_on >= month_end - 1 - days
    QUALIFY row_number() OVER (PARTITION BY site_id, month_start, part_id ORDER BY observed_on DESC) = 1
),
listed AS (
    SELECT bills.month_start, bills.asset_sku, bills.part_id, lists.* EXCLUDE (month_start, part_id)
    FROM bills
    JOIN lists
        ON lists.site_id = bills.site_id
        AND lists.month_start = bills.month_start
        AND lists.part_id IN (bills.part_id, bills.part_name)
    QUALIFY row_number() OVER (
        PARTITION BY bills.site_id, bills.month_start, bills.asset_sku, bills.part_id
        ORDER BY lists.part_id = bills.part_id DESC
    ) = 1
),
statements AS (
    SELECT *, row_number() OVER (PARTITION BY site_id, month_start, asset_sku, part_id ORDER BY observed_on, place) AS nth
    FROM (
        SELECT 1 AS place, * FROM bills
        UNION ALL BY NAME
        SELECT 2 AS place, * FROM listed
    )
),
completed AS (
    SELECT
        site_id,
        month_start,
        asset_sku,
        part_id,
        arg_max(supplier, nth) AS supplier,
        arg_max({value: unit_value, currency: currency}, CASE WHEN unit_value IS NOT NULL THEN nth END) AS price,
        arg_max(qualified_suppliers, nth) AS qualified_suppliers,
        arg_max(lead_time_days, nth) AS lead_time_days,
        arg_max(stock_units, nth) AS stock_units,
        arg_max(daily_use_units, nth) AS daily_use_units,
        max(evidence_rank) AS evidence_rank
    FROM statements
    JOIN reference.evidence_classes USING (evidence_class)
    GROUP BY site_id, month_start, asset_sku, part_id
),
parts AS (
    SELECT
        site_id,
        month_start,
        bills.observed_on,
        component_class,
        assets,
        completed.supplier,
        greatest(evidence_rank, fleet_evidence_rank) AS evidence_rank,
        CASE WHEN price.currency = declared_currency.currency THEN price.value END AS unit_price,
        (assets * bills.quantity * unit_price)::DECIMAL(38, 9) AS value,
        completed.qualified_suppliers <= 1 AS is_single_source,
        completed.qualified_suppliers >= 2
        AND completed.stock_units >= completed.daily_use_units * completed.lead_time_days AS is_secured,
        unit_price * completed.stock_units * completed.daily_use_units IS NOT NULL AS is_stock_known,
        (CASE WHEN completed.daily_use_units > 0 THEN completed.stock_units * unit_price END)::DECIMAL(38, 9)
            AS stock_value,
        (CASE WHEN is_stock_known THEN completed.daily_use_units * unit_price END)::DECIMAL(38, 9) AS daily_use_value,
        [age_reference, declared_currency.reference_id] AS reference_rows
    FROM bills
    JOIN completed USING (site_id, month_start, asset_sku, part_id)
    LEFT JOIN declared_currency ON month_start BETWEEN valid_from AND valid_to
),
supplier_shares AS (
    SELECT
        month_start,
        component_class,
        100 * sum(value) / sum(sum(value)) OVER (PARTITION BY month_start, component_class) AS share_percent
    FROM parts
    WHERE supplier IS NOT NULL AND value > 0
    GROUP BY month_start, component_class, supplier
),
concentrations AS (
    SELECT month_start, component_class, sum((share_percent * share_percent)::DECIMAL(38, 9)) AS hhi
    FROM supplier_shares
    GROUP BY month_start, component_class
),
classes AS (
    SELECT
        site_id,
        month_start,
        component_class,
        max(observed_on) AS observed_on,
        count(*) AS parts,
        count(assets) AS counted_parts,
        sum(coalesce(assets, 1))::BIGINT AS fleet_parts,
        sum(value) AS value,
        count(value) FILTER (WHERE is_secured IS NOT NULL) AS security_known_parts,
        sum(assets) FILTER (WHERE is_secured IS NOT NULL AND value IS NOT NULL)::BIGINT AS security_known_fleet_parts,
        sum(value) FILTER (WHERE is_secured IS NOT NULL) AS security_known_value,
        sum(CASE WHEN is_secured THEN value WHEN NOT is_secured AND value IS NOT NULL THEN 0 END) AS secured_value,
        count(value) FILTER (WHERE is_single_source IS NOT NULL) AS source_known_parts,
        sum(assets) FILTER (WHERE is_single_source IS NOT NULL AND value IS NOT NULL)::BIGINT AS source_known_fleet_parts,
        sum(value) FILTER (WHERE is_single_source IS NOT NULL) AS source_known_value,
        sum(CASE WHEN is_single_source THEN value WHEN NOT is_single_source AND value IS NOT NULL THEN 0 END)
            AS single_source_value,
        count(value) FILTER (WHERE supplier IS NOT NULL) AS supplier_known_parts,
        sum(assets) FILTER (WHERE supplier IS NOT NULL AND value IS NOT NULL)::BIGINT AS supplier_known_fleet_parts,
        sum(value) FILTER (WHERE supplier IS NOT NULL) AS supplier_known_value,
        count(*) FILTER (WHERE is_stock_known) AS stock_known_parts,
        sum(coalesce(assets, 1)) FILTER (WHERE is_stock_known)::BIGINT AS stock_known_fleet_parts,
        sum(stock_value) AS stock_value,
        sum(daily_use_value) AS daily_use_value,
        max(evidence_rank)::INTEGER AS evidence_rank,
        any_value(reference_rows) AS reference_rows
    FROM parts
    GROUP BY site_id, month_start, component_class
)
SELECT
    classes.* EXCLUDE (evidence_rank, reference_rows),
    hhi,
    coalesce(described_share, 1)::DOUBLE AS described_share,
    CASE WHEN daily_use_value > 0 THEN (stock_value / daily_use_value)::DECIMAL(38, 9) END AS stock_cover_days,
    evidence_rank,
    reference_rows
FROM classes
LEFT JOIN concentrations USING (month_start, component_class)
LEFT JOIN descriptions USING (month_start)
