-- One row per certificate, or range of them, of one month of one project: a claim in kWh.
-- One certificate (张) is 1 MWh. It counts from the day on which it was cancelled (核销), and for the month in which the
-- electricity was generated. A certificate that came with green power says under which contract.
WITH certificates AS (
    FROM raw.gec
),

provinces (name, code) AS (
    VALUES
    ('北京', 'CN-BJ'), ('天津', 'CN-TJ'), ('河北', 'CN-HE'), ('山西', 'CN-SX'), ('内蒙古', 'CN-NM'), ('辽宁', 'CN-LN'),
    ('吉林', 'CN-JL'), ('黑龙江', 'CN-HL'), ('上海', 'CN-SH'), ('江苏', 'CN-JS'), ('浙江', 'CN-ZJ'), ('安徽', 'CN-AH'),
    ('福建', 'CN-FJ'), ('江西', 'CN-JX'), ('山东', 'CN-SD'), ('河南', 'CN-HA'), ('湖北', 'CN-HB'), ('湖南', 'CN-HN'),
    ('广东', 'CN-GD'), ('广西', 'CN-GX'), ('海南', 'CN-HI'), ('重庆', 'CN-CQ'), ('四川', 'CN-SC'), ('贵州', 'CN-GZ'),
    ('云南', 'CN-YN'), ('西藏', 'CN-XZ'), ('陕西', 'CN-SN'), ('甘肃', 'CN-GS'), ('青海', 'CN-QH'), ('宁夏', 'CN-NX'),
    ('新疆', 'CN-XJ')
),

technologies (name, technology) AS (
    VALUES
    ('风电', 'wind'), ('陆上风电', 'wind'), ('海上风电', 'wind'), ('分散式风电', 'wind'), ('风力发电', 'wind'),
    ('光伏', 'solar'), ('光伏发电', 'solar'), ('集中式光伏', 'solar'), ('分布式光伏', 'solar'), ('太阳能发电', 'solar'),
    ('光热', 'solar'), ('光热发电', 'solar'), ('水电', 'hydro'), ('常规水电', 'hydro'), ('水力发电', 'hydro'),
    ('生物质', 'biomass'), ('生物质发电', 'biomass'), ('地热能', 'geothermal'), ('地热能发电', 'geothermal'),
    ('海洋能', 'ocean'), ('海洋能发电', 'ocean')
)

SELECT
    certificates.site_id,
    certificates.file_id,
    certificates.row_number,
    certificates.evidence_class,
    certificates."证书编号" AS certificate_id,
    'gec' AS instrument,
    coalesce(1000 * certificates."张数", certificates."电量" * units.multiplier / units.divisor) AS energy_kwh,
    certificates."生产开始日期" AS vintage_start,
    certificates."生产结束日期" + 1 AS vintage_end,
    certificates."核销日期" AS retired_on,
    certificates."合同编号" AS contract_id,
    coalesce(technologies.technology, certificates."技术类型") AS technology,
    provinces.code AS region_code
FROM certificates
LEFT JOIN reference.units AS units ON certificates."单位" = units.unit AND units.quantity = 'energy'
LEFT JOIN provinces
    ON regexp_replace(certificates."省份", '(省|市|壮族自治区|回族自治区|维吾尔自治区|自治区)$', '') = provinces.name
LEFT JOIN technologies ON certificates."技术类型" = technologies.name
