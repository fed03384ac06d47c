"""Contract of supplier and stock lists that people keep by hand, in Chinese or English."""

import polars as pl

from suanheng.schemas.columns import CURRENCY, ISO_DATES, amount, count, kept_by_hand, name, text
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.units import spellings

TITLE = "Supplier and stock list (XLSX, CSV; Chinese or English)"
FEEDS = ("part_supplies",)
OPTIONS = {
    "columns": "header by column, where it has another spelling or the file has several that could be meant",
    "observed_on": "day the list describes (YYYY-MM-DD), where it has no such column",
    "currency": "ISO 4217 code of the prices, where neither a column nor the header says it",
    "lead_time_unit": "unit of the lead time, where neither the header nor the cell says it",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/supplier_list_chinese.csv"
SAMPLE_SOURCE: dict[str, object] = {"options": {"observed_on": "2024-05-31"}}
REFUSES = (
    "No row that names a part number and a stock, a price, a lead time or a number of suppliers.",
    "Two headers that both mean one column, unless sources.toml says which: their values may differ.",
    "A list that does not say which day it describes, unless sources.toml does: prices and stocks are true of a day.",
)
LIMITS = (
    "One row a part: a second row of the same part and day is quarantined; further suppliers are a number in a column.",
    "A part is found in the bill of materials by its identifier, else by its name (its part number).",
    "Use per week or month is not read, only use per day.",
)

ORIGINS = {
    **{"中国": "CN", "中国大陆": "CN", "China": "CN", "中国台湾": "TW", "台湾": "TW", "Taiwan": "TW"},
    **{
        "美国": "US",
        "United States": "US",
        "USA": "US",
        "韩国": "KR",
        "South Korea": "KR",
        "日本": "JP",
        "Japan": "JP",
    },
    **{"德国": "DE", "Germany": "DE", "荷兰": "NL", "Netherlands": "NL", "马来西亚": "MY", "Malaysia": "MY"},
    **{"越南": "VN", "Vietnam": "VN", "泰国": "TH", "Thailand": "TH", "新加坡": "SG", "Singapore": "SG"},
    **{"菲律宾": "PH", "Philippines": "PH", "墨西哥": "MX", "Mexico": "MX", "以色列": "IL", "Israel": "IL"},
}
"""Code of a country by what lists call it; any ISO 3166-1 alpha-2 code is taken as it is."""

CURRENCIES = {
    "元": "CNY",
    "人民币": "CNY",
    "￥": "CNY",
    "RMB": "CNY",
    "美元": "USD",
    "$": "USD",
    "欧元": "EUR",
    "€": "EUR",
}
"""ISO 4217 code of a currency by what lists call it; any code is taken as it is."""

_DAYS = (*ISO_DATES, "%Y.%m.%d", "%Y-%m-%d %H:%M:%S")


def _word(meaning: str, *spellings: str, code: str, words: dict[str, str]) -> Column:
    escaped = "|".join(word.replace("$", r"\$") for word in words)
    return Column(pl.String, meaning, spellings=spellings, matches=f"{code}|{escaped}")


CONTRACT = Contract(
    "supplier_list",
    "one part of the list",
    columns=kept_by_hand(
        {
            "part_number": name(
                "Part.", "料号", "物料编码", "物料号", "部件编号", "part number", "part no", required=True
            ),
            "part_name": text("What it is called.", "名称", "物料名称", "部件名称", "description"),
            "observed_on": Column(
                pl.Date,
                "Day the row describes, from the list or sources.toml.",
                spellings=("日期", "盘点日期", "截止日期", "as of", "date"),
                time_formats=_DAYS,
                required=True,
            ),
            "supplier": name("Supplier at present.", "供应商", "供应商名称", "vendor"),
            "origin": _word(
                "Country of origin.", "原产国", "产地", "原产地", "country of origin", code="[A-Z]{2}", words=ORIGINS
            ),
            "unit_price": amount(
                "currency", "Price of one piece.", "单价", "采购单价", "含税单价", "price", "unit price"
            ),
            "currency": _word("Currency of the price.", "币种", "货币", code=CURRENCY, words=CURRENCIES),
            "qualified_suppliers": count(
                "Suppliers that are qualified.", "合格供应商数", "合格供方数", "qualified vendors"
            ),
            "lead_time": amount("lead_time_unit", "From order to delivery.", "交期", "采购周期", "交货期", "lead time"),
            "lead_time_unit": Column(
                pl.String,
                "Unit of the lead time, from the cell, the header or sources.toml.",
                one_of=spellings("duration"),
            ),
            "stock": amount("1", "Pieces in stock.", "库存", "库存数量", "现有库存", "stock", "on hand"),
            "daily_use": amount(
                "1/d", "Pieces used per day.", "日均用量", "日用量", "日均消耗", "daily use", "daily usage"
            ),
        }
    ),
    rules=[
        rule(
            "price_has_a_currency",
            pl.col("unit_price").is_null() | pl.col("currency").is_not_null(),
            "a price without a currency: write it in the header, 单价(元), or set currency in sources.toml",
        ),
        rule(
            "lead_time_has_a_unit",
            pl.col("lead_time").is_null() | pl.col("lead_time_unit").is_not_null(),
            "a lead time without a unit: write it in the header, 交期(天), or set lead_time_unit in sources.toml",
        ),
    ],
)
