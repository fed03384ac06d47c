"""Contracts of the tables everything is joined to: sites, their months and periods, the catalogue of indicators."""

from typing import get_args

import polars as pl

from suanheng.config.sites import SizeClass
from suanheng.schemas.contract import UTC, Column, Contract
from suanheng.schemas.tables.facts import ADDITIVE

SITES = Contract(
    "sites",
    "one computing centre",
    key=(),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "name_zh": Column(pl.String, "Chinese name.", required=True),
        "name_en": Column(pl.String, "English name.", required=True),
        "operator": Column(pl.String, "Who runs it."),
        "time_zone": Column(pl.String, "IANA zone its calendar is kept in.", required=True),
        "region_code": Column(pl.String, "Province (ISO 3166-2)."),
        "country": Column(pl.String, "Country (ISO 3166-1 alpha-2)."),
        "commissioned_on": Column(pl.Date, "First day of service; nothing before it is scored."),
        "rack_units": Column(pl.Float64, "Rack height available.", unit="U"),
        "size_class": Column(pl.String, "Size as policies use it.", one_of=get_args(SizeClass)),
        "is_new": Column(pl.Boolean, "Whether policies for new centres bind it."),
        "is_hub_node": Column(pl.Boolean, "Whether it is in a national hub node (枢纽节点)."),
    },
)

SITE_MONTHS = Contract(
    "site_months",
    "one month of one site",
    key=("month_start",),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "month_start": Column(pl.Date, "First day, local.", required=True),
        "month_end": Column(pl.Date, "Day after the last day, local.", required=True),
        "start_utc": Column(UTC, "First instant.", unit="UTC", required=True),
        "end_utc": Column(UTC, "Instant after the last.", unit="UTC", required=True),
        "hours": Column(ADDITIVE, "Length.", unit="h", required=True),
    },
)

SITE_PERIODS = Contract(
    "site_periods",
    "one month, quarter or year of one site",
    key=("period",),
    columns={
        "site_id": Column(pl.String, "Site.", required=True),
        "period": Column(pl.String, "Name: 2023-05, 2023Q2, 2023.", required=True),
        "period_kind": Column(pl.String, "month, quarter or year.", required=True),
        "period_start": Column(pl.Date, "First day, local.", required=True),
        "period_end": Column(pl.Date, "Day after the last day, local.", required=True),
        "closing_month": Column(pl.Date, "Last month of it that the site has.", required=True),
    },
)

CATALOGUE = Contract(
    "indicators",
    "one indicator",
    key=("indicator",),
    columns={
        "indicator": Column(pl.String, "Indicator.", required=True),
        "dimension": Column(pl.String, "Dimension; empty for a supplementary indicator."),
        "name_en": Column(pl.String, "English name.", required=True),
        "name_zh": Column(pl.String, "Chinese name.", required=True),
        "formula": Column(pl.String, "Formula in words."),
        "unit": Column(pl.String, "Unit."),
        "better": Column(pl.String, "higher, lower or neither.", one_of=("higher", "lower", "neither")),
        "origin": Column(pl.String, "Whether the name is published, of a standard, or declared by this project."),
        "window": Column(pl.String, "period or trailing year.", one_of=("period", "trailing year")),
        "gap": Column(pl.String, "Status where there are no facts at all."),
        "source": Column(pl.String, "Source of the formula."),
        "recipe": Column(pl.String, "File of the recipe."),
    },
)

SPINE = {table.name: table for table in (SITES, SITE_MONTHS, SITE_PERIODS, CATALOGUE)}
