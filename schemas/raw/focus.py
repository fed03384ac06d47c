"""Contract of cost and usage in FOCUS (FinOps Open Cost and Usage Specification) 1.0 to 1.2, and its dialects."""

from dataclasses import dataclass, field

import polars as pl

from suanheng.schemas.columns import CURRENCY
from suanheng.schemas.contract import UTC, Column, Contract, rule

TITLE = "Cloud cost and usage (FOCUS 1.0 to 1.2, CSV, Parquet)"
FEEDS = ("service_offers",)
OPTIONS = {
    "dialect": "in what the supplier differs from FOCUS: the name of a known dialect, or a table of its rules; "
    "nothing may differ where absent",
    "accelerators": "table from a SkuPriceId, SkuId or InstanceType to { sku = '…', devices = 8 }: what is rented",
}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/focus_gpu_instances.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "A header that lacks a mandatory column, or has one that is neither of FOCUS nor marked x_, unless the dialect of "
    "sources.toml says so: the supplier may mean something else by it.",
    "A dialect that nobody has described.",
)
LIMITS = (
    "Only list prices become offers, because a negotiated price is nobody else's. Costs stay in the raw table: they "
    "are no utility bills, since nobody is billed kWh in them.",
    "An offer needs a price per hour, the number of its accelerators and their model: from sources.toml, or GpuCount "
    "and InstanceType in SkuPriceDetails (FOCUS 1.1 and later). All else that was billed is no offer of compute.",
    "A price is known for the days on which something was billed at it, which are days of UTC.",
    "Columns marked x_ are not kept.",
)

_TEXT = (
    *("AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType", "CapacityReservationId"),
    *("CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency"),
    *("CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountStatus"),
    *("CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedUnit", "InvoiceId", "InvoiceIssuerName"),
    *("PricingCategory", "PricingCurrency", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName"),
    *("ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId"),
    *("SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags"),
)
_NUMBERS = (
    *("BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice"),
    *("EffectiveCost", "ListCost", "ListUnitPrice", "PricingCurrencyContractedUnitPrice"),
    *("PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity"),
)
STAMPS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
COLUMNS = (*_TEXT, *_NUMBERS, *STAMPS, "BillingCurrency")
"""Every column of FOCUS 1.0, 1.1 and 1.2."""

MANDATORY = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
)
"""Columns of feature level 'Mandatory' in 1.0 to 1.2."""

NEVER_NULL = tuple(
    name
    for name in MANDATORY
    if name not in {"BillingAccountName", "ChargeClass", "ChargeDescription", "PricingQuantity", "PricingUnit"}
)
"""Mandatory columns that may not be null."""

PLACEHOLDERS = ("NULL", "null", "None", "N/A", "Not Applicable", "Not Available", "Unassigned", "-2")
"""Texts that suppliers write for no value, which FOCUS forbids. In a column of numbers -2 is a number."""

STAMP_FORMS = {
    "no_zone": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$",
    "no_seconds": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z$",
    "fractions": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,9}Z$",
}
"""Ways of writing a stamp other than ``2024-09-01T00:00:00Z``; all of them are UTC."""

PRICES = {"ListUnitPrice": "ListCost", "ContractedUnitPrice": "ContractedCost"}
"""Prices, and the costs that are the price times PricingQuantity."""


@dataclass(frozen=True)
class Dialect:
    """In what the exports of a supplier differ from FOCUS.

    Attributes:
        placeholders: texts that stand for no value.
        stamps: forms of stamps, from ``STAMP_FORMS``.
        zero_price_is_null: whether a price of 0 beside a cost means that the price is not known.
        extra_columns: columns that are not of FOCUS; ``oci_*`` means all that begin so.
        missing_columns: mandatory columns that are not there.
        without_value: columns that may not be null and are.
        renamed: columns under another name, to the name they have in FOCUS.
    """

    placeholders: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    zero_price_is_null: bool = False
    extra_columns: tuple[str, ...] = ()
    missing_columns: tuple[str, ...] = ()
    without_value: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)


DIALECTS = {
    "focus": Dialect(),
    # FOCUS-Sample-Data of the FinOps Foundation: a dump of a database.
    "finops_sample": Dialect(
        placeholders=("NULL",), stamps=("no_zone",), extra_columns=("Id",), without_value=("ContractedCost",)
    ),
    # Conformance summary and issues 711, 779 and 834 of microsoft/finops-toolkit.
    "microsoft": Dialect(
        placeholders=("-2", "Unassigned"),
        stamps=("no_seconds",),
        zero_price_is_null=True,
        without_value=("ServiceName",),
    ),
    # Conformance gaps in the user guide of AWS Data Exports.
    "aws": Dialect(stamps=("fractions",), without_value=("InvoiceIssuerName", "PublisherName")),
    # Columns of the FOCUS reports of OCI, which are those of FOCUS 1.0-preview and some of its own.
    "oracle": Dialect(
        extra_columns=("oci_*", "ChargeSubcategory"),
        missing_columns=("ContractedCost", "ChargeClass"),
        renamed={
            "InvoiceIssuer": "InvoiceIssuerName",
            "Provider": "ProviderName",
            "Publisher": "PublisherName",
            "Region": "RegionId",
            "UsageQuantity": "ConsumedQuantity",
            "UsageUnit": "ConsumedUnit",
        },
    ),
}
"""Dialects by name, each with where it is described."""

_CONFORMING_STAMP = ("%Y-%m-%dT%H:%M:%S%z",)

CONTRACT = Contract(
    "focus",
    "one charge for one resource or service over one charge period",
    happened=("ChargePeriodStart", "ChargePeriodEnd"),
    columns={
        **{
            name: Column(UTC, f"FOCUS {name}.", unit="UTC", time_formats=_CONFORMING_STAMP, required=True)
            for name in STAMPS
        },
        "BillingCurrency": Column(pl.String, "Currency of every cost (ISO 4217).", matches=CURRENCY, required=True),
        **{name: Column(pl.String, f"FOCUS {name}.") for name in _TEXT},
        **{
            name: Column(pl.Float64, f"FOCUS {name}.", unit="PricingUnit" if "Quantity" in name else "BillingCurrency")
            for name in _NUMBERS
        },
        "accelerator_sku": Column(pl.String, "Model of the accelerators rented, from sources.toml."),
        "accelerators": Column(pl.Int64, "Accelerators rented with one unit, from sources.toml.", unit="1", at_least=1),
        "deviations": Column(pl.String, "What differs from FOCUS and is declared by the dialect."),
        "undeclared": Column(pl.String, "What differs from FOCUS and is declared by nobody."),
    },
    rules=[
        rule(
            "deviations_are_declared",
            pl.col("undeclared").is_null(),
            "the row differs from FOCUS, see undeclared: name the supplier's dialect in options of the source",
        ),
        rule(
            "charge_period_not_reversed",
            pl.col("ChargePeriodStart") <= pl.col("ChargePeriodEnd"),
            "the charge period ends before it starts",
        ),
    ],
)
