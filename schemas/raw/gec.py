"""Contract of Chinese green electricity certificates (绿证, GEC), as the issuing and trading platforms export them."""

from typing import Any

import polars as pl

from suanheng.schemas.columns import IDENTIFIER
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.units import in_base_unit, spellings

TITLE = "Chinese green electricity certificates (绿证, CSV, XLSX)"
FEEDS = ("energy_certificates",)
OPTIONS = {
    "beneficiary": "for whom certificates must be cancelled (受益方) to count for the site; anyone where absent",
    "unit": "unit of 电量, e.g. 兆瓦时, where neither a header nor a column 单位 states it",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/gec_cancelled.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A table without certificate numbers, a month of generation and a number of certificates or an energy.",
    "An energy whose unit is stated nowhere, or twice in different ways.",
)
LIMITS = (
    "A row is one claim: certificates of one number range, project and month are not split into single ones.",
    "Prices and orders are not read.",
    "A certificate counts once it is cancelled (核销); holding it is no claim.",
)

CANCELLED = ("已核销", "已注销", "核销", "已使用", "已消费")
HELD = ("未核销", "未注销", "持有", "未使用", "已交易", "已划转", "有效")

_DATES = ("%Y-%m-%d",)
_NOTHING = ("-", "--", "—", "/", "无")
_KWH_PER_CERTIFICATE = 1000.0


def _text(meaning: str, *names: str, **limits: Any) -> Column:
    return Column(pl.String, meaning, spellings=names, nulls=_NOTHING, **limits)


CONTRACT = Contract(
    "gec",
    "certificates of one number or range of numbers, for one month of one project",
    happened=("生产开始日期", "生产结束日期"),
    columns={
        "证书编号": _text(
            "Number of the certificate, or first and last number of a range.",
            *("绿证编号", "绿证编码", "证书编码", "证书号", "绿证号段", "证书号段"),
            matches=IDENTIFIER,
            required=True,
        ),
        "项目名称": _text("Project that generated.", "项目", "电站名称"),
        "技术类型": _text("Kind of generation.", "发电类型", "项目类型", "能源类型", "电源类型"),
        "省份": _text("Province of generation.", "所在省份", "项目省份", "项目所在地", "发电省份"),
        "电量生产年月": _text(
            "Month of generation as the file writes it.",
            *("生产年月", "发电月份", "电量月份", "电量所属月份", "电量生产时间", "发电年月"),
            required=True,
        ),
        "生产开始日期": Column(pl.Date, "First day of generation.", time_formats=_DATES, required=True),
        "生产结束日期": Column(pl.Date, "Last day of generation.", time_formats=_DATES, required=True),
        "张数": Column(
            pl.Float64,
            "Certificates; one is 1 MWh.",
            unit="张",
            spellings=("数量", "绿证数量", "证书数量", "交易量", "核销数量", "核销量"),
            nulls=_NOTHING,
            at_least=0,
        ),
        "电量": Column(
            pl.Float64,
            "Energy of the certificates.",
            unit="单位",
            spellings=("绿证电量", "对应电量", "核销电量", "发电量", "上网电量"),
            nulls=_NOTHING,
            at_least=0,
        ),
        "单位": _text("Unit of the energy.", "电量单位", one_of=spellings("energy")),
        "核销日期": Column(
            pl.Date,
            "Day on which they were cancelled.",
            spellings=("核销时间", "注销日期", "注销时间", "使用日期", "消费日期"),
            nulls=_NOTHING,
            time_formats=_DATES,
        ),
        "状态": _text("Whether they are cancelled.", "核销状态", "证书状态", "绿证状态", one_of=(*CANCELLED, *HELD)),
        "核销用途": _text("What they were cancelled for.", "用途", "使用用途"),
        "受益方": _text("For whom they were cancelled.", "受益主体", "核销主体", "使用方", "消费主体", "核销单位"),
        "合同编号": _text("Contract they were delivered under.", "交易合同编号", "合同号", matches=IDENTIFIER),
        "declared_beneficiary": Column(pl.String, "For whom they must be cancelled, from sources.toml."),
    },
    rules=[
        rule(
            "certificates_or_energy_stated",
            pl.col("张数").is_not_null() | pl.col("电量").is_not_null(),
            "the row states neither a number of certificates nor an energy",
        ),
        rule(
            "energy_has_a_unit",
            pl.col("电量").is_null() | pl.col("单位").is_not_null(),
            "the energy has no unit",
        ),
        rule(
            "one_certificate_is_one_megawatt_hour",
            (in_base_unit(pl.col("电量"), pl.col("单位"), "energy") - _KWH_PER_CERTIFICATE * pl.col("张数")).abs() < 1,
            "张数 and 电量 contradict each other: one certificate is 1 MWh",
        ),
        rule(
            "cancelled_means_a_day",
            pl.when(pl.col("状态").is_in(CANCELLED))
            .then(pl.col("核销日期").is_not_null())
            .when(pl.col("状态").is_in(HELD))
            .then(pl.col("核销日期").is_null())
            .otherwise(True),
            "状态 and 核销日期 contradict each other: a cancelled certificate has a day, one that is held has none",
        ),
        rule(
            "cancelled_for_the_beneficiary",
            pl.col("declared_beneficiary").is_null()
            | (pl.col("受益方").fill_null("") == pl.col("declared_beneficiary")),
            "it was cancelled for another than the beneficiary sources.toml names",
        ),
    ],
)
