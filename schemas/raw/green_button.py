"""Contract of Green Button interval readings (NAESB REQ.21 ESPI, Atom XML)."""

import polars as pl

from suanheng.schemas.columns import choice, text
from suanheng.schemas.contract import UTC, Column, Contract, rule
from suanheng.schemas.datasets.telemetry import BOUNDARIES

TITLE = "Green Button usage data (ESPI XML)"
FEEDS = ("facility_readings",)
OPTIONS = {"boundary": "where the electricity meter sits, e.g. utility or it_input; utility where absent"}
TIMES = "stated"
HOLDS = "chunks"
SAMPLE = "data/green_button_electricity_gas_water.xml"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "XML that is no Atom feed of ESPI resources, is cut off, or carries a document type: it may name other files.",
)
LIMITS = (
    "Usage summaries become no bills: they are about the 'last period' without its dates, and are not the sum of the "
    "intervals.",
    "Costs of intervals stay in the raw table: they are the energy part of a bill that the file does not hold.",
    "Reactive and apparent energy, voltage and current are quarantined, and so are services other than electricity, "
    "gas, water and heat.",
)

ENERGY_UNITS = ("31", "72", "132", "169")
"""Codes of uom: joule, watt-hour, Btu, therm."""
VOLUME_UNITS = ("42", "166", "167", "119", "120", "134", "156", "157", "128", "130")
"""Codes of uom: cubic metre, cubic foot and litre (also un- and compensated), US gallon, imperial gallon."""
POWER_UNITS = ("38", "133")
"""Codes of uom: watt, Btu per hour."""

_EPOCH_AS_UTC = ("%Y-%m-%dT%H:%M:%S%z",)
_ELECTRICITY, _GAS, _WATER, _HEAT = "0", "1", "2", "4"

CONTRACT = Contract(
    "green_button",
    "one interval reading of one usage point, with the reading type it is linked to",
    happened=("timePeriod/start", "timePeriod/end"),
    may_begin=("timePeriod/end",),
    columns={
        "UsagePoint": Column(pl.String, "Address of the usage point in the feed.", required=True),
        "UsagePoint/title": text("What the customer calls the usage point."),
        "ServiceCategory/kind": Column(
            pl.String,
            "What is delivered: 0 electricity, 1 gas, 2 water, 4 heat.",
            one_of=(_ELECTRICITY, _GAS, _WATER, _HEAT),
            required=True,
        ),
        "MeterReading": text("Address of the series of readings in the feed."),
        "ReadingType": text("Address of the reading type in the feed."),
        "accumulationBehaviour": text("1 to 3 are counter readings, 4 is what passed in the interval."),
        "commodity": text("Commodity code of the reading type."),
        "currency": text("ISO 4217 number of the currency of cost."),
        "dataQualifier": text("8 and 9 are maxima and minima, 2 is a mean, 12 is normal."),
        "flowDirection": text(
            "1 is delivered to the customer, 19 received from the customer, 4 the difference, 20 the sum."
        ),
        "kind": text("Kind of measurement of the reading type, 12 is energy."),
        "powerOfTenMultiplier": Column(
            pl.Int64, "The value counts units of ten to this power; absent means zero.", unit="1", default=0
        ),
        "uom": Column(
            pl.String, "Unit of the value.", one_of=(*ENERGY_UNITS, *VOLUME_UNITS, *POWER_UNITS), required=True
        ),
        "timePeriod/start": Column(
            UTC, "Start of the interval; seconds since 1970 in the file.", time_formats=_EPOCH_AS_UTC, required=True
        ),
        "timePeriod/end": Column(
            UTC, "End of the interval: its start plus its duration.", time_formats=_EPOCH_AS_UTC, required=True
        ),
        "value": Column(pl.Float64, "The reading.", unit="uom x 10^powerOfTenMultiplier", required=True),
        "cost": Column(pl.Float64, "Cost of the interval.", unit="1e-5 currency"),
        "ReadingQuality/quality": Column(
            pl.String, "Quality codes of the reading, apart by a blank; empty is unknown.", matches=r"\d+( \d+)*"
        ),
        "boundary": choice(BOUNDARIES, "Where the electricity meter sits, from sources.toml.", required=True),
    },
    rules=[
        rule(
            "unit_possible_for_commodity",
            pl.when(pl.col("ServiceCategory/kind") == _ELECTRICITY)
            .then(pl.col("uom").is_in((*ENERGY_UNITS[:3], POWER_UNITS[0])))
            .when(pl.col("ServiceCategory/kind") == _GAS)
            .then(pl.col("uom").is_in((*ENERGY_UNITS, *VOLUME_UNITS[:5])))
            .when(pl.col("ServiceCategory/kind") == _WATER)
            .then(pl.col("uom").is_in(VOLUME_UNITS))
            .otherwise(pl.col("uom").is_in((*ENERGY_UNITS, *POWER_UNITS))),
            "what is delivered cannot be measured in this unit: ask the utility which of the two is wrong",
        )
    ],
)
