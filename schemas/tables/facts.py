"""Contracts of what indicator recipes give, before it is joined to the spine."""

import polars as pl

from suanheng.schemas.contract import Contract, column, contract

ADDITIVE = pl.Decimal(38, 9)
"""Type of everything that is summed: exact, so that the order of rows and months does not matter."""


def _facts(name: str, one_row_is: str, time: str, dtype: type[pl.DataType], more: dict) -> Contract:
    return contract(
        name,
        one_row_is,
        key=(time, "indicator"),
        columns={
            "site_id": column(pl.String, "Site.", required=True),
            time: column(dtype, "When.", required=True),
            "indicator": column(pl.String, "Indicator.", required=True),
            "numerator": column(ADDITIVE, "Numerator; empty where unknown."),
            "denominator": column(ADDITIVE, "Denominator; empty where unknown."),
            **more,
            "observed": column(ADDITIVE, "Evidence seen, in the unit of expected."),
            "expected": column(ADDITIVE, "Evidence there ought to be."),
            "evidence_rank": column(pl.Int32, "Weakest evidence used: 1 metered to 5 simulated."),
            "reference_rows": column(pl.List(pl.String), "Reference facts used."),
            "gap": column(pl.String, "Why there is no value."),
        },
    )


MONTHLY_FACTS = _facts("monthly_facts", "one indicator of one site in one month", "month_start", pl.Date, {})

PERIOD_FACTS = _facts(
    "period_facts",
    "one indicator that is no ratio of sums, of one site in one period",
    "period",
    pl.String,
    {"value": column(pl.Float64, "The statistic itself.")},
)
