"""Contract of the bill upload template of ENERGY STAR Portfolio Manager (Add Bills to Existing Meters, XLSX)."""

import polars as pl

from suanheng.schemas.columns import CURRENCY, text
from suanheng.schemas.contract import UTC, Column, Contract, rule
from suanheng.schemas.units import spellings

TITLE = "ENERGY STAR Portfolio Manager bill upload template (XLSX)"
FEEDS = ("utility_bills", "facility_readings")
OPTIONS = {
    "end_date": "'inclusive' or 'exclusive': whether End Date is the last day billed or the day after it; found by "
    "comparing consecutive bills where absent",
    "currency": "ISO 4217 code of the money in the file; USD where absent",
}
TIMES = "local"
HOLDS = "document"
SAMPLE = "data/portfolio_manager_template_it_energy.xlsx"
SAMPLE_SOURCE: dict[str, object] = {"time_zone": "America/New_York"}
REFUSES = (
    "A workbook without a filled-in sheet whose name begins with 'Add Bills-'.",
    "Bills that do not show whether End Date is the last day billed or the day after, unless sources.toml says so.",
)
LIMITS = (
    "Sheets of waste are not read: it is no energy.",
    "Deliveries are quarantined: fuel that was delivered on a day says not when it was burnt.",
    "Fuel oil, propane, wood, coal and coke have no place among the commodities and are quarantined, and so is water "
    "flow.",
    "Bare MCF, Mcf, MBtu, MLbs and tons are quarantined: M stands for a thousand in some trades and for a million in "
    "others.",
    "Electricity of an on-site system that was exported stays in the raw table.",
)

COMMODITY_OF_METER_TYPE = {
    "Electricity - Grid Purchase": "electricity",
    "Natural Gas": "natural_gas",
    "Diesel": "diesel",
    "District Steam": "heat",
    "District Hot Water": "heat",
    "District Chilled Water - Electric-Driven Chiller": "cooling",
    "District Chilled Water - Absorption Chiller using Natural Gas": "cooling",
    "District Chilled Water - Engine-Driven Chiller using Natural Gas": "cooling",
    "District Chilled Water - Other": "cooling",
    "Municipally Supplied Potable Water - Indoor": "water",
    "Municipally Supplied Potable Water - Outdoor": "water",
    "Municipally Supplied Potable Water - All": "water",
    "Municipally Supplied Reclaimed Water - Indoor": "water",
    "Municipally Supplied Reclaimed Water - Outdoor": "water",
    "Municipally Supplied Reclaimed Water - All": "water",
}
"""What each type of billed meter is billed for."""

UPS_OUTPUT = "Uninterruptible Power Supply (UPS) Output Energy"
PDU_INPUT = "Power Distribution Unit (PDU) Input Energy"
PDU_OUTPUT = "Power Distribution Unit (PDU) Output Energy"
IT_INPUT = "IT Equipment Input Energy (meters on each piece of equipment)"
MEASURED_METER_TYPES = (
    UPS_OUTPUT,
    PDU_INPUT,
    PDU_OUTPUT,
    IT_INPUT,
    "Electricity - On-Site Solar",
    "Electricity - On-Site Wind",
)
"""Types of meters that send no bills; the first four are the places in which IT energy is measured for the PUE."""

_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y")
_MIDNIGHT = ("%Y-%m-%d %H:%M:%S",)


def _meter_types(*commodities: str) -> list[str]:
    return [meter for meter, commodity in COMMODITY_OF_METER_TYPE.items() if commodity in commodities]


CONTRACT = Contract(
    "portfolio_manager_template",
    "one entry of one meter, on the sheet of its kind",
    happened=("Start Date", "End Date"),
    columns={
        "sheet": text("Sheet, without 'Add Bills-'."),
        "Meter ID": Column(pl.String, "Number of the meter.", required=True),
        "Meter Consumption ID": text("Number of the entry."),
        "Portfolio Manager ID": text("Number of the building."),
        "Property Name": text("Building."),
        "Meter Name": text("What the owner calls the meter."),
        "Meter Type": Column(
            pl.String,
            "What the meter measures.",
            one_of=(*COMMODITY_OF_METER_TYPE, *MEASURED_METER_TYPES),
            required=True,
        ),
        "Start Date": Column(pl.Date, "First day.", time_formats=_DATES, required=True),
        "End Date": Column(
            pl.Date, "Last day, or the day after it: see end_date_convention.", time_formats=_DATES, required=True
        ),
        "Delivery Date": Column(pl.Date, "Day of delivery.", time_formats=_DATES),
        "Usage": Column(
            pl.Float64,
            "Quantity, in the unit beside it.",
            unit="Meter Unit",
            spellings=("Quantity", "Energy Used On-Site"),
            required=True,
        ),
        "Energy Exported Off-Site": Column(pl.Float64, "Energy fed into the grid.", unit="Meter Unit"),
        "Meter Unit": Column(
            pl.String,
            "Unit of the quantity. Case matters: kBtu is a thousand Btu, MBtu a million.",
            one_of=spellings("energy", "volume", "mass"),
            required=True,
        ),
        "Cost": Column(pl.Float64, "Amount charged.", unit="currency"),
        "Demand (kW)": Column(pl.Float64, "Peak demand billed.", unit="kW"),
        "Demand Cost ($)": Column(pl.Float64, "Part of the cost that is charged for demand.", unit="currency"),
        "Estimation": Column(pl.Boolean, "Whether the reading was estimated."),
        "Green Power?": Column(pl.Boolean, "Whether part of it was bought as green power."),
        "Green Power Quantity": Column(
            pl.Float64, "Part of the quantity that was bought as green power.", unit="Meter Unit"
        ),
        "REC Ownership": text("Who owns the certificates of an on-site system."),
        "end_date_convention": Column(
            pl.String,
            "Whether End Date is the last day; stated in sources.toml or found by the reader.",
            one_of=("inclusive", "exclusive"),
            required=True,
        ),
        "currency": Column(pl.String, "ISO 4217 code, from sources.toml.", matches=CURRENCY, required=True),
        "from": Column(UTC, "Midnight at which a measured period begins.", unit="UTC", time_formats=_MIDNIGHT),
        "to": Column(UTC, "Midnight at which a measured period ends.", unit="UTC", time_formats=_MIDNIGHT),
    },
    rules=[
        rule(
            "unit_possible_for_meter",
            pl.when(pl.col("Meter Unit").is_in(spellings("volume")))
            .then(pl.col("Meter Type").is_in(_meter_types("natural_gas", "diesel", "water")))
            .when(pl.col("Meter Unit").is_in(spellings("mass")))
            .then(pl.col("Meter Type") == "District Steam")
            .otherwise(pl.col("Meter Type").is_in(_meter_types("water")).not_()),
            "this type of meter cannot measure in this unit: check the meter type and the unit",
        )
    ],
)
