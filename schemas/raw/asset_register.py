"""Contract of asset registers that people keep by hand, in Chinese or English."""

import polars as pl

from suanheng.schemas.columns import ISO_DATES, amount, choice, count, kept_by_hand, name, text
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.datasets.assets import accelerators_are_whole, class_is_known
from suanheng.schemas.datasets.supply_chain import ASSET_CLASSES
from suanheng.schemas.units import spellings

TITLE = "Asset register (XLSX, CSV; Chinese or English)"
FEEDS = ("hardware_assets",)
OPTIONS = {
    "columns": "header by column, where it has another spelling or the file has several that could be meant",
    "asset_classes": "class by the word the register uses, where that is not a common one",
    "asset_class": "class of every asset, where the register has no such column",
    "skus": "model as in reference.accelerators, by the model the register has",
    "rated_power_unit": "unit of the rated power, where neither the header nor the cell says it",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/asset_register_chinese.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "No row that names a model and an asset number or serial number: nothing says which table is the register.",
    "Two headers that both mean one column, unless sources.toml says which: their values may differ.",
)
LIMITS = (
    "Columns under headers that no spelling knows are not read; the option columns names them.",
    "Prices are not read. Rack, position and room stay in the raw table.",
    "A register without a quantity column lists one item a row.",
    "The day of withdrawal is the first day out of service; where the day of scrapping is earlier, that counts.",
)

_DAYS = (*ISO_DATES, "%Y.%m.%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d-%b-%Y")


def _day(meaning: str, *spellings: str, required: bool = False) -> Column:
    return Column(pl.Date, meaning, spellings=spellings, required=required, time_formats=_DAYS)


CONTRACT = Contract(
    "asset_register",
    "one line of the register: an asset, or several equal ones",
    columns=kept_by_hand(
        {
            "asset_number": name(
                "Number in the register.", "资产编号", "资产编码", "固定资产编号", "asset id", "asset tag"
            ),
            "serial_number": name("Serial number.", "序列号", "SN", "SN号", "设备序列号", "serial", "serial number"),
            "category": text(
                "What the register calls it.", "资产类别", "设备类型", "设备类别", "类别", "asset type", "type"
            ),
            "asset_class": choice(ASSET_CLASSES, "What it is, by its category or sources.toml."),
            "vendor": name("Vendor.", "厂商", "厂家", "品牌", "生产厂商", "制造商", "manufacturer", "brand"),
            "model": name("Model.", "型号", "规格型号", "设备型号", "产品型号", required=True),
            "hostname": name("Server name in telemetry.", "主机名", "主机", "节点名", "host", "host name", "node"),
            "quantity": count("Equal items on this line.", "数量", "qty", "count", at_least=1, required=True),
            "in_service_from": _day(
                "First day in service.",
                "启用日期",
                "投用日期",
                "上架日期",
                "投产日期",
                "in service",
                "commissioned",
                required=True,
            ),
            "withdrawn_on": _day(
                "First day out of service.", "停用日期", "下架日期", "退役日期", "withdrawn", "retired"
            ),
            "scrapped_on": _day(
                "Day it was scrapped.", "报废日期", "停用/报废日期", "处置日期", "scrapped", "disposed"
            ),
            "rated_power": amount(
                "rated_power_unit", "Rated power of one item.", "额定功率", "功率", "额定功耗", "rated power", "power"
            ),
            "rated_power_unit": Column(
                pl.String,
                "Unit of the rated power, from the cell, the header or sources.toml.",
                one_of=spellings("power"),
            ),
            "rack_units": amount(
                "U", "Rack height of one item.", "高度", "机架高度", "占用U数", "U数", "height", "rack units"
            ),
            "room": text("Room.", "机房", "位置", "room", "location"),
            "rack": text("Rack.", "机柜", "机柜号", "机柜/U位", "rack", "cabinet"),
            "rack_position": text("Position in the rack.", "U位", "起始U位", "position", "rack position"),
            "accelerator_model": name(
                "Model of the accelerators built into one item.",
                "加速卡型号",
                "GPU型号",
                "NPU型号",
                "gpu model",
                "accelerator",
            ),
            "sku": name("Model, from sources.toml."),
            "accelerator_sku": name("Model of the accelerators, from sources.toml."),
            "accelerators_per_item": count(
                "Accelerators built into one item.", "加速卡数量", "单机卡数", "GPU数量", "NPU数量", "gpus", "gpu count"
            ),
        }
    ),
    rules=[
        class_is_known("asset_class", "category"),
        rule(
            "has_a_number",
            pl.any_horizontal(pl.col("asset_number", "serial_number").is_not_null()),
            "neither an asset number nor a serial number: nothing distinguishes this asset from the next",
        ),
        rule(
            "rated_power_has_a_unit",
            pl.col("rated_power").is_null() | pl.col("rated_power_unit").is_not_null(),
            "rated power without a unit: write it in the header, 额定功率(kW), or set rated_power_unit in sources.toml",
        ),
        rule(
            "not_withdrawn_before_service",
            pl.col("in_service_from") < pl.min_horizontal("withdrawn_on", "scrapped_on"),
            "the asset leaves service before it enters it",
        ),
        *accelerators_are_whole("accelerator_model", "accelerators_per_item"),
    ],
)
