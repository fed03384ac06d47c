"""Contracts of the scorecards stage: append-only revisions of what was scored and why."""

import polars as pl

from suanheng.schemas.columns import choice, count, flag, ratio, text
from suanheng.schemas.contract import Column, Contract, rule
from suanheng.schemas.tables.indicators import (
    EXACT,
    OK,
    PERIOD,
    STATUSES,
    evidence_class,
    period_bounds,
    reference_rows,
    site_and_period,
)

RECONCILIATION_STATUSES = (
    "ok",
    "no bill",
    "no meter readings",
    "months missing",
    "partly metered",
    "bill estimated",
    "unexplained",
)
"""How the reconciliation of energy came out: the closed list."""

COMPARED_SIDES = ("bill_and_meter", "meter_and_devices", "bill_and_devices")
"""Pairs of sides on which electricity is seen twice."""

DIFFERENCE_CAUSES = (
    "none",
    "unknown",
    "missing_bill_days",
    "missing_meter_hours",
    "missing_device_hours",
    "doubled_counter",
    "wrong_unit",
    "shifted_billing_period",
    "estimated_bill",
)
"""Why two sides differ: the closed list. ``none`` where they agree, ``unknown`` where not exactly one cause fits."""

TARGET_REASONS = (
    "text target",
    "source not confirmed",
    "no comparable indicator",
    "not yet in force",
    "no longer in force",
    "not yet due",
    "on the way",
    "applies to applicants only",
    "not applicable to this site",
    "site record does not say",
    "no value",
)
"""Why a policy target was not judged: the closed list."""

AVERAGE_TARGET = "the target binds an average; the site is compared with it"
"""Remark on a judged target that no single site can miss."""


def points(meaning: str, required: bool = False) -> Column:
    """A score between 0 and 100."""
    return Column(pl.Float64, meaning, unit="points", at_least=0, at_most=100, required=required)


def _interval() -> dict[str, Column]:
    return {
        "score": points("Score; empty unless every indicator is scored."),
        "score_low": points("Lowest score that what is missing or estimated allows.", required=True),
        "score_high": points("Highest score that what is missing or estimated allows.", required=True),
    }


def _scored_of_total() -> dict[str, Column]:
    return {
        "indicators_scored": count("Indicators that are scored.", required=True),
        "indicators_total": count("Indicators that the methodology scores.", at_least=1, required=True),
    }


# Bounds and score are computed by the same arithmetic, so they may differ in the last place only.
_ROUNDING = 1e-9

_WITHIN_INTERVAL = rule(
    "score_within_interval",
    (pl.col("score_low") <= pl.col("score_high"))
    & pl.col("score").is_between(pl.col("score_low") - _ROUNDING, pl.col("score_high") + _ROUNDING).fill_null(True),
    "the score is outside its own interval",
)

_COMPLETE_HAS_SCORE = rule(
    "score_only_when_complete",
    pl.col("score").is_not_null() == (pl.col("indicators_scored") == pl.col("indicators_total")),
    "a level has a score exactly when all its indicators are scored: missing is not zero",
)

COMPOSITES = Contract(
    "composites",
    "one site in one period",
    key=("period",),
    columns={
        **site_and_period(),
        **period_bounds(),
        "methodology": Column(pl.String, "Name of the methodology.", required=True),
        "methodology_hash": Column(
            pl.String, "SHA-256 of the methodology file.", matches="[0-9a-f]{64}", required=True
        ),
        **_interval(),
        "grade": text("Grade; empty if the interval spans several."),
        "grade_low": text("Grade of score_low."),
        "grade_high": text("Grade of score_high."),
        **_scored_of_total(),
        "coverage": ratio(
            "Weighted mean of the coverage of all indicators that the methodology scores; no evidence counts 0.",
            required=True,
        ),
        "evaluability": ratio(
            "Weighted share of the score on metered or measured evidence, times coverage.", required=True
        ),
        "evidence_class": evidence_class(),
        "is_simulated": flag("Whether any evidence used is simulated.", required=True),
        "run_id": Column(pl.String, "Run that made the row.", required=True),
    },
    rules=[
        _WITHIN_INTERVAL,
        _COMPLETE_HAS_SCORE,
        rule(
            "no_grade_without_evidence",
            (pl.col("indicators_scored") > 0) | pl.col("grade").is_null(),
            "a scorecard on which nothing is scored must not have a grade",
        ),
        rule(
            "simulated_is_marked",
            pl.col("is_simulated") == (pl.col("evidence_class").fill_null("none") == "simulated"),
            "is_simulated contradicts the weakest evidence class",
        ),
    ],
)

DIMENSIONS = Contract(
    "dimensions",
    "one dimension of one site in one period",
    key=("period", "dimension"),
    columns={
        **site_and_period(),
        "dimension": Column(pl.String, "Dimension of the methodology.", required=True),
        "position": count("Place in the methodology, from 1.", at_least=1, required=True),
        "weight": Column(pl.Float64, "Weight in the composite.", unit="1", at_least=0, required=True),
        **_interval(),
        **_scored_of_total(),
    },
    rules=[_WITHIN_INTERVAL, _COMPLETE_HAS_SCORE],
)

SCORED_INDICATORS = Contract(
    "indicators",
    "one indicator of one site in one period, scored or supplementary",
    key=("period", "indicator"),
    columns={
        **site_and_period(),
        "dimension": text("Dimension of the methodology; empty for a supplementary indicator."),
        "indicator": Column(pl.String, "Indicator.", required=True),
        "position": count("Place in the methodology, from 1.", at_least=1, required=True),
        "is_scored": flag("Whether the indicator counts in the score of this period.", required=True),
        "weight": Column(pl.Float64, "Weight in the dimension.", unit="1", at_least=0),
        "numerator": Column(EXACT, "Numerator summed over the window.", unit="see reference.indicators"),
        "denominator": Column(EXACT, "Denominator summed over the window.", unit="see reference.indicators"),
        "value": Column(pl.Float64, "Numerator divided by denominator.", unit="unit"),
        "unit": Column(pl.String, "Unit of value.", required=True),
        "better": choice(("higher", "lower", "neither"), "Direction that is better.", required=True),
        "origin": choice(("published", "declared", "standard"), "Who defines the indicator.", required=True),
        "window_start": Column(pl.Date, "First day of the window.", required=True),
        "window_end": Column(pl.Date, "Day after the last day of the window.", required=True),
        "goalpost_at_0": Column(pl.Float64, "Value that scores 0.", unit="unit"),
        "goalpost_at_100": Column(pl.Float64, "Value that scores 100.", unit="unit"),
        "score": points("Score; empty unless the indicator is scored."),
        "score_low": points("The score, or 0 where a weighted indicator is withheld."),
        "score_high": points("The score, or 100 where a weighted indicator is withheld."),
        "coverage": ratio("Evidence seen as a share of the evidence that ought to be there."),
        "minimum_coverage": ratio("Coverage from which the methodology scores the indicator."),
        "evidence_class": evidence_class(),
        "status": choice(STATUSES, "ok, or why it is not scored.", required=True),
        "reference_rows": reference_rows(),
    },
    rules=[
        rule(
            "scored_means_ok",
            ~pl.col("is_scored") | ((pl.col("status") == OK) & (pl.col("coverage") >= pl.col("minimum_coverage"))),
            "an indicator is scored only with status ok and enough coverage",
        ),
        rule(
            "score_only_when_scored",
            pl.col("score").is_not_null() == pl.col("is_scored"),
            "an indicator has a score exactly when it is scored",
        ),
    ],
)


def _contribution(meaning: str) -> Column:
    return Column(pl.Float64, meaning, unit="points")


EXPLANATIONS = Contract(
    "explanations",
    "what one scored indicator contributes to the composite of one site in one period, and to its change",
    key=("period", "indicator"),
    columns={
        **site_and_period(),
        "indicator": Column(pl.String, "Indicator that the methodology scores.", required=True),
        "contribution": _contribution("Part of the composite's score; empty unless every indicator is scored."),
        "contribution_low": _contribution("Part of the composite's score_low."),
        "contribution_high": _contribution("Part of the composite's score_high."),
        "previous_period": Column(
            pl.String,
            "Period of the same kind right before, if it was scored with the same methodology; else empty.",
            matches=PERIOD,
        ),
        "change": _contribution("Part of the change of score since then; empty unless both have a score."),
        "change_low": _contribution("Part of the change of score_low since then."),
        "change_high": _contribution("Part of the change of score_high since then."),
    },
    rules=[
        rule(
            "change_has_a_previous_period",
            (pl.col("previous_period").is_null() == pl.col("change_low").is_null())
            & (pl.col("previous_period").is_null() == pl.col("change_high").is_null()),
            "a change is since a previous period, and a previous period has a change",
        ),
    ],
)

POLICY_TARGETS = Contract(
    "policy_targets",
    "one policy target held against one site in one period",
    key=("period", "reference_id"),
    columns={
        **site_and_period(),
        "reference_id": Column(pl.String, "Target, as in reference.policy_targets.", required=True),
        "document_zh": text("Document, in Chinese."),
        "document_en": text("Document, in English."),
        "metric": text("What the document sets a target for."),
        "comparator": text("Relation to hold."),
        "target_value": text("Target as the document states it."),
        "unit": text("Unit of target_value."),
        "applies_to": text("To whom it applies, in words."),
        "value": Column(pl.Float64, "The site's value, in the unit of the target; empty if unknown."),
        "is_met": flag("Whether the site meets the target; empty if unknown."),
        "reason": choice((*TARGET_REASONS, AVERAGE_TARGET), "Why the target was not judged, or how to read it."),
    },
    rules=[
        rule(
            "not_judged_has_a_reason",
            pl.col("is_met").is_not_null() | pl.col("reason").is_not_null(),
            "a target that was not judged needs a reason",
        ),
        rule(
            "judged_has_a_value", pl.col("is_met").is_null() | pl.col("value").is_not_null(), "judged without a value"
        ),
    ],
)

ENERGY_RECONCILIATION = Contract(
    "energy_reconciliation",
    "the electricity of one site in one period, from three sides",
    key=("period",),
    columns={
        **site_and_period(),
        "bill_kwh": Column(EXACT, "Electricity on utility bills.", unit="kWh"),
        "meter_kwh": Column(EXACT, "Electricity at the utility meter.", unit="kWh"),
        "device_kwh": Column(EXACT, "Electricity of accelerators.", unit="kWh"),
        "unexplained_kwh": Column(EXACT, "Bills minus meters, over the months that have both.", unit="kWh"),
        "unexplained_ratio": Column(pl.Float64, "Unexplained share of the bills of those months.", unit="1"),
        "status": choice(RECONCILIATION_STATUSES, "How the reconciliation came out.", required=True),
    },
)

ENERGY_DIFFERENCES = Contract(
    "energy_differences",
    "the electricity of one site and month, as two sides see it",
    key=("period", "pair"),
    columns={
        **site_and_period(),
        "month_start": Column(pl.Date, "First day of the month.", required=True),
        "pair": choice(COMPARED_SIDES, "The two sides.", required=True),
        "left_kwh": Column(EXACT, "Electricity on the first side; empty if unknown.", unit="kWh"),
        "right_kwh": Column(EXACT, "Electricity on the second side; empty if unknown.", unit="kWh"),
        "difference_kwh": Column(EXACT, "First less second side.", unit="kWh"),
        "unexplained_kwh": Column(
            EXACT, "The difference; of accelerators, only what exceeds the side they are part of.", unit="kWh"
        ),
        "unexplained_ratio": Column(pl.Float64, "unexplained_kwh as a share of the first side.", unit="1"),
        "cause": choice(DIFFERENCE_CAUSES, "Likely cause of the difference; empty unless both sides are known."),
    },
)

SCORECARDS: dict[str, Contract] = {
    table.name: table
    for table in (
        COMPOSITES,
        DIMENSIONS,
        SCORED_INDICATORS,
        EXPLANATIONS,
        POLICY_TARGETS,
        ENERGY_RECONCILIATION,
        ENERGY_DIFFERENCES,
    )
}
"""Contracts of the scorecard tables, by name."""
