"""Contract of the indicators stage: one table shape for every indicator."""

import polars as pl

from suanheng.schemas.columns import EVIDENCE_CLASSES, choice, count, ratio
from suanheng.schemas.contract import Column, Contract, rule

OK = "ok"
"""Status of an indicator with a value that can be used."""

BELOW_COVERAGE = "below coverage"
"""Status given at scoring to an indicator with a value that rests on too little evidence."""

STATUSES = (
    OK,
    "too early",
    "no telemetry",
    "no meter readings",
    "contradictory meters",
    "no bill",
    "no workload records",
    "no benchmark",
    "no model evaluation",
    "no inventory",
    "no peak for the accelerator",
    "no bill of materials",
    "no software inventory",
    "no compatibility tests",
    "no offers",
    "no incidents log",
    "no interrupted jobs",
    "no certificates",
    "no factor",
    "no price",
    "not applicable",
    "zero denominator",
    BELOW_COVERAGE,
)
"""Why an indicator may be used or may not: the closed list."""

PERIOD_KINDS = ("month", "quarter", "year")

PERIOD = r"\d{4}(?:-(?:0[1-9]|1[0-2])|Q[1-4])?"
"""Spelling of a period: 2023-05, 2023Q2 or 2023."""

EXACT = pl.Decimal(38, 9)
"""Type of additive quantities: sums do not depend on their order."""

_RELATIVE_ERROR = 1e-9


def site_and_period() -> dict[str, Column]:
    """The columns with which every row of indicators and scorecards begins."""
    return {
        "site_id": Column(pl.String, "Site that is scored.", matches=r"[a-z0-9][a-z0-9_-]{0,62}", required=True),
        "period": Column(
            pl.String, "Month, quarter or year in the site's own time zone.", matches=PERIOD, required=True
        ),
    }


def period_bounds() -> dict[str, Column]:
    """Kind and limits of the period."""
    return {
        "period_kind": choice(PERIOD_KINDS, "Kind of period.", required=True),
        "period_start": Column(pl.Date, "First day of the period.", required=True),
        "period_end": Column(pl.Date, "Day after the last day of the period.", required=True),
    }


def evidence_class() -> Column:
    """The weakest kind of evidence used."""
    return choice(EVIDENCE_CLASSES, "Weakest kind of evidence the value rests on; empty without a value.")


def reference_rows() -> Column:
    """The reference facts used."""
    return Column(pl.List(pl.String), "Reference facts used, each as reference_id.")


_ratio_of_sums = pl.col("window_numerator").cast(pl.Float64) / pl.col("window_denominator").cast(pl.Float64)

INDICATORS = Contract(
    "all",
    "one indicator of one site in one period, with a status where it has no value",
    key=("period", "indicator"),
    columns={
        **site_and_period(),
        **period_bounds(),
        "indicator": Column(pl.String, "Indicator, as in reference.indicators.", required=True),
        "numerator": Column(EXACT, "Numerator summed over the period.", unit="see reference.indicators"),
        "denominator": Column(EXACT, "Denominator summed over the period.", unit="see reference.indicators"),
        "window_start": Column(pl.Date, "First day of the window the value is taken over.", required=True),
        "window_end": Column(pl.Date, "Day after the last day of that window.", required=True),
        "window_numerator": Column(EXACT, "Numerator summed over the window.", unit="see reference.indicators"),
        "window_denominator": Column(EXACT, "Denominator summed over the window.", unit="see reference.indicators"),
        "value": Column(
            pl.Float64,
            "Window numerator divided by window denominator, or a statistic such as a quantile.",
            unit="unit",
        ),
        "unit": Column(pl.String, "Unit of value.", required=True),
        "coverage": ratio("Evidence seen as a share of the evidence that ought to be there."),
        "evidence_class": evidence_class(),
        "status": choice(STATUSES, "ok, or why there is no value, or none that can be used.", required=True),
        "months_with_facts": count(
            "Months of the window with facts; 0 for a statistic that is taken over the whole period.", required=True
        ),
        "reference_rows": reference_rows(),
    },
    rules=[
        rule("period_not_reversed", pl.col("period_start") < pl.col("period_end"), "the period ends before it starts"),
        rule("window_not_reversed", pl.col("window_start") < pl.col("window_end"), "the window ends before it starts"),
        rule(
            "ok_means_a_value",
            (pl.col("status") != OK) | pl.col("value").is_not_null(),
            "status is ok, but there is no value: missing is not zero",
        ),
        rule(
            "value_is_ratio_of_sums",
            (pl.col("months_with_facts") == 0)
            | (
                (pl.col("value") - _ratio_of_sums).abs()
                <= _RELATIVE_ERROR * pl.max_horizontal(_ratio_of_sums.abs(), 1e-12)
            ),
            "the value is not its window numerator divided by its window denominator",
        ),
        rule(
            "value_has_evidence",
            pl.col("value").is_null() | (pl.col("evidence_class").is_not_null() & pl.col("coverage").is_not_null()),
            "a value needs a kind of evidence and a coverage",
        ),
    ],
)
