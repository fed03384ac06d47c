"""Contracts of the reference tables: dated, sourced facts that come from ``config/reference/*.csv``.

Factors of carbon and names of metrics have modules of their own; all are listed here.
"""

import polars as pl

from suanheng.schemas.columns import EVIDENCE_CLASSES, PRECISIONS, amount, choice, count, day, flag, text
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.tables.carbon_factors import (
    EMBODIED_CARBON,
    FUEL_FACTORS,
    GENERATION_FACTORS,
    GRID_EMISSION_FACTORS,
)
from suanheng.schemas.tables.metrics import METER_METRICS, METRIC_MAPPINGS
from suanheng.schemas.tables.reference_table import has_value, one_value, reference_table, validity

ACCELERATORS = reference_table(
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
    has_value("peak_tflops"),
    one_value("peak_tflops", "sku", "precision"),
    rule(
        "integers_are_operations",
        (pl.col("unit") == "TOPS") == (pl.col("precision") == "INT8"),
        "INT8 is stated in TOPS, floating point in TFLOPS",
    ),
)

ACCELERATOR_ALIASES = reference_table(
    "accelerator_aliases",
    "one name by which an accelerator goes elsewhere",
    {
        "alias": Column(
            pl.String,
            "The name as drivers, exporters, lspci, schedulers or resellers write it; case, blanks and punctuation do "
            "not matter, nor the vendor's name where the name without it is one part.",
            required=True,
        ),
        "sku": text("SKU of accelerators; empty where the name may be several, or where no peak is known."),
    },
    has_value("sku"),
    one_value("sku", "alias"),
)

POLICIES = reference_table(
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

POLICY_TARGETS = reference_table(
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
        "due_on": day("By when it is to be reached; empty for a target that holds from the day it is in force."),
        "indicator": text("Our indicator that the target can be compared with; empty if there is none."),
        "target_value": Column(pl.Float64, "Target in the unit of that indicator.", unit="unit of the indicator"),
        "binds": choice(("each site", "average", "applicants", "not stated"), "Whom the target binds.", required=True),
        "size_classes": text("Size classes it is limited to, separated by blanks."),
        "is_new": flag("True if it is limited to new centres."),
        "is_hub_node": flag("True if it is limited to national hub nodes."),
        "region_codes": text("Regions it is limited to (ISO 3166-2), separated by blanks."),
        **validity(),
    },
    has_value("value"),
    rule(
        "comparable_has_a_number",
        pl.col("indicator").is_null() == pl.col("target_value").is_null(),
        "a target compared with an indicator needs target_value, and one that is not must not have it",
    ),
)

PARAMETERS = reference_table(
    "parameters",
    "one constant that recipes read",
    {
        "name": Column(pl.String, "Name; a set of values is several rows of one name.", required=True),
        "value": Column(pl.Float64, "The number.", unit="unit"),
        "text_value": text("The text, or the case the number is for."),
        "unit": text("Unit of value."),
        "meaning": Column(pl.String, "What it says.", required=True),
        **validity(),
    },
    rule(
        "usable_has_a_value",
        ~pl.col("is_usable") | pl.col("value").is_not_null() | pl.col("text_value").is_not_null(),
        "a fact without a value may not be used",
    ),
    one_value("value", "name", "text_value", "valid_from"),
)

OSI_LICENCES = reference_table(
    "osi_licences",
    "one licence that the Open Source Initiative approved",
    {
        "licence_spdx": Column(pl.String, "SPDX identifier.", required=True),
        "title": text("Name of the licence."),
        "is_deprecated_id": flag("Whether SPDX has replaced the identifier by another.", required=True),
    },
)

EVIDENCE = reference_table(
    "evidence_classes",
    "one kind of evidence",
    {
        "evidence_class": choice(EVIDENCE_CLASSES, "Kind of evidence.", required=True),
        "evidence_rank": count("1 for the strongest; the weakest input decides.", at_least=1, required=True),
        "name_zh": text("Name in Chinese."),
        "meaning": text("What it says."),
    },
)

UNITS = reference_table(
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
    one_value("multiplier", "unit", "quantity"),
)

REFERENCE: dict[str, Contract] = {
    table.name: table
    for table in (
        ACCELERATORS,
        ACCELERATOR_ALIASES,
        GRID_EMISSION_FACTORS,
        EMBODIED_CARBON,
        FUEL_FACTORS,
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
