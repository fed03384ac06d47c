"""Contract of Chinese utility bills, as the grid, water, gas and heat companies export them to CSV or XLSX."""

from typing import Any

import polars as pl

from suanheng.schemas.columns import IDENTIFIER
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.units import in_base_unit, spellings

TITLE = "Chinese utility bill (电费账单, CSV, XLSX)"
FEEDS = ("utility_bills",)
OPTIONS = {
    "unit": "unit of the quantities, e.g. kWh or 万千瓦时, where neither a header nor a column 单位 states it",
    "end_date": "'inclusive' or 'exclusive': whether the end of a period is the last day billed or the day after it; "
    "found by comparing consecutive bills where absent",
    "read_at": "'start_of_day' or 'end_of_day': when a meter was read on 上次抄表日期 and "
    "本次抄表日期; found where all are first days of months, or all are last days",
    "commodity": "electricity, water, natural_gas or heat: what was delivered, where the quantity is only called 用量",
    "gas_mj_per_m3": "heating value of the gas, which turns its volume into energy",
    "ignore": "list of columns to leave out although they speak of a quantity or a charge",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/chinese_utility_bill_peak_flat_valley.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A table without an account number (户号), a period and a quantity or charge: nobody could know what was billed.",
    "A column of a quantity or a charge whose name is not known: it may be a part of the bill, or the whole of it.",
    "A unit that is stated nowhere, or twice in different ways.",
    "Bills that do not show whether the end date is billed, or at which end of the day the meter was read.",
)
LIMITS = (
    "电费合计 is not held against the sum of the charges, because bills carry charges that no column states.",
    "Maximum demand, power factor, meter readings and the parts of 电度电费 stay in the raw table.",
    "A row of totals at the foot of a table (合计) states no period and is quarantined.",
    "Money is read in 元 only.",
)

QUANTITIES = {"总电量": "electricity", "用水量": "water", "用气量": "natural_gas", "用热量": "heat"}
"""Columns of what was delivered, and what that is."""

PARTS = {
    "尖峰电量": ("sharp", "尖", "尖电量", "尖段电量", "尖时段电量", "尖峰", "尖峰时段电量", "有功电量(尖)", "有功尖"),
    "峰电量": ("peak", "峰", "高峰", "高峰电量", "峰段电量", "峰时段电量", "高峰时段电量", "有功电量(峰)", "有功峰"),
    "平电量": ("flat", "平", "平段", "平段电量", "平时段电量", "有功电量(平)", "有功平"),
    "谷电量": ("valley", "谷", "低谷", "低谷电量", "谷段电量", "谷时段电量", "低谷时段电量", "有功电量(谷)", "有功谷"),
    "深谷电量": ("deep_valley", "深谷", "深谷时段电量", "有功电量(深谷)", "有功深谷"),
}
"""Columns of the parts of the day (尖峰平谷): the tariff period, then the other names of the column."""

TIME_PERIODS = {
    **dict.fromkeys(("尖", "尖峰", "尖段"), "sharp"),
    **dict.fromkeys(("峰", "高峰", "峰段"), "peak"),
    **dict.fromkeys(("平", "平段"), "flat"),
    **dict.fromkeys(("谷", "低谷", "谷段"), "valley"),
    "深谷": "deep_valley",
    **dict.fromkeys(("总", "合计", "有功总"), "total"),
}
"""Values of the column 时段, where a bill has a row for each part of the day."""

READ = ("实抄", "自动抄表", "远程抄表", "集抄", "现场抄表", "人工抄表")
ESTIMATED = ("估抄", "估算", "估读", "暂估")
ORDINARY = ("正常", "正常电费", "抄表电费", "蓝字")
CORRECTED = ("重开", "重算", "更正")
ADJUSTING = ("退补", "退补电费", "补收", "退费", "追补")
REVERSING = ("冲红", "红冲", "冲销", "红字")

WATER_TONNE = "吨"
"""Water is billed by the tonne, which is a cubic metre."""

_NOTHING = ("-", "--", "—", "——", "/", "无")
_DATES = ("%Y-%m-%d",)
_CUBIC_METRES_AND_ENERGY = (*spellings("energy", "volume"), WATER_TONNE)
_ROUNDING_KWH_PER_PART = 1.0


def _text(meaning: str, *names: str, **limits: Any) -> Column:
    return Column(pl.String, meaning, spellings=names, nulls=_NOTHING, **limits)


def _quantity(meaning: str, *names: str) -> Column:
    return Column(pl.Float64, meaning, unit="单位", spellings=names, nulls=_NOTHING)


def _money(meaning: str, *names: str) -> Column:
    return Column(pl.Float64, meaning, unit="CNY", spellings=names, nulls=_NOTHING)


def _register(meaning: str, *names: str) -> Column:
    return Column(pl.Float64, meaning, unit="kWh / 倍率", spellings=names, nulls=_NOTHING)


def _day(meaning: str, *names: str, required: bool = False) -> Column:
    return Column(pl.Date, meaning, spellings=names, nulls=_NOTHING, time_formats=_DATES, required=required)


_RISE_KWH = (pl.col("本期示数") - pl.col("上期示数")) * pl.col("倍率")
_ROUNDING_OF_REGISTERS = 1.0
"""Units of a register by which the difference of two readings, each cut to whole units, may be off."""

_SHARE_OF_LOSSES = 0.1
"""Losses of transformer and line (变损、线损), which a bill adds to what the meter saw, are a few per cent; with a
tenth to spare. A multiplier that was not used is a factor of ten and more."""

_IS_WITHOUT_MULTIPLIER = (
    (pl.col("倍率") > 1 + _SHARE_OF_LOSSES)
    & (_RISE_KWH > 0)
    & ((in_base_unit(pl.col("总电量"), pl.col("单位"), "energy") * pl.col("倍率") / _RISE_KWH - 1).abs() <= 0.01)
)

_PART_COLUMNS = [pl.col(label) for label in PARTS]
_HAS_PARTS = pl.any_horizontal(part.is_not_null() for part in _PART_COLUMNS)
_PART_COUNT = pl.sum_horizontal(part.is_not_null() for part in _PART_COLUMNS)

_BILLED = (
    *QUANTITIES,
    *PARTS,
    *("用量", "退补电量", "尖峰电费", "峰电费", "平电费", "谷电费", "深谷电费", "电度电费", "购电费", "输配电费"),
    *(
        "上网环节线损费",
        "系统运行费",
        "基本电费",
        "力调电费",
        "代征电费",
        "污水处理费",
        "水资源费",
        "退补电费",
        "电费合计",
    ),
)

CONTRACT = Contract(
    "chinese_utility_bill",
    "one bill of one account, or one part of the day of one",
    happened=("起始日期", "截止日期"),
    columns={
        "户号": _text(
            "Account.",
            *(
                "用户编号",
                "客户编号",
                "用电户号",
                "用电户编号",
                "用户号",
                "户号/用户编号",
                "用水户号",
                "用气户号",
                "缴费户号",
            ),
            matches=IDENTIFIER,
            required=True,
        ),
        "表号": _text(
            "Meter, where an account has several.",
            *("电能表编号", "计量点编号", "计量点", "电表号", "水表号", "表计编号"),
            matches=IDENTIFIER,
        ),
        "户名": _text("Whom the account belongs to.", "用户名称", "客户名称", "用电户名"),
        "用电地址": _text("Where it was delivered.", "地址", "用水地址", "用气地址"),
        "账单编号": _text("Bill.", "账单号", "电费单号", "结算单号", "发票号码", "发票号", matches=IDENTIFIER),
        "版次": Column(
            pl.Int64,
            "0 for the first issue of a bill, higher for each correction.",
            unit="1",
            spellings=("版本", "版本号"),
            nulls=_NOTHING,
            at_least=0,
            default=0,
        ),
        "账单类型": _text(
            "Whether it is a bill, an adjustment (退补) or takes one back (冲红); a bill where it does not say.",
            *("票据类型", "账单性质", "电费类型"),
            one_of=(*ORDINARY, *CORRECTED, *ADJUSTING, *REVERSING),
        ),
        "计费周期": _text(
            "Period as the file writes it.", "抄表周期", "起止日期", "用电周期", "账期", "结算周期", "电费年月"
        ),
        "起始日期": _day(
            "First day, or the day of the reading before.",
            "开始日期",
            "账期起",
            "起始日",
            "计费开始日期",
            required=True,
        ),
        "截止日期": _day(
            "Last day, or the day of the reading.", "结束日期", "账期止", "截止日", "计费结束日期", required=True
        ),
        "上次抄表日期": _day("Day of the reading before.", "上期抄表日期", "上次抄表时间"),
        "本次抄表日期": _day("Day of the reading.", "本期抄表日期", "本次抄表时间"),
        "dates_are": Column(
            pl.String,
            "What 起始日期 and 截止日期 are; stated in sources.toml or found by the reader.",
            one_of=("inclusive", "exclusive", "read_at_end_of_day"),
            required=True,
        ),
        "commodity": Column(pl.String, "What was delivered.", one_of=tuple(QUANTITIES.values()), required=True),
        "上期示数": _register("Register at the reading before.", "上次示数", "上月示数", "起码", "起度", "上期表底"),
        "本期示数": _register("Register at the reading.", "本次示数", "本月示数", "止码", "止度", "本期表底"),
        "倍率": Column(
            pl.Float64,
            "What a unit of the register stands for (current and voltage transformers).",
            unit="1",
            spellings=("综合倍率", "计量倍率", "电表倍率", "乘率"),
            nulls=_NOTHING,
            at_least=0,
        ),
        "单位": _text(
            "Unit of the quantities.", "计量单位", "电量单位", one_of=_CUBIC_METRES_AND_ENERGY, required=True
        ),
        "时段": _text("Part of the day the row is for.", "电价时段", "分时时段", one_of=tuple(TIME_PERIODS)),
        "总电量": _quantity(
            "Electricity of all parts of the day.",
            *(
                "电量",
                "用电量",
                "总用电量",
                "合计电量",
                "电量合计",
                "有功总电量",
                "总有功电量",
                "有功电量",
                "有功电量(总)",
            ),
            *("有功总", "结算电量", "计费电量", "总购电量"),
        ),
        **{
            label: _quantity(f"Electricity of the part of the day '{period}'.", *names)
            for label, (period, *names) in PARTS.items()
        },
        "无功电量": Column(
            pl.Float64, "Reactive energy.", unit="kvarh", spellings=("无功总电量", "总无功电量"), nulls=_NOTHING
        ),
        "用水量": _quantity("Water.", "水量", "本期用水量", "计费水量"),
        "用气量": _quantity("Gas.", "气量", "本期用气量", "计费气量", "燃气用量"),
        "用热量": _quantity("Heat.", "热量", "供热量"),
        "用量": _quantity("What was delivered, where the header does not say what that is.", "本期用量", "实用量"),
        "退补电量": _quantity("Electricity added or taken off later.", "退补量"),
        "尖峰电费": _money("Charge for 尖.", "尖电费", "尖段电费"),
        "峰电费": _money("Charge for 峰.", "高峰电费", "峰段电费"),
        "平电费": _money("Charge for 平.", "平段电费"),
        "谷电费": _money("Charge for 谷.", "低谷电费", "谷段电费"),
        "深谷电费": _money("Charge for 深谷."),
        "电度电费": _money(
            "Charge for the quantity.",
            "电量电费",
            "目录电度电费",
            "电度电费合计",
            "水费",
            "基本水费",
            "气费",
            "燃气费",
            "热费",
        ),
        "购电费": _money("Part of 电度电费: generation.", "代理购电电费", "市场化购电电费", "市场化电费", "上网电费"),
        "输配电费": _money("Part of 电度电费: transmission and distribution."),
        "上网环节线损费": _money("Part of 电度电费: losses.", "上网环节线损费用", "线损费", "线损电费"),
        "系统运行费": _money("Part of 电度电费: operation of the system.", "系统运行费用"),
        "基本电费": _money("Charge for the connection, by capacity or by the highest demand.", "容(需)量电费"),
        "基本电费计收方式": _text(
            "How 基本电费 is charged.",
            "计收方式",
            one_of=("容量", "按容量", "需量", "按需量", "最大需量", "合同需量", "实际需量"),
        ),
        "最大需量": Column(pl.Float64, "Highest demand.", unit="kW", spellings=("计费需量",), nulls=_NOTHING),
        "功率因数": Column(
            pl.Float64, "Power factor.", unit="1", spellings=("实际功率因数",), nulls=_NOTHING, at_least=0, at_most=1
        ),
        "力调电费": _money("Adjustment for the power factor.", "功率因数调整电费", "力率调整电费", "力率电费"),
        "代征电费": _money("Levies.", "代征", "附加", "代征附加", "政府性基金及附加", "附加费", "代征合计"),
        "污水处理费": _money("Levy for sewage."),
        "水资源费": _money("Levy for water.", "水资源税"),
        "退补电费": _money("Charge added or taken off later.", "退补费", "调整电费"),
        "电费合计": _money(
            "The whole bill.", "合计电费", "应收电费", "总电费", "电费总额", "应收金额", "合计金额", "费用合计", "金额"
        ),
        "抄表方式": _text(
            "Whether the meter was read or its reading estimated.",
            "抄表状态",
            "抄表类型",
            "示数类型",
            one_of=(*READ, *ESTIMATED),
        ),
        "gas_mj_per_m3": Column(
            pl.Float64, "Heating value of gas, from sources.toml.", unit="MJ/m3", at_least=10, at_most=60
        ),
    },
    rules=[
        rule(
            "total_is_the_sum_of_its_parts",
            pl.col("总电量").is_null()
            | ~_HAS_PARTS
            | (
                in_base_unit(pl.col("总电量") - pl.sum_horizontal(_PART_COLUMNS), pl.col("单位"), "energy").abs()
                <= _ROUNDING_KWH_PER_PART * _PART_COUNT
            ),
            "总电量 is not the sum of its parts (尖峰平谷): ask the utility which is wrong, or if one holds another",
        ),
        rule(
            "quantity_is_the_rise_of_the_register",
            pl.any_horizontal(pl.col("上期示数", "本期示数", "倍率", "总电量").is_null())
            | (pl.col("账单类型").is_not_null() & ~pl.col("账单类型").is_in(ORDINARY))
            | (pl.col("本期示数") < pl.col("上期示数"))
            | (
                (in_base_unit(pl.col("总电量"), pl.col("单位"), "energy") - _RISE_KWH).abs()
                <= _ROUNDING_OF_REGISTERS * pl.max_horizontal("倍率", 1) + _SHARE_OF_LOSSES * _RISE_KWH
            )
            & ~_IS_WITHOUT_MULTIPLIER,
            "总电量 is not (本期示数 − 上期示数) × 倍率, nor that and the losses of a transformer: was the multiplier "
            "used? State what was delivered",
        ),
        rule("period_not_reversed", pl.col("起始日期") <= pl.col("截止日期"), "the period ends before it starts"),
        rule(
            "something_was_billed",
            pl.any_horizontal(pl.col(_BILLED).is_not_null()),
            "the row states neither a quantity nor a charge",
        ),
        rule(
            "one_row_per_bill_or_per_part_of_the_day",
            pl.col("时段").is_null() | ~_HAS_PARTS,
            "the row is for one part of the day and states others too",
        ),
        rule(
            "unit_possible_for_commodity",
            pl.when(pl.col("commodity") == "water")
            .then(pl.col("单位").is_in((*spellings("volume"), WATER_TONNE)))
            .when(pl.col("commodity") == "natural_gas")
            .then(pl.col("单位").is_in(spellings("energy", "volume")))
            .otherwise(pl.col("单位").is_in(spellings("energy"))),
            "what was delivered cannot be measured in this unit: check 单位",
        ),
        rule(
            "gas_needs_a_heating_value",
            (pl.col("commodity") != "natural_gas")
            | pl.col("单位").is_in(spellings("energy"))
            | pl.col("gas_mj_per_m3").is_not_null(),
            "a volume of gas is energy only with its heating value: add options = { gas_mj_per_m3 = … } to the source",
        ),
    ],
)
