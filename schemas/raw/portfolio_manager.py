"""Contract of ENERGY STAR Portfolio Manager meter entries, as exported to XLSX or CSV."""

import polars as pl

from suanheng.schemas.columns import CURRENCY
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.units import spellings

TITLE = "ENERGY STAR Portfolio Manager meter entries (XLSX, CSV)"
FEEDS = ("utility_bills",)
OPTIONS = {
    "end_date": "'inclusive' or 'exclusive': whether End Date is the last day billed or the day after it; found by "
    "comparing consecutive bills where absent",
    "currency": "ISO 4217 code of the '$' in the file; USD where absent",
}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/portfolio_manager_inclusive.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = (
    "No sheet with a header of meter entries.",
    "Bills that do not show whether End Date is the last day billed or the day after, unless sources.toml says so.",
)
LIMITS = (
    "Demand and its cost stay in the raw table, and so does green power: it names no certificate.",
    "Fuel oil, propane, wood, coal and coke have no place among the commodities and are quarantined.",
)

COMMODITY_OF_METER_TYPE = {
    "Electric": "electricity",
    "Electric - Grid": "electricity",
    "Natural Gas": "natural_gas",
    "Diesel": "diesel",
    "District Steam": "heat",
    "District Hot Water": "heat",
    "District Chilled Water": "cooling",
    "District Chilled Water - Absorption": "cooling",
    "District Chilled Water - Electric": "cooling",
    "District Chilled Water - Engine": "cooling",
    "District Chilled Water - Other": "cooling",
    "Water": "water",
    "Municipally Supplied Potable Water - Indoor": "water",
    "Municipally Supplied Potable Water - Outdoor": "water",
    "Municipally Supplied Potable Water - Mixed Indoor/Outdoor": "water",
    "Municipally Supplied Reclaimed Water - Indoor": "water",
    "Municipally Supplied Reclaimed Water - Outdoor": "water",
    "Municipally Supplied Reclaimed Water - Mixed Indoor/Outdoor": "water",
}
"""What each type of meter is billed for. Meters of the owner's own generation send no bills and are absent."""

_NOT_AVAILABLE = ("Not Available", "Not Applicable")
_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y")


def _share(source: str, *as_exported: str) -> Column:
    """Share of a source in the green power; exports misspell some of these labels."""
    return Column(
        pl.Float64, f"Share of {source} in the green power.", unit="%", spellings=as_exported, nulls=_NOT_AVAILABLE
    )


def _meter_types(*commodities: str) -> list[str]:
    return [meter for meter, commodity in COMMODITY_OF_METER_TYPE.items() if commodity in commodities]


CONTRACT = Contract(
    "portfolio_manager",
    "one entry of one meter: a bill over a service period",
    happened=("Start Date", "End Date"),
    columns={
        "Property Name": Column(pl.String, "Building.", nulls=_NOT_AVAILABLE),
        "Portfolio Manager ID": Column(pl.String, "Number of the building.", nulls=_NOT_AVAILABLE),
        "Portfolio Manager Meter ID": Column(pl.String, "Number of the meter.", nulls=_NOT_AVAILABLE, required=True),
        "Meter Name": Column(pl.String, "What the owner calls the meter.", nulls=_NOT_AVAILABLE),
        "Meter Type": Column(
            pl.String,
            "What the meter measures.",
            nulls=_NOT_AVAILABLE,
            one_of=tuple(COMMODITY_OF_METER_TYPE),
            required=True,
        ),
        "Meter Consumption ID": Column(pl.String, "Number of the entry.", nulls=_NOT_AVAILABLE),
        "Start Date": Column(pl.Date, "First day billed.", nulls=_NOT_AVAILABLE, time_formats=_DATES, required=True),
        "End Date": Column(
            pl.Date,
            "Last day billed, or the day after it: see end_date_convention.",
            nulls=_NOT_AVAILABLE,
            time_formats=_DATES,
            required=True,
        ),
        "Delivery Date": Column(pl.Date, "Day of delivery.", nulls=_NOT_AVAILABLE, time_formats=_DATES),
        "Usage/Quantity": Column(
            pl.Float64, "Quantity, in the unit beside it.", unit="Usage Units", nulls=_NOT_AVAILABLE, required=True
        ),
        "Usage Units": Column(
            pl.String,
            "Unit of the quantity. Case matters: kBtu is a thousand Btu, MBtu a million.",
            nulls=_NOT_AVAILABLE,
            one_of=spellings("energy", "volume", "mass"),
            required=True,
        ),
        "Cost ($)": Column(pl.Float64, "Amount charged.", unit="currency", nulls=_NOT_AVAILABLE),
        "Estimation?": Column(pl.Boolean, "Whether the reading was estimated.", nulls=_NOT_AVAILABLE),
        "Demand (kW)": Column(pl.Float64, "Peak demand billed.", unit="kW", nulls=_NOT_AVAILABLE),
        "Demand Cost ($)": Column(
            pl.Float64, "Part of the cost that is charged for demand.", unit="currency", nulls=_NOT_AVAILABLE
        ),
        "Last Modified Date": Column(
            pl.Date, "Day the entry was last changed.", nulls=_NOT_AVAILABLE, time_formats=_DATES
        ),
        "Green Power": Column(pl.Boolean, "Whether part of it was bought as green power.", nulls=_NOT_AVAILABLE),
        "Green Power Quantity": Column(
            pl.Float64, "Part of the quantity that was bought as green power.", unit="Usage Units", nulls=_NOT_AVAILABLE
        ),
        "Fuel Source - Solar %": _share("solar"),
        "Fuel Source - Wind %": _share("wind", "Fuel Souce - Wind %"),
        "Fuel Source - Biogas %": _share("biogas", "Fuel Source -Biogas %"),
        "Fuel Source - Biomass %": _share("biomass", "Fuel Source -Biomass %"),
        "Fuel Source - Geothermal %": _share("geothermal heat"),
        "Fuel Source - Small Hydropower %": _share("small hydropower"),
        "Fuel Source - Unknown %": _share("an unknown source"),
        "Cost ($) (2)": Column(
            pl.Float64,
            "Second column of this name: cost of an on-site renewable system, never a bill.",
            unit="currency",
            nulls=_NOT_AVAILABLE,
        ),
        "end_date_convention": Column(
            pl.String,
            "Whether End Date is the last day billed; stated in sources.toml or found by the reader.",
            one_of=("inclusive", "exclusive"),
            required=True,
        ),
        "currency": Column(pl.String, "ISO 4217 code of '$', from sources.toml.", matches=CURRENCY, required=True),
    },
    rules=[
        rule(
            "unit_possible_for_meter",
            pl.when(pl.col("Usage Units").is_in(spellings("volume")))
            .then(pl.col("Meter Type").is_in(_meter_types("natural_gas", "diesel", "water")))
            .when(pl.col("Usage Units").is_in(spellings("mass")))
            .then(pl.col("Meter Type") == "District Steam")
            .otherwise(pl.col("Meter Type").is_in(_meter_types("water")).not_()),
            "this type of meter cannot measure in this unit: check the meter type and the unit",
        )
    ],
)
