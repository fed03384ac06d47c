"""Contract of the table of vendors' product carbon footprints that Boavizta keeps."""

import polars as pl

from suanheng.schemas.columns import amount, name, ratio, text
from suanheng.schemas.contract import Column, Contract

TITLE = "Vendor product footprints (Boavizta, CSV)"
FEEDS = ("product_footprints",)
OPTIONS = {"skus": "model as in hardware_assets, by the name the table gives the product"}
TIMES = "days"
HOLDS = "document"
SAMPLE = "data/vendor_footprint_dates_and_shares.csv"
SAMPLE_SOURCE: dict[str, object] = {}
REFUSES = ("A table without manufacturer, name, gwp_total and gwp_manufacturing_ratio.",)
LIMITS = (
    "The carbon of making is gwp_total × gwp_manufacturing_ratio; without that share it is unknown.",
    "A month without a day is its first day, a year its first of January.",
    "A declaration without a report date is valid from the day it was added to the table.",
    "Electricity use, weights, components and places of assembly are not staged.",
)

_WRITTEN = ("%Y-%m-%d", "%B %Y", "%b %Y", "%B %d %Y", "%d/%m/%Y", "%d-%m-%Y", "%Y")
"""November 2020; Oct 2019; October 13 2020; 26/07/2019; 27-05-2022; 2013. The day comes before the month."""


def _share(phase: str) -> Column:
    return ratio(f"Share of {phase} in gwp_total.")


CONTRACT = Contract(
    "vendor_footprint",
    "one declaration of one product",
    columns={
        "manufacturer": name("Vendor.", required=True),
        "name": name("Product.", required=True),
        "category": text("Where it is used."),
        "subcategory": text("What it is."),
        "gwp_total": amount("kgCO2e", "Footprint over the whole life.", required=True),
        "gwp_use_ratio": _share("use"),
        "gwp_manufacturing_ratio": _share("making"),
        "gwp_transport_ratio": _share("transport"),
        "gwp_eol_ratio": _share("the end of life"),
        "gwp_error_ratio": amount("1", "Error of gwp_total, as a share of it; it can exceed 1."),
        "yearly_tec": amount("kWh", "Electricity used in a year."),
        "lifetime": Column(pl.Float64, "Years of use assumed.", unit="a", at_least=0.5, at_most=30),
        "report_date": Column(pl.Date, "Day, month or year of the declaration.", time_formats=_WRITTEN),
        "added_date": Column(pl.Date, "Day it was added to the table.", time_formats=_WRITTEN, required=True),
        "sources": text("Where the declaration is published."),
        "sources_hash": name("Hash of what is published there.", required=True),
        "sku": name("Model, from sources.toml."),
    },
)
