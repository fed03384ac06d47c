"""Contracts of the supply-chain family: assets, parts, software, compatibility tests, offers."""

import polars as pl

from suanheng.schemas.columns import (
    CURRENCY,
    PRECISIONS,
    amount,
    choice,
    count,
    day,
    flag,
    instant,
    name,
    provenance,
    ratio,
    text,
)
from suanheng.schemas.contract import Column, Contract, rule

ASSET_CLASSES = ("accelerator", "accelerator_server", "server", "storage", "network", "ups", "cooling", "other")

COMPONENT_CLASSES = (
    "accelerator",
    "cpu",
    "memory",
    "network",
    "optics",
    "storage",
    "power_supply",
    "cooling",
    "board",
    "other",
)

HARDWARE_ASSETS = Contract(
    "hardware_assets",
    "one asset, or one batch of equal assets put into service together",
    key=("asset_id",),
    happened=None,
    columns={
        **provenance(),
        "asset_id": name("Asset or batch.", "sn", "资产编号", required=True),
        "parent_asset_id": name("Asset it is built into; its rated power already contains this one's.", "上级资产"),
        "asset_class": choice(ASSET_CLASSES, "What it is.", "资产类别", required=True),
        "vendor": name("Vendor.", "厂商"),
        "sku": name("Model; for accelerators as in reference.accelerators.", "model", "型号", required=True),
        "node_id": name("Server name in telemetry, where the asset is one server.", "hostname", "主机"),
        "quantity": count("How many equal items.", "数量", at_least=1, required=True),
        "in_service_from": day("First day in service.", "启用日期", required=True),
        "in_service_to": day("Day after the last day in service; empty while in service.", "停用日期"),
        "rated_power_w": amount("W", "Rated power of one item, with everything built into it.", "额定功率"),
        "rack_units": amount("U", "Rack height of one item.", "机架高度"),
        "embodied_kgco2e": amount(
            "kgCO2e", "Carbon of making one item, without what is listed as built into it.", "隐含碳"
        ),
        "service_life_years": Column(
            pl.Float64,
            "Years over which embodied carbon is written off.",
            unit="a",
            spellings=("使用年限",),
            at_least=0.5,
            at_most=30,
        ),
        "purchase_value": amount("currency", "Price paid for one item.", "采购价"),
        "currency": Column(pl.String, "Currency of purchase_value (ISO 4217).", spellings=("币种",), matches=CURRENCY),
    },
    rules=[
        rule(
            "not_retired_before_service",
            pl.col("in_service_from") < pl.col("in_service_to"),
            "the asset leaves service before it enters it",
        )
    ],
)

DECLARED_UNITS = (
    *("piece", "liter", "kilogram", "cubic meter", "kilowatt hour", "megajoule", "ton kilometer"),
    *("square meter", "hour", "megabit second"),
)
"""Units that a product footprint may be declared for, as PACT names them."""

PRODUCT_FOOTPRINTS = Contract(
    "product_footprints",
    "one declaration of the carbon footprint of one product",
    key=("footprint_id",),
    happened=None,
    columns={
        **provenance(),
        "footprint_id": name("Declaration.", "声明编号", required=True),
        "revision": count("Version of the declaration; a later one replaces an earlier one.", "版本"),
        "sku": name("Model, as in hardware_assets.", "model", "型号", required=True),
        "vendor": name("Who declares it.", "厂商"),
        "declared_unit": choice(DECLARED_UNITS, "What the footprint is stated for.", "声明单位", default="piece"),
        "embodied_kgco2e": amount(
            "kgCO2e", "Carbon of making one declared unit, with everything it is sold with.", "隐含碳"
        ),
        "lifetime_kgco2e": amount(
            "kgCO2e", "Carbon of one declared unit over its whole life, use included.", "全生命周期碳"
        ),
        "relative_error_ratio": amount("1", "Error of lifetime_kgco2e, as a share of it; it can exceed 1.", "误差"),
        "shares_add_up": flag("Whether the shares of the phases of life add up to the whole.", "占比一致"),
        "primary_data_ratio": ratio("Share that rests on primary data.", "初级数据占比"),
        "service_life_years": Column(
            pl.Float64,
            "Years of use that lifetime_kgco2e assumes.",
            unit="a",
            spellings=("使用年限",),
            at_least=0.5,
            at_most=30,
        ),
        "valid_from": day("First day on which the declaration is valid.", "生效日期", required=True),
        "valid_to": day("Day after the last day on which it is valid; empty where it has no end.", "失效日期"),
    },
    rules=[
        rule(
            "footprint_period_not_empty",
            pl.col("valid_from") < pl.col("valid_to"),
            "the validity ends before it starts",
        )
    ],
)

BOM_PARTS = Contract(
    "bom_parts",
    "one part of one asset model, as known on one day",
    key=("asset_sku", "part_id", "observed_on"),
    happened=None,
    columns={
        **provenance(),
        "asset_sku": name("Model of the asset the part belongs to.", "整机型号", required=True),
        "part_id": name("Part.", "料号", required=True),
        "observed_on": day("Day the row describes.", "日期", required=True),
        "component_class": choice(COMPONENT_CLASSES, "What kind of part it is.", "部件类别", required=True),
        "part_name": text("What the part is called.", "名称"),
        "supplier": name("Supplier at present.", "供应商"),
        "origin_country": Column(
            pl.String, "Country of origin (ISO 3166-1 alpha-2).", spellings=("原产国",), matches=r"[A-Z]{2}"
        ),
        "quantity": amount("1", "Pieces per asset.", "数量", required=True),
        "unit_value": amount("currency", "Price of one piece.", "单价"),
        "currency": Column(pl.String, "Currency of unit_value (ISO 4217).", spellings=("币种",), matches=CURRENCY),
        "qualified_suppliers": count("Suppliers that are qualified to deliver it.", "合格供应商数"),
        "lead_time_days": amount("d", "Days from order to delivery.", "交期"),
        "stock_units": amount("1", "Pieces in stock.", "库存"),
        "daily_use_units": amount("1/d", "Pieces used per day on average.", "日均用量"),
    },
)

PART_SUPPLIES = Contract(
    "part_supplies",
    "one part as it is bought and kept in stock, as known on one day",
    key=("part_id", "observed_on"),
    happened=None,
    columns={
        **provenance(),
        "part_id": name("Part, by its identifier or its name in bom_parts.", "料号", required=True),
        "observed_on": day("Day the row describes.", "日期", required=True),
        "part_name": text("What the part is called.", "名称"),
        "supplier": name("Supplier at present.", "供应商"),
        "origin_country": Column(
            pl.String, "Country of origin (ISO 3166-1 alpha-2).", spellings=("原产国",), matches=r"[A-Z]{2}"
        ),
        "unit_value": amount("currency", "Price of one piece.", "单价"),
        "currency": Column(pl.String, "Currency of unit_value (ISO 4217).", spellings=("币种",), matches=CURRENCY),
        "qualified_suppliers": count("Suppliers that are qualified to deliver it.", "合格供应商数"),
        "lead_time_days": amount("d", "Days from order to delivery.", "交期"),
        "stock_units": amount("1", "Pieces in stock, whatever they are built into.", "库存"),
        "daily_use_units": amount("1/d", "Pieces used per day on average, whatever they are built into.", "日均用量"),
    },
)

SOFTWARE_COMPONENTS = Contract(
    "software_components",
    "one component of the software stack, as known on one day",
    key=("document_id", "component_ref", "observed_on"),
    happened=None,
    columns={
        **provenance(),
        "component_ref": name("Identifier within the bill of materials.", "bom-ref", "组件标识", required=True),
        "document_id": Column(
            pl.String,
            "Bill of materials the row is of; components of several are distinguished by it.",
            spellings=("清单编号",),
            default="not stated",
        ),
        "describes": Column(
            pl.String,
            "Image or product the bill of materials describes; its newest bill is its state.",
            spellings=("描述对象",),
            default="not stated",
        ),
        "observed_on": day("Day the row describes.", "日期", required=True),
        "component_name": name("Name.", "名称", required=True),
        "component_version": name("Version.", "版本"),
        "supplier": name("Supplier.", "供应商"),
        "licence_spdx": name("Licence as an SPDX identifier or expression.", "license", "许可证"),
        "package_url": name("Package URL (purl) or another unique identifier.", "purl"),
        "has_dependencies_stated": flag("Whether the bill of materials states what it depends on.", "依赖关系"),
        "sbom_author": text("Who wrote the bill of materials.", "作者"),
        "sbom_created_at_utc": instant("When the bill of materials was written.", "生成时间"),
        "implements_open_standard": flag("Whether it implements an interface that is an open standard.", "开放标准"),
    },
)

COMPATIBILITY_TESTS = Contract(
    "compatibility_tests",
    "one test of one operator, framework or model on one device type",
    key=("test_id", "sku", "tested_on"),
    happened=None,
    columns={
        **provenance(),
        "test_id": name("Test.", "用例", required=True),
        "subject_kind": choice(("operator", "framework", "model"), "What was tested.", "测试对象类型", required=True),
        "subject_name": name("Name of what was tested.", "测试对象", required=True),
        "subject_version": name("Version of what was tested.", "版本"),
        "sku": name("Device type it was tested on.", "型号", required=True),
        "tested_on": day("Day of the test.", "测试日期", required=True),
        "result": choice(("passed", "failed", "not_run"), "Outcome.", "结果", required=True),
        "is_required": flag("Whether the site's tenants need it.", "必需", required=True),
        "weight": amount("1", "How much it counts among the required ones.", "权重", required=True),
        "evidence_url": text("Where the log of the test is.", "证据"),
    },
)

SERVICE_OFFERS = Contract(
    "service_offers",
    "one thing a tenant can buy, over the days in which it is on offer",
    key=("offer_id", "valid_from"),
    happened=("valid_from", "valid_to"),
    columns={
        **provenance(),
        "offer_id": name("Offer.", "产品编号", required=True),
        "unit": choice(
            ("device_hour", "effective_pflop_hour", "million_tokens"), "What one unit is.", "计价单位", required=True
        ),
        "price": amount("currency", "Price of one unit.", "单价", required=True),
        "currency": Column(
            pl.String, "Currency of price (ISO 4217).", spellings=("币种",), matches=CURRENCY, required=True
        ),
        "sku": name("Accelerator model.", "型号"),
        "precision": choice(PRECISIONS, "Number format the offer is for.", "精度"),
        "minimum_units": amount("1", "Smallest amount that can be bought.", "起订量"),
        "region_code": name("Region served (ISO 3166-2).", "区域"),
        "availability_ratio": ratio("Availability the offer promises.", "SLA"),
        "valid_from": day("First day on offer.", "生效日期", required=True),
        "valid_to": day("Day after the last day on offer; empty while on offer.", "失效日期"),
    },
    rules=[
        rule("offer_period_not_empty", pl.col("valid_from") < pl.col("valid_to"), "the offer ends before it starts")
    ],
)
