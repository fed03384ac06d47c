-- One row per part and day: its supplier, price and stock, from a list that people keep by hand.
SELECT
    site_id,
    file_id,
    supplier_list.row_number,
    evidence_class,
    part_number AS part_id,
    observed_on,
    part_name,
    supplier,
    CASE
        WHEN origin IN ('中国', '中国大陆', 'China') THEN 'CN'
        WHEN origin IN ('中国台湾', '台湾', 'Taiwan') THEN 'TW'
        WHEN origin IN ('美国', 'United States', 'USA') THEN 'US'
        WHEN origin IN ('韩国', 'South Korea') THEN 'KR'
        WHEN origin IN ('日本', 'Japan') THEN 'JP'
        WHEN origin IN ('德国', 'Germany') THEN 'DE'
        WHEN origin IN ('荷兰', 'Netherlands') THEN 'NL'
        WHEN origin IN ('马来西亚', 'Malaysia') THEN 'MY'
        WHEN origin IN ('越南', 'Vietnam') THEN 'VN'
        WHEN origin IN ('泰国', 'Thailand') THEN 'TH'
        WHEN origin IN ('新加坡', 'Singapore') THEN 'SG'
        WHEN origin IN ('菲律宾', 'Philippines') THEN 'PH'
        WHEN origin IN ('墨西哥', 'Mexico') THEN 'MX'
        WHEN origin IN ('以色列', 'Israel') THEN 'IL'
        ELSE origin
    END AS origin_country,
    unit_price AS unit_value,
    CASE
        WHEN currency IN ('元', '人民币', '￥', 'RMB') THEN 'CNY'
        WHEN currency IN ('美元', '$') THEN 'USD'
        WHEN currency IN ('欧元', '€') THEN 'EUR'
        ELSE currency
    END AS currency,
    qualified_suppliers,
    lead_time * units.multiplier / units.divisor / 86400 AS lead_time_days,
    stock AS stock_units,
    daily_use AS daily_use_units
FROM raw.supplier_list
LEFT JOIN (FROM reference.units WHERE quantity = 'duration') AS units ON units.unit = lead_time_unit
