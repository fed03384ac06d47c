"""Contracts of the reference tables: dated, sourced facts that come from ``config/reference/*.csv``.

Every row says where it comes from and how sure we are of it. Rows that may not be used (disputed, unsourced, of
unknown year, without a value) are kept and marked: ``is_usable`` is false.
"""

from typing import Any

import pandera.polars as pa
import polars as pl

from suanheng.schemas.columns import (
    EVIDENCE_CLASSES,
    PRECISIONS,
    amount,
    choice,
    count,
    day,
    flag,
    text,
)
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.datasets.points import INSTANT_QUANTITIES, METER_UNIT_FITS, METER_UNITS
from suanheng.schemas.datasets.telemetry import BOUNDARIES
from suanheng.schemas.units import spellings

CONFIDENCES = ("high", "medium", "low", "disputed", "unsourced")
"""How sure we are that a value was copied rightly and belongs to the named thing."""

FACTOR_KINDS = ("average", "average_excl_traded_nonfossil", "fossil", "footprint")
"""The four Chinese electricity factors of a year; they are not interchangeable."""

ASSET_CATEGORIES = ("accelerator_board", "accelerator", "host_server", "server", "component")

HIGHEST_FACTOR = 2.0
"""kgCO2 per kWh above which a factor is taken to be in another unit."""

NEIGHBOURHOOD = 5.0
"""A factor more than this many times its neighbours is taken for an error of copying."""


def _identified() -> dict[str, Column]:
    return {
        "reference_id": Column(
            pl.String,
            "Key of the fact, as scorecards cite it: table/readable key.",
            matches=r"[a-z_]+/.+",
            required=True,
        )
    }


def _trusted() -> dict[str, Column]:
    return {
        "source": Column(pl.String, "Where the fact was read.", required=True),
        "confidence": choice(CONFIDENCES, "How sure we are of it.", required=True),
        "is_usable": flag("Whether a figure may rest on it.", required=True),
    }


def _valid() -> dict[str, Column]:
    return {
        "valid_from": day("First day for which the fact holds."),
        "valid_to": day("Last day for which the fact holds; 9999-12-31 where no end is known."),
    }


_UNIQUE_ID = rule("reference_id_is_unique", pl.len().over("reference_id") == 1, "another row has the same reference_id")
_TRUSTED = rule(
    "usable_is_trusted",
    ~pl.col("is_usable") | ~pl.col("confidence").is_in(["disputed", "unsourced"]),
    "a disputed or unsourced fact may not be used: set is_usable to false",
)
_IN_ORDER = rule(
    "validity_not_reversed", pl.col("valid_from") <= pl.col("valid_to"), "the validity ends before it starts"
)


def _has_value(*columns: str) -> pa.Check:
    known = pl.all_horizontal(pl.col(columns).is_not_null())
    return rule("usable_has_a_value", ~pl.col("is_usable") | known, "a fact without a value may not be used")


def _one_value(value: str, *key: str) -> pa.Check:
    keyed = pl.all_horizontal(pl.col(key).is_not_null())
    return rule(
        "one_value_per_key",
        ~keyed | (pl.col(value).n_unique().over(*key) == 1),
        f"two rows have the same {', '.join(key)} and different values: find out which one holds",
    )


def _table(name: str, one_row_is: str, columns: dict[str, Column], *rules: pa.Check) -> Contract:
    dated = [_IN_ORDER] if "valid_from" in columns else []
    return Contract(
        name,
        one_row_is,
        key=("reference_id",),
        columns={**_identified(), **columns, **_trusted(), "notes": text("What else to know.")},
        rules=[_UNIQUE_ID, _TRUSTED, *dated, *rules],
    )


ACCELERATORS = _table(
    "accelerators",
    "one accelerator SKU at one precision",
    {
        "vendor": text("Vendor."),
        "model": text("Model name; several SKUs may share it, so it is no key."),
        "sku": Column(pl.String, "SKU, as telemetry and inventories name it.", required=True),
        "form_factor": text("Form factor."),
        "precision": choice(PRECISIONS, "Number format of the peak.", required=True),
        "sparsity": choice(("dense", "unstated"), "Whether the source says the peak is dense.", required=True),
        "peak_tflops": amount("TFLOPS", "Theoretical peak; TOPS where unit says so."),
        "unit": choice(("TFLOPS", "TOPS"), "Unit of the peak.", required=True),
        "tdp_w": amount("W", "Power as the vendor states it; the terms differ and are not convertible."),
        "memory_gb": amount("GB", "Device memory."),
        "memory_bandwidth_tb_s": amount("TB/s", "Memory bandwidth."),
    },
    _has_value("peak_tflops"),
    _one_value("peak_tflops", "sku", "precision"),
    rule(
        "integers_are_operations",
        (pl.col("unit") == "TOPS") == (pl.col("precision") == "INT8"),
        "INT8 is stated in TOPS, floating point in TFLOPS",
    ),
)


def _nation_moves_with_its_regions() -> pa.Check:
    """A swapped pair of years shows as a nation that rises while its regions fall, or the reverse."""
    place = ("region_type", "region_zh", "factor_kind")
    year_before = pl.col("year").shift(1).over(place, order_by="year")
    value_before = pl.col("value").shift(1).over(place, order_by="year")
    change = pl.when(pl.col("year") == year_before + 1).then(pl.col("value") - value_before)
    regions = pl.col("change").filter(pl.col("region_type") == "region").median().over("factor_kind", "year")
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

GRID_EMISSION_FACTORS = _table(
    "grid_emission_factors",
    "one electricity factor of one place and year",
    {
        "region_type": choice(("nation", "region", "province"), "Kind of place.", required=True),
        "region_zh": Column(pl.String, "Place, in Chinese.", required=True),
        "region_en": Column(pl.String, "Place, in English.", required=True),
        "region_code": text("ISO 3166-2 code; CN for the nation, empty for grid regions."),
        "year": count("Calendar year the factor describes."),
        "factor_kind": choice(FACTOR_KINDS, "Which of the four factors.", required=True),
        "value": amount("kgCO2/kWh", "Emission factor; kgCO2e for footprints.", at_most=HIGHEST_FACTOR),
        "unit": choice(("kgCO2/kWh", "kgCO2e/kWh"), "Unit of value.", required=True),
        **_valid(),
        "publication": text("Primary notice."),
        "source_url": text("Address of the notice."),
    },
    _has_value("value", "year"),
    _one_value("value", "region_type", "region_zh", "year", "factor_kind"),
    rule(
        "factor_near_its_neighbours",
        _near(_FACTOR, _SAME_PLACE) & (_FACTOR <= NEIGHBOURHOOD * _SAME_YEAR),
        f"the factor is more than {NEIGHBOURHOOD:g} times its neighbours: check the unit and the decimal point",
    ),
    rule(
        "valid_in_its_year",
        (pl.col("valid_from").dt.year() == pl.col("year")) & (pl.col("valid_to").dt.year() == pl.col("year")),
        "the validity is outside the year of the factor",
    ),
    _nation_moves_with_its_regions(),
)

EMBODIED_CARBON = _table(
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
    _has_value("default_kgco2e"),
    _one_value("default_kgco2e", "item"),
    rule(
        "default_within_range",
        (pl.col("low_kgco2e").fill_null(0) <= pl.col("default_kgco2e"))
        & (pl.col("default_kgco2e") <= pl.col("high_kgco2e").fill_null(float("inf"))),
        "the default is outside low to high",
    ),
)

POLICIES = _table(
    "policies",
    "one policy of Table 1 of the 2024 report",
    {
        "published": Column(pl.String, "Month of publication.", matches=r"\d{4}-\d{2}", required=True),
        "issuer_zh": Column(pl.String, "Issuer, in Chinese.", required=True),
        "issuer_en": Column(pl.String, "Issuer, in English.", required=True),
        "title_zh": Column(pl.String, "Title, in Chinese.", required=True),
        "title_en": Column(pl.String, "Title, in English; ours.", required=True),
        "level": choice(("national", "province", "city"), "Level of government.", required=True),
    },
)

POLICY_TARGETS = _table(
    "policy_targets",
    "one numeric or graded target of one document",
    {
        "document_zh": Column(pl.String, "Document, in Chinese.", required=True),
        "document_en": Column(pl.String, "Document, in English; ours.", required=True),
        "issuer": text("Issuer."),
        "published": Column(pl.String, "Month or day of publication.", matches=r"\d{4}-\d{2}(-\d{2})?", required=True),
        "metric": Column(pl.String, "What the document sets a target for.", required=True),
        "comparator": choice(
            ("<", "<=", ">=", ">", "=", "at least", "meets", "reaches"), "Relation to hold.", required=True
        ),
        "value": Column(pl.String, "Target as the document states it.", required=True),
        "unit": Column(pl.String, "Unit of value.", required=True),
        "applies_to": Column(pl.String, "To whom it applies, in words.", required=True),
        "effective": text("From or by when, in words."),
        "indicator": text("Our indicator that the target can be compared with; empty if there is none."),
        "target_value": Column(pl.Float64, "Target in the unit of that indicator.", unit="unit of the indicator"),
        "binds": choice(("each site", "average", "applicants", "not stated"), "Whom the target binds.", required=True),
        "size_classes": text("Size classes it is limited to, separated by blanks."),
        "is_new": flag("True if it is limited to new centres."),
        "is_hub_node": flag("True if it is limited to national hub nodes."),
        "region_codes": text("Regions it is limited to (ISO 3166-2), separated by blanks."),
        **_valid(),
    },
    _has_value("value"),
    rule(
        "comparable_has_a_number",
        pl.col("indicator").is_null() == pl.col("target_value").is_null(),
        "a target compared with an indicator needs target_value, and one that is not must not have it",
    ),
)

PARAMETERS = _table(
    "parameters",
    "one constant that recipes read",
    {
        "name": Column(pl.String, "Name; a set of values is several rows of one name.", required=True),
        "value": Column(pl.Float64, "The number.", unit="unit"),
        "text_value": text("The text, or the case the number is for."),
        "unit": text("Unit of value."),
        "meaning": Column(pl.String, "What it says.", required=True),
        **_valid(),
    },
    rule(
        "usable_has_a_value",
        ~pl.col("is_usable") | pl.col("value").is_not_null() | pl.col("text_value").is_not_null(),
        "a fact without a value may not be used",
    ),
    _one_value("value", "name", "text_value", "valid_from"),
)

OSI_LICENCES = _table(
    "osi_licences",
    "one licence that the Open Source Initiative approved",
    {
        "licence_spdx": Column(pl.String, "SPDX identifier.", required=True),
        "title": text("Name of the licence."),
        "is_deprecated_id": flag("Whether SPDX has replaced the identifier by another.", required=True),
    },
)

EVIDENCE = _table(
    "evidence_classes",
    "one kind of evidence",
    {
        "evidence_class": choice(EVIDENCE_CLASSES, "Kind of evidence.", required=True),
        "evidence_rank": count("1 for the strongest; the weakest input decides.", at_least=1, required=True),
        "name_zh": text("Name in Chinese."),
        "meaning": text("What it says."),
    },
)

GENERATION_FACTORS = _table(
    "generation_factors",
    "one kind of generation",
    {
        "source_kind": Column(pl.String, "Kind of generation.", required=True),
        "kgco2e_per_kwh": amount("kgCO2e/kWh", "Emission factor of generation.", at_most=HIGHEST_FACTOR),
    },
    _has_value("kgco2e_per_kwh"),
    _one_value("kgco2e_per_kwh", "source_kind", "source"),
)

UNITS = _table(
    "units",
    "one spelling of one unit",
    {
        "unit": Column(pl.String, "Unit, exactly as a source writes it: case matters.", required=True),
        "quantity": Column(pl.String, "What it measures.", required=True),
        "base_unit": Column(pl.String, "Unit that staged columns of this quantity are in.", required=True),
        "multiplier": amount("base_unit", "A value times multiplier / divisor is in the base unit.", required=True),
        "divisor": amount("1", "Kept apart from the multiplier, so that the conversion rounds once.", required=True),
        "definition": Column(
            pl.String, "The unit in the language of pint, which a test converts it with.", required=True
        ),
    },
    _one_value("multiplier", "unit", "quantity"),
)

METER_METRICS = _table(
    "meter_metrics",
    "one metric of one dialect of metering systems",
    {
        "dialect": Column(pl.String, "Metering system whose names these are.", required=True),
        "metric": Column(pl.String, "Metric, exactly as the system writes it.", required=True),
        "quantity": choice(
            (*INSTANT_QUANTITIES, "flag", "none"),
            "What it measures; flag where a value other than 0 says that the device is not to be trusted, none where "
            "it is no reading of a meter.",
            required=True,
        ),
        "unit": Column(pl.String, "Unit, exactly as in reference.units.", one_of=METER_UNITS),
        "boundary": choice(BOUNDARIES, "Where it is measured; empty where that depends on the device."),
        "meaning": Column(pl.String, "What it says.", required=True),
    },
    METER_UNIT_FITS,
    rule("one_meaning_per_metric", pl.len().over("dialect", "metric") == 1, "another row has the same metric"),
)

MAPPED_QUANTITIES = {
    "accelerator_samples": {
        "utilisation_ratio": "ratio",
        "tensor_active_ratio": "ratio",
        "memory_used_bytes": "information",
        "memory_total_bytes": "information",
        "power_w": "power",
        "energy_counter_j": "energy",
        "temperature_c": "temperature",
        "sm_clock_mhz": "frequency",
        "error_code": "ratio",
    },
    "facility_readings": {
        "power_w": "power",
        "energy_counter_kwh": "energy",
        "temperature_c": "temperature",
    },
}
"""Columns that a metric can become, by dataset, with the quantity that its unit must measure."""

_COUNTERS = ("energy_counter_j", "energy_counter_kwh")
_LABELS = r"[a-zA-Z_][a-zA-Z0-9_]*( [a-zA-Z_][a-zA-Z0-9_]*)*"
_MAPPED = pl.col("dataset").is_not_null()


def _unit_fits_column() -> pl.Expr:
    fits = [
        (pl.col("dataset") == dataset) & (pl.col("column_name") == name) & pl.col("unit").is_in(spellings(quantity))
        for dataset, columns in MAPPED_QUANTITIES.items()
        for name, quantity in columns.items()
    ]
    return ~_MAPPED | pl.any_horizontal(fits).fill_null(False)


METRIC_MAPPINGS = _table(
    "metric_mappings",
    "one metric of one exporter, or the series of it that carry one label value",
    {
        "exporter": Column(pl.String, "Exporter, as pulls name it.", matches=r"[a-z][a-z0-9_]*", required=True),
        "metric": Column(pl.String, "Name of the metric.", matches=r"[a-zA-Z_:][a-zA-Z0-9_:]*", required=True),
        "where_label": Column(
            pl.String, "Label that limits the row; a limited row goes before one without a limit.", matches=_LABELS
        ),
        "where_value": text("Value that label must have."),
        "dataset": choice(tuple(MAPPED_QUANTITIES), "Dataset it feeds; empty where it is known and not used."),
        "column_name": text("Column it becomes."),
        "instrument": choice(
            ("gauge", "counter"),
            "Whether it is a level or a running total; decided here, whatever its name or an exposition says.",
            required=True,
        ),
        "unit": text("Unit, as reference.units spells it; empty where it is not used."),
        "precedence": count(
            "1 goes before 2: where several metrics state the same column of a device, and which of the meters "
            "that overlap counts.",
            at_least=1,
            default=1,
        ),
        "device_labels": Column(
            pl.String, "Labels that together name the device or the meter, separated by blanks.", matches=_LABELS
        ),
        "instance_label": Column(pl.String, "Label that names the slice of a partitioned device.", matches=_LABELS),
        "node_labels": Column(pl.String, "Labels of which the first there is names the server.", matches=_LABELS),
        "sku_label": Column(pl.String, "Label that names the model.", matches=_LABELS),
        "boundary": choice(BOUNDARIES, "Where a meter sits; other where it is not to be summed."),
        "non_additive_group": text(
            "Meters of one server that overlap and must not be summed: the one of lowest precedence counts at its "
            "boundary, the rest are other."
        ),
    },
    rule(
        "mapped_is_whole",
        pl.all_horizontal(pl.col("column_name", "device_labels").is_not_null()) == _MAPPED,
        "a metric that feeds a dataset needs column_name and device_labels; one without a dataset has not both",
    ),
    rule(
        "unit_fits_column",
        _unit_fits_column(),
        "no metric of that unit can become that column: see units.csv, and the columns in docs/prometheus.md",
    ),
    rule(
        "gauge_is_no_counter",
        ~_MAPPED | ((pl.col("instrument") == "counter") == pl.col("column_name").is_in(_COUNTERS)),
        "only a counter can become an energy counter, and nothing else can it become: a level that is summed as a "
        "running total, or the reverse, gives nonsense",
    ),
    rule(
        "limit_is_whole",
        pl.col("where_label").is_null() == pl.col("where_value").is_null(),
        "where_label and where_value go together",
    ),
    rule(
        "meter_has_a_boundary",
        (pl.col("dataset") == "facility_readings").fill_null(False) == pl.col("boundary").is_not_null(),
        "a meter needs a boundary, and nothing else has one",
    ),
    rule(
        "overlapping_meters_are_not_summed",
        pl.col("non_additive_group").is_null()
        | (pl.col("boundary") == "other")
        | (
            pl.concat_str("exporter", "where_value", ignore_nulls=True)
            .n_unique()
            .over("non_additive_group", "precedence", pl.col("boundary") != "other")
            == 1
        ),
        "another member of the same non_additive_group counts with the same precedence: they overlap, and their sum "
        "would count energy twice; give one of them another precedence or boundary = other",
    ),
)

REFERENCE: dict[str, Contract] = {
    table.name: table
    for table in (
        ACCELERATORS,
        GRID_EMISSION_FACTORS,
        EMBODIED_CARBON,
        POLICIES,
        POLICY_TARGETS,
        PARAMETERS,
        OSI_LICENCES,
        EVIDENCE,
        GENERATION_FACTORS,
        UNITS,
        METER_METRICS,
        METRIC_MAPPINGS,
    )
}
"""Contracts of the reference tables, by name; the name is also that of the CSV file."""
