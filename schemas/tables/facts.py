"""Contracts of what indicator recipes give, before it is joined to the periods that ought to exist."""

import polars as pl

from suanheng.schemas.contract import Column, Contract

ADDITIVE = pl.Decimal(38, 9)
"""Type of everything that is summed: exact, so that the order of rows and months does not matter."""


def _facts(name: str, one_row_is: str, time: str, dtype: type[pl.DataType], more: dict) -> Contract:
    return Contract(
        name,
        one_row_is,
        key=(time, "indicator"),
        columns={
            "site_id": Column(pl.String, "Site.", required=True),
            time: Column(dtype, "When.", required=True),
            "indicator": Column(pl.String, "Indicator.", required=True),
            "numerator": Column(ADDITIVE, "Numerator; empty where unknown."),
            "denominator": Column(ADDITIVE, "Denominator; empty where unknown."),
            **more,
            "observed": Column(ADDITIVE, "Evidence seen, in the unit of expected."),
            "expected": Column(ADDITIVE, "Evidence there ought to be."),
            "evidence_rank": Column(pl.Int32, "Weakest evidence used: 1 metered to 5 simulated."),
            "reference_rows": Column(pl.List(pl.String), "Reference facts used."),
            "gap": Column(pl.String, "Why there is no value."),
        },
    )


MONTHLY_FACTS = _facts(
    "monthly_facts",
    "one indicator of one site in one month",
    "month_start",
    pl.Date,
    {
        "numerator_at_least": Column(
            ADDITIVE, "Summed over the window, what the summed numerator is at least; empty where it has no such bound."
        ),
        "numerator_at_most": Column(
            ADDITIVE, "Summed over the window, what the summed numerator is at most; empty where it has no such bound."
        ),
    },
)

PERIOD_FACTS = _facts(
    "period_facts",
    "one indicator that is no ratio of sums, of one site in one period",
    "period",
    pl.String,
    {"value": Column(pl.Float64, "The statistic itself.")},
)
