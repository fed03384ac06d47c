"""Contracts of the factors that turn energy and hardware into carbon: of the grid, of generation, embodied."""

from typing import Any

import pandera.polars as pa
import polars as pl

from suanheng.schemas.columns import amount, choice, count, text
from suanheng.schemas.contract import Column, rule
from suanheng.schemas.tables.reference_table import has_value, one_value, reference_table, validity

FACTOR_KINDS = ("average", "average_excl_traded_nonfossil", "residual", "fossil", "footprint")
"""Kinds of electricity factors of a year; they are not interchangeable. ``residual`` is the European residual mix, the
others but ``average`` are Chinese."""

ASSET_CATEGORIES = ("accelerator_board", "accelerator", "host_server", "server", "component")

HIGHEST_FACTOR = 2.0
"""kgCO2 per kWh above which a factor is taken to be in another unit."""

_LONGEST_YEAR = 366

NEIGHBOURHOOD = 5.0
"""A factor more than this many times its neighbours is taken for an error of copying."""


def _nation_moves_with_its_regions() -> pa.Check:
    """A swapped pair of years shows as a nation that rises while its regions fall, or the reverse."""
    place = ("region_type", "region_zh", "factor_kind")
    # Grid regions carry no code: those there are are Chinese.
    country = pl.col("region_code").str.slice(0, 2).fill_null("CN")
    year_before = pl.col("year").shift(1).over(place, order_by="year")
    value_before = pl.col("value").shift(1).over(place, order_by="year")
    change = pl.when(pl.col("year") == year_before + 1).then(pl.col("value") - value_before)
    regions = pl.col("change").filter(pl.col("region_type") == "region").median().over(country, "factor_kind", "year")
    agrees = (pl.col("region_type") != "nation") | (pl.col("change").sign() * regions.sign() >= 0)

    def check(data: Any) -> pl.LazyFrame:
        return data.lazyframe.with_columns(change=change).select(agrees.fill_null(True))

    return pa.Check(
        check,
        name="nation_moves_with_its_regions",
        error="the nation's factor changes against the median of its regions: two years may be swapped",
    )


def _near(value: pl.Expr, neighbours: pl.Expr) -> pl.Expr:
    return value.is_between(neighbours / NEIGHBOURHOOD, neighbours * NEIGHBOURHOOD)


_FACTOR = pl.col("value")
_SAME_YEAR = _FACTOR.median().over("factor_kind", "year")
_SAME_PLACE = _FACTOR.median().over("region_type", "region_zh", "factor_kind")

GRID_EMISSION_FACTORS = reference_table(
    "grid_emission_factors",
    "one electricity factor of one place and year",
    {
        "region_type": choice(("union", "nation", "region", "subregion", "province"), "Kind of place.", required=True),
        "region_zh": Column(pl.String, "Place, in Chinese.", required=True),
        "region_en": Column(pl.String, "Place, in English.", required=True),
        "region_code": text("ISO 3166-2 code; that of the country for a nation, empty for grid regions."),
        "year": count("Year the factor describes, or in which its fiscal year begins."),
        "factor_kind": choice(FACTOR_KINDS, "Which kind of factor.", required=True),
        "value": amount("kgCO2/kWh", "Emission factor, in unit.", at_most=HIGHEST_FACTOR),
        "unit": choice(("kgCO2/kWh", "kgCO2e/kWh"), "Unit of value: CO2 alone, or all gases.", required=True),
        **validity(),
        "publication": text("Primary notice."),
        "source_url": text("Address of the notice."),
        "boundary": choice(("generation", "consumption", "unstated"), "Per kWh generated or per kWh consumed."),
        "losses": choice(("included", "excluded", "unstated"), "Whether losses of the grid are in it."),
        "licence": text("Licence of the publication, or of the copy that was read."),
    },
    has_value("value", "year"),
    one_value("value", "region_type", "region_zh", "year", "factor_kind"),
    rule(
        "factor_near_its_neighbours",
        _near(_FACTOR, _SAME_PLACE) & (_FACTOR <= NEIGHBOURHOOD * _SAME_YEAR),
        f"the factor is more than {NEIGHBOURHOOD:g} times its neighbours: check the unit and the decimal point",
    ),
    rule(
        "valid_in_its_year",
        (pl.col("valid_from").dt.year() == pl.col("year"))
        & ((pl.col("valid_to") - pl.col("valid_from")).dt.total_days() < _LONGEST_YEAR),
        "the validity does not begin in the year of the factor, or is longer than a year",
    ),
    _nation_moves_with_its_regions(),
)

EMBODIED_CARBON = reference_table(
    "embodied_carbon",
    "one hardware item or component factor",
    {
        "item": Column(pl.String, "What it is.", required=True),
        "sku": text("Accelerator SKU the item is."),
        "category": choice(
            ASSET_CATEGORIES, "Kind of item; a board must never be added to its accelerators.", required=True
        ),
        "scope": text("Stages of life the value covers."),
        "low_kgco2e": amount("kgCO2e", "Lowest known value, per unit."),
        "default_kgco2e": amount("kgCO2e", "Value to use, per unit."),
        "high_kgco2e": amount("kgCO2e", "Highest known value, per unit."),
        "unit": Column(pl.String, "What the values are per.", required=True),
    },
    has_value("default_kgco2e"),
    one_value("default_kgco2e", "item"),
    rule(
        "default_within_range",
        (pl.col("low_kgco2e").fill_null(0) <= pl.col("default_kgco2e"))
        & (pl.col("default_kgco2e") <= pl.col("high_kgco2e").fill_null(float("inf"))),
        "the default is outside low to high",
    ),
)

FUELS = ("natural_gas", "diesel")
"""Commodities of bills that are burnt on site."""

FUEL_FACTORS = reference_table(
    "fuel_factors",
    "one fuel, per kWh of its energy",
    {
        "commodity": choice(FUELS, "Fuel, as bills name it.", required=True),
        "low_kgco2e_per_kwh": amount("kgCO2e/kWh", "Lowest known value.", at_most=HIGHEST_FACTOR),
        "kgco2e_per_kwh": amount("kgCO2e/kWh", "Emission factor of burning it.", at_most=HIGHEST_FACTOR),
        "high_kgco2e_per_kwh": amount("kgCO2e/kWh", "Highest known value.", at_most=HIGHEST_FACTOR),
        "calorific_value": choice(("net", "gross"), "Which calorific value the energy is stated by."),
        **validity(),
        "publication": text("Primary publication."),
        "source_url": text("Address of the publication."),
        "licence": text("Licence of the publication."),
    },
    has_value("kgco2e_per_kwh"),
    one_value("kgco2e_per_kwh", "commodity", "valid_from"),
    rule(
        "default_within_range",
        (pl.col("low_kgco2e_per_kwh").fill_null(0) <= pl.col("kgco2e_per_kwh"))
        & (pl.col("kgco2e_per_kwh") <= pl.col("high_kgco2e_per_kwh").fill_null(float("inf"))),
        "the factor is outside low to high",
    ),
)

GENERATION_FACTORS = reference_table(
    "generation_factors",
    "one kind of generation",
    {
        "source_kind": Column(pl.String, "Kind of generation.", required=True),
        "kgco2e_per_kwh": amount("kgCO2e/kWh", "Emission factor of generation.", at_most=HIGHEST_FACTOR),
    },
    has_value("kgco2e_per_kwh"),
    one_value("kgco2e_per_kwh", "source_kind", "source"),
)
