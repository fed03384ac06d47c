"""Contract of PACT product footprints (Technical Specifications 3)."""

import polars as pl

from suanheng.schemas.columns import amount, count, name, text
from suanheng.schemas.contract import UTC, Column, Contract, rule
from suanheng.schemas.datasets.supply_chain import DECLARED_UNITS

TITLE = "PACT product footprint, version 3 (JSON)"
FEEDS = ("product_footprints",)
OPTIONS = {"skus": "model as in hardware_assets, by the name or an identifier the footprint gives the product"}
TIMES = "stated"
HOLDS = "document"
SAMPLE = "data/pact_footprint_list.json"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = ("JSON that is neither a product footprint nor the response or event that carries some.",)
LIMITS = (
    "The whole is the footprint without biogenic uptake; its parts, emission factors and extensions are not read.",
    "A footprint stated for another unit than a piece is staged, and says nothing of an asset.",
    "Only version 3: earlier versions name the amounts otherwise.",
)

_STAMPS = ("%Y-%m-%dT%H:%M:%S%.f%#z",)
_PLACES = ("pcf.geographyRegionOrSubregion", "pcf.geographyCountry", "pcf.geographyCountrySubdivision")


def _stamp(meaning: str, *, required: bool = False) -> Column:
    return Column(UTC, meaning, unit="UTC", time_formats=_STAMPS, required=required)


CONTRACT = Contract(
    "pact_footprint",
    "one product footprint",
    columns={
        "id": name("Identifier of the footprint.", required=True),
        "specVersion": Column(pl.String, "Version of the specification.", matches=r"3\.\d+\.\d+.*", required=True),
        "version": count("Version of the footprint, in drafts of the specification."),
        "created": _stamp("When it was made.", required=True),
        "updated": _stamp("When it was last changed."),
        "status": Column(pl.String, "Whether it may be used.", one_of=("Active", "Deprecated"), required=True),
        "validityPeriodStart": _stamp("From when it is valid."),
        "validityPeriodEnd": _stamp("Until when, exclusive."),
        "companyName": name("Who declares it.", required=True),
        "productIds": text("Identifiers of the product."),
        "productNameCompany": name("What the company calls the product.", required=True),
        "sku": name("Model, from sources.toml."),
        "pcf.declaredUnitOfMeasurement": Column(
            pl.String, "Unit the footprint is stated for.", one_of=DECLARED_UNITS, required=True
        ),
        "pcf.declaredUnitAmount": amount("declared unit", "Units that the amounts below are for.", required=True),
        "pcf.productMassPerDeclaredUnit": amount("kg", "Mass of one declared unit."),
        "pcf.pcfExcludingBiogenicUptake": amount(
            "kgCO2e", "Footprint from raw material to the factory gate, without biogenic uptake.", required=True
        ),
        "pcf.referencePeriodStart": _stamp("From when the data are.", required=True),
        "pcf.referencePeriodEnd": _stamp("Until when the data are.", required=True),
        **dict.fromkeys(_PLACES, text("Where it was made; one of three, from a region to a part of a country.")),
        "pcf.primaryDataShare": amount("%", "Share that rests on primary data.", at_most=100),
        "pcf.dqi.technologicalDQR": Column(pl.Float64, "Rating of technology, 1 good to 5.", at_least=1, at_most=5),
        "pcf.dqi.temporalDQR": Column(pl.Float64, "Rating of time, 1 good to 5.", at_least=1, at_most=5),
        "pcf.dqi.geographicalDQR": Column(pl.Float64, "Rating of place, 1 good to 5.", at_least=1, at_most=5),
    },
    rules=[
        rule(
            "amount_is_positive",
            pl.col("pcf.declaredUnitAmount") > 0,
            "declaredUnitAmount is 0: a footprint of no units says nothing of one",
        ),
        rule(
            "updated_after_created",
            pl.col("created") <= pl.col("updated"),
            "it was updated before it was created: one of the two times is wrong",
        ),
        rule(
            "validity_is_whole",
            pl.col("validityPeriodStart").is_null() == pl.col("validityPeriodEnd").is_null(),
            "the validity period has only one of its ends",
        ),
        rule(
            "validity_not_empty",
            pl.col("validityPeriodStart") < pl.col("validityPeriodEnd"),
            "the validity period ends before it starts",
        ),
        rule(
            "reference_period_not_empty",
            pl.col("pcf.referencePeriodStart") < pl.col("pcf.referencePeriodEnd"),
            "the reference period ends before it starts",
        ),
        rule(
            "one_place",
            pl.sum_horizontal(pl.col(place).is_not_null() for place in _PLACES) <= 1,
            "region, country and part of a country exclude each other in PACT: state the one it was calculated for",
        ),
    ],
)
