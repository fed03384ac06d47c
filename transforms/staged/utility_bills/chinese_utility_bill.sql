-- One row per line of a bill: a part of the day, or a charge, over a half-open service period.
-- Where a bill states its parts of the day (尖峰平谷), the parts are the lines; where it states only a total, the total is.
-- leaves out: a total that the parts beside it add up to, and 电费合计 where its charges are stated, so that the lines of
-- a bill add up to it once. A total in a row of its own that contradicts its parts is kept, for the contract to refuse.
-- 电度电费 is the amount of the one line of consumption; beside parts whose charges are not stated it is a line of its own.
-- A bill that takes another back (冲红) has lines of type reversal with the next odd revision, a corrected one (重开) the
-- next even one, so that editions 0, 1, 2 … of a bill are revisions 0, 2, 4 … Its charges, and those of 退补, are one amount.
WITH bills AS (
    SELECT
        *,
        CASE
            WHEN "账单类型" IN ('退补', '退补电费', '补收', '退费', '追补') THEN 'adjustment'
            WHEN "账单类型" IN ('冲红', '红冲', '冲销', '红字') THEN 'reversal'
            ELSE 'consumption'
        END AS kind,
        2 * "版次" + CASE
            WHEN "账单类型" IN ('重开', '重算', '更正') THEN 2
            WHEN kind = 'reversal' THEN 1
            ELSE 0
        END AS edition,
        coalesce("总电量", "用水量", "用气量", "用热量", "用量") AS stated_quantity,
        CASE
            WHEN "时段" IN ('尖', '尖峰', '尖段') THEN 'sharp'
            WHEN "时段" IN ('峰', '高峰', '峰段') THEN 'peak'
            WHEN "时段" IN ('平', '平段') THEN 'flat'
            WHEN "时段" IN ('谷', '低谷', '谷段') THEN 'valley'
            WHEN "时段" = '深谷' THEN 'deep_valley'
            ELSE 'total'
        END AS row_period,
        coalesce("尖峰电量", "峰电量", "平电量", "谷电量", "深谷电量") IS NOT NULL AS has_parts,
        coalesce("尖峰电费", "峰电费", "平电费", "谷电费", "深谷电费") IS NOT NULL AS has_charged_parts,
        coalesce(
            "电度电费",
            list_sum(["购电费", "输配电费", "上网环节线损费", "系统运行费"])
        ) AS stated_energy_charge,
        list_sum(["代征电费", "污水处理费", "水资源费"]) AS surcharge,
        list_sum(
            [stated_energy_charge, "基本电费", "力调电费", surcharge, "退补电费"]
            || ["尖峰电费", "峰电费", "平电费", "谷电费", "深谷电费"]
        ) AS stated_charges,
        CASE WHEN stated_charges IS NULL THEN "电费合计" ELSE stated_energy_charge END AS energy_charge
    FROM raw.chinese_utility_bill
),

converted AS (
    SELECT
        bills.*,
        -- Water is billed by the tonne (吨), which is a cubic metre and no unit of volume.
        coalesce(units.multiplier / units.divisor, 1)
        * CASE
            WHEN bills.commodity = 'natural_gas' AND units.quantity = 'volume' THEN bills.gas_mj_per_m3 / 3.6
            ELSE 1
        END AS per_unit
    FROM bills
    LEFT JOIN reference.units AS units ON bills."单位" = units.unit AND units.quantity IN ('energy', 'volume')
),

distinguished AS (
    SELECT
        *,
        count(*) FILTER (WHERE row_period <> 'total') OVER bill AS rows_of_parts,
        count(energy_charge) FILTER (WHERE row_period <> 'total') OVER bill AS charged_rows_of_parts,
        sum(stated_quantity * per_unit) FILTER (WHERE row_period <> 'total') OVER bill AS quantity_of_parts,
        row_period = 'total'
        AND rows_of_parts > 0
        AND coalesce(abs(stated_quantity * per_unit - quantity_of_parts) <= rows_of_parts, true) AS is_stated_in_parts
    FROM converted
    WINDOW bill AS (PARTITION BY site_id, file_id, "户号", "表号", "起始日期", "截止日期", kind, edition)
),

lines AS (
    SELECT
        *,
        [
            {
                line_type: kind,
                tariff_period: row_period,
                quantity: CASE WHEN NOT has_parts AND NOT is_stated_in_parts THEN stated_quantity END,
                amount: CASE
                    WHEN kind <> 'consumption' AND NOT has_charged_parts THEN coalesce("电费合计", stated_charges)
                    WHEN NOT has_parts AND NOT is_stated_in_parts THEN energy_charge
                END
            },
            {line_type: kind, tariff_period: 'sharp', quantity: "尖峰电量", amount: "尖峰电费"},
            {line_type: kind, tariff_period: 'peak', quantity: "峰电量", amount: "峰电费"},
            {line_type: kind, tariff_period: 'flat', quantity: "平电量", amount: "平电费"},
            {line_type: kind, tariff_period: 'valley', quantity: "谷电量", amount: "谷电费"},
            {line_type: kind, tariff_period: 'deep_valley', quantity: "深谷电量", amount: "深谷电费"}
        ] AS quantities,
        [
            {
                line_type: 'energy_charge',
                tariff_period: row_period,
                quantity: NULL::DOUBLE,
                amount: CASE
                    WHEN has_parts AND NOT has_charged_parts THEN energy_charge
                    WHEN is_stated_in_parts AND charged_rows_of_parts = 0 THEN energy_charge
                END
            },
            {
                line_type: CASE
                    WHEN "基本电费计收方式" IN ('需量', '按需量', '最大需量', '合同需量', '实际需量') THEN 'demand'
                    ELSE 'basic_charge'
                END,
                tariff_period: row_period,
                quantity: NULL::DOUBLE,
                amount: "基本电费"
            },
            {line_type: 'power_factor', tariff_period: row_period, quantity: NULL::DOUBLE, amount: "力调电费"},
            {line_type: 'surcharge', tariff_period: row_period, quantity: NULL::DOUBLE, amount: surcharge},
            {line_type: 'adjustment', tariff_period: row_period, quantity: "退补电量", amount: "退补电费"}
        ] AS charges,
        unnest(CASE kind WHEN 'consumption' THEN quantities || charges ELSE quantities END) AS line
    FROM distinguished
)

SELECT
    site_id,
    file_id,
    row_number,
    evidence_class,
    "账单编号" AS invoice_id,
    concat_ws('/', "户号", "表号") AS meter_id,
    commodity,
    line.line_type AS line_type,
    line.tariff_period AS tariff_period,
    CASE dates_are WHEN 'read_at_end_of_day' THEN "起始日期" + 1 ELSE "起始日期" END AS service_start,
    CASE dates_are WHEN 'exclusive' THEN "截止日期" ELSE "截止日期" + 1 END AS service_end,
    CASE WHEN commodity <> 'water' THEN line.quantity * per_unit END AS energy_kwh,
    CASE WHEN commodity = 'water' THEN line.quantity * per_unit END AS water_m3,
    line.amount AS amount,
    CASE WHEN line.amount IS NOT NULL THEN 'CNY' END AS currency,
    coalesce("抄表方式" IN ('估抄', '估算', '估读', '暂估'), false) AS is_estimated,
    edition AS revision
FROM lines
WHERE line.quantity IS NOT NULL OR line.amount IS NOT NULL
