"""Contracts of the energy family: bills and green-power claims."""

from typing import Any

import pandera.polars as pa
import polars as pl

from suanheng.schemas.columns import COMMODITIES, CURRENCY, amount, balance, choice, count, day, flag, name, provenance
from suanheng.schemas.contract import Column, Contract, rule

LINE_TYPES = (
    "consumption",
    "demand",
    "adjustment",
    "reversal",
    "energy_charge",
    "basic_charge",
    "power_factor",
    "surcharge",
)
"""What a line of a bill charges for. Only the first, the third and the fourth may carry a quantity.

``consumption`` is what was delivered; ``demand`` the highest demand (需量电费); ``adjustment`` a later addition or
subtraction (退补); ``reversal`` takes back the line of the same meter, tariff period and start with a lower revision
(冲红); ``energy_charge`` the money for all tariff periods together, where the bill does not split it (电度电费);
``basic_charge`` the charge for the connection (基本电费); ``power_factor`` 力调电费; ``surcharge`` levies (代征、附加).
"""

TARIFF_PERIODS = ("total", "sharp", "peak", "flat", "valley", "deep_valley")
"""Parts of the day with a price of their own: 尖, 峰, 平, 谷, 深谷; ``total`` where a bill states them together."""

_BILL = ("meter_id", "commodity", "line_type", "service_start", "service_end", "revision")
_ROUNDING_PER_PART = 1.0
"""Difference that rounding each part of a total to a whole kWh or m3 explains, with as much again to spare."""


def _total_and_parts(name: str, holds: pl.Expr, message: str) -> pa.Check:
    """A rule on a total line beside the lines of its tariff periods in the same file, where rows say their file."""

    def check(data: Any) -> pl.LazyFrame:
        lines = data.lazyframe
        file = [column for column in ("file_id",) if column in lines.collect_schema()]
        bill = [pl.col(column) for column in (*file, *_BILL)]
        is_part = pl.col("tariff_period") != "total"
        quantity = pl.coalesce("energy_kwh", "water_m3")
        return lines.with_columns(
            parts=is_part.sum().over(bill),
            stated=pl.when(~is_part).then(quantity).max().over(bill),
            summed=pl.when(is_part).then(quantity).sum().over(bill),
        ).select(holds.fill_null(True))

    return pa.Check(check, name=name, error=message)


_AGREE = (pl.col("stated") - pl.col("summed")).abs() <= _ROUNDING_PER_PART * pl.col("parts")

UTILITY_BILLS = Contract(
    "utility_bills",
    "one line of one bill",
    key=("meter_id", "commodity", "line_type", "tariff_period", "service_start", "invoice_id"),
    happened=("service_start", "service_end"),
    is_dated=True,
    span_rank=3,
    columns={
        **provenance(),
        "invoice_id": name("Invoice.", "invoice", "发票号", "账单号"),
        "meter_id": name("Meter or account that is billed.", "account", "户号", "表号", required=True),
        "commodity": choice(COMMODITIES, "What was delivered.", "能源品种", required=True),
        "line_type": choice(
            LINE_TYPES,
            "What the line charges for; consumption below zero is staged as an adjustment.",
            "费用类型",
            required=True,
            default="consumption",
        ),
        "tariff_period": choice(
            TARIFF_PERIODS,
            "Part of the day the line is for; lines of one bill add up, so a bill has a total or its parts, not both.",
            "时段",
            "电价时段",
            required=True,
            default="total",
        ),
        "service_start": day("First day of the service period.", "start_date", "起始日期", required=True),
        "service_end": day("Day after the last day of the service period.", "end_date", "截止日期", required=True),
        "energy_kwh": balance("kWh", "Energy delivered; negative on a credit note.", "电量", "能量"),
        "water_m3": balance("m3", "Water delivered; negative on a credit note.", "用水量"),
        "amount": balance("currency", "Amount charged; negative on a credit note.", "金额"),
        "currency": Column(pl.String, "Currency of amount (ISO 4217).", spellings=("币种",), matches=CURRENCY),
        "is_estimated": flag(
            "Whether the reading behind the line was estimated.", "估读", required=True, default=False
        ),
        "revision": count(
            "0 for the first issue of a bill, higher for each correction of it.", "版次", required=True, default=0
        ),
    },
    rules=[
        rule(
            "service_period_not_empty",
            pl.col("service_start") < pl.col("service_end"),
            "the service period ends before it starts",
        ),
        rule(
            "service_period_below_400_days",
            (pl.col("service_end") - pl.col("service_start")).dt.total_days() <= 400,
            "one bill covers more than 400 days: check the dates",
        ),
        rule(
            "quantity_matches_commodity",
            pl.when(pl.col("line_type") != "consumption")
            .then(True)
            .when(pl.col("commodity") == "water")
            .then(pl.col("water_m3").is_not_null())
            .otherwise(pl.col("energy_kwh").is_not_null()),
            "a consumption line needs a quantity: water_m3 for water, energy_kwh for everything else",
        ),
        _total_and_parts(
            "total_contradicts_its_parts",
            (pl.col("parts") == 0) | _AGREE,
            "the total of the bill is not the sum of its tariff periods: compare the lines of this meter and period",
        ),
        _total_and_parts(
            "total_beside_its_parts",
            (pl.col("parts") == 0) | (pl.col("tariff_period") != "total") | ~_AGREE,
            "the tariff periods of this bill are stated and add up to this total, which would count them twice",
        ),
    ],
)

ENERGY_CERTIFICATES = Contract(
    "energy_certificates",
    "one claim of green power",
    key=("certificate_id",),
    happened=("vintage_start", "vintage_end"),
    is_seen_by_all_sites=True,
    is_dated=True,
    columns={
        **provenance(),
        "certificate_id": name("Serial number or contract number.", "证书编号", required=True),
        "instrument": choice(
            ("gec", "irec", "goo", "ppa", "on_site"),
            "Kind of claim; gec is the Chinese 绿证.",
            "凭证类型",
            required=True,
        ),
        "energy_kwh": amount("kWh", "Energy claimed.", "电量", required=True),
        "vintage_start": day("First day of generation.", "起始日期", required=True),
        "vintage_end": day("Day after the last day of generation.", "截止日期", required=True),
        "retired_on": day("Day on which the claim was cancelled for this site; empty if it was not.", "注销日期"),
        "contract_id": name(
            "Contract the certificate was delivered under, as its own certificate_id states it.", "合同编号"
        ),
        "technology": name("Kind of generation.", "发电类型"),
        "region_code": name("Region of generation (ISO 3166-2).", "省份"),
    },
    rules=[
        rule("vintage_not_empty", pl.col("vintage_start") < pl.col("vintage_end"), "the vintage ends before it starts")
    ],
)
