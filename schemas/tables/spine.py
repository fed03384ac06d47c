"""Contracts of the tables everything is joined to: sites, their months and periods, the catalogue of indicators."""

import polars as pl

from suanheng.schemas.contract import UTC, column, contract
from suanheng.schemas.tables.facts import ADDITIVE

SITES = contract(
    "sites",
    "one computing centre",
    key=(),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "name_zh": column(pl.String, "Chinese name.", required=True),
        "name_en": column(pl.String, "English name.", required=True),
        "operator": column(pl.String, "Who runs it."),
        "time_zone": column(pl.String, "IANA zone its calendar is kept in.", required=True),
        "region_code": column(pl.String, "Province (ISO 3166-2)."),
        "country": column(pl.String, "Country (ISO 3166-1 alpha-2)."),
        "commissioned_on": column(pl.Date, "First day of service; nothing before it is scored."),
        "rack_units": column(pl.Float64, "Rack height available.", unit="U"),
        "size_class": column(pl.String, "Size as policies use it.", one_of=("small", "large", "very_large")),
        "is_new": column(pl.Boolean, "Whether policies for new centres bind it."),
        "is_hub_node": column(pl.Boolean, "Whether it lies in a national hub node (枢纽节点)."),
    },
)

SITE_MONTHS = contract(
    "site_months",
    "one month of one site",
    key=("month_start",),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "month_start": column(pl.Date, "First day, local.", required=True),
        "month_end": column(pl.Date, "Day after the last day, local.", required=True),
        "start_utc": column(UTC, "First instant.", unit="UTC", required=True),
        "end_utc": column(UTC, "Instant after the last.", unit="UTC", required=True),
        "hours": column(ADDITIVE, "Length.", unit="h", required=True),
    },
)

SITE_PERIODS = contract(
    "site_periods",
    "one month, quarter or year of one site",
    key=("period",),
    columns={
        "site_id": column(pl.String, "Site.", required=True),
        "period": column(pl.String, "Name: 2023-05, 2023Q2, 2023.", required=True),
        "period_kind": column(pl.String, "month, quarter or year.", required=True),
        "period_start": column(pl.Date, "First day, local.", required=True),
        "period_end": column(pl.Date, "Day after the last day, local.", required=True),
        "closing_month": column(pl.Date, "Last month of it that the site has.", required=True),
    },
)

CATALOGUE = contract(
    "indicators",
    "one indicator",
    key=("indicator",),
    columns={
        "indicator": column(pl.String, "Indicator.", required=True),
        "dimension": column(pl.String, "Dimension; empty for a supplementary indicator."),
        "name_en": column(pl.String, "English name.", required=True),
        "name_zh": column(pl.String, "Chinese name.", required=True),
        "formula": column(pl.String, "Formula in words."),
        "unit": column(pl.String, "Unit."),
        "better": column(pl.String, "higher, lower or neither.", one_of=("higher", "lower", "neither")),
        "origin": column(pl.String, "Whether the name is published, of a standard, or declared by this project."),
        "window": column(pl.String, "period or trailing year.", one_of=("period", "trailing year")),
        "gap": column(pl.String, "Status where there are no facts at all."),
        "source": column(pl.String, "Source of the formula."),
        "recipe": column(pl.String, "File of the recipe."),
    },
)

SPINE = {table.name: table for table in (SITES, SITE_MONTHS, SITE_PERIODS, CATALOGUE)}
