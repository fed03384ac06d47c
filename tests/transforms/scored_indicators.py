"""Indicators of a quarter as scoring meets them: fixtures, made known by ``tests/transforms/conftest.py``."""

import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import settings

from suanheng.schemas.tables.indicators import INDICATORS
from suanheng.transforms.scoring.methodology import Methodology, load

# A shared machine may be slow for a moment; that is no finding. The campaign looks further, when asked for.
settings.register_profile("unhurried", deadline=None, max_examples=50)
settings.register_profile("campaign", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unhurried"))

HALF_WAY = {
    # the middle between the goalposts of hqc-2024, which scores 50
    "theoretical_efficiency": 706.5,
    "measured_performance": 0.2815,
    "resource_utilisation": 0.5,
    "model_compute_efficiency": 5.35,
    "productive_goodput": 0.5,
    "operational_carbon_intensity": 2.815,
    "lifecycle_carbon_intensity": 2.85,
    "demand_fulfilment": 0.5,
    "affordability": 113.1,
    "compatibility": 0.5,
    "supply_chain_completeness": 0.5,
    "ecosystem_openness": 0.5,
}


@pytest.fixture(scope="session")
def methodology() -> Methodology:
    return load("hqc-2024")


@pytest.fixture(scope="session")
def catalogue(methodology: Methodology) -> pl.DataFrame:
    scored = [
        {"indicator": i.indicator, "unit": i.unit, "better": i.better, "origin": i.origin}
        for i in methodology.indicators
    ]
    supplementary = [
        {"indicator": name, "unit": "1", "better": "neither", "origin": "declared"}
        for name in (*methodology.supplementary, "zz_experimental")
    ]
    return pl.DataFrame(scored + supplementary)


def row(indicator: str, **changes: Any) -> dict[str, Any]:
    """One indicator of site a in 2023Q2, with a value that scores 50, fully metered."""
    value = HALF_WAY.get(indicator, 0.5)
    numerator = Decimal(str(changes.get("value", value))) if changes.get("value", value) is not None else None
    sums = {"numerator": numerator, "denominator": None if numerator is None else Decimal(1)}
    return {
        "site_id": "a",
        "period": "2023Q2",
        "period_kind": "quarter",
        "period_start": date(2023, 4, 1),
        "period_end": date(2023, 7, 1),
        "indicator": indicator,
        "window_start": date(2023, 4, 1),
        "window_end": date(2023, 7, 1),
        **sums,
        **{f"window_{name}": amount for name, amount in sums.items()},
        "value": value,
        "unit": "see catalogue",
        "coverage": 1.0,
        "evidence_class": "metered",
        "status": "ok",
        "months_with_facts": 3,
        "reference_rows": [],
        **changes,
    }


@pytest.fixture
def indicators(catalogue: pl.DataFrame) -> Callable[..., pl.DataFrame]:
    """All indicators of site a in 2023Q2, each scoring 50; changes by indicator, ``everything`` for all of them."""

    def build(everything: dict[str, Any] | None = None, **changes: dict[str, Any]) -> pl.DataFrame:
        rows = [row(name, **(everything or {}) | changes.get(name, {})) for name in catalogue["indicator"]]
        return pl.DataFrame(rows, schema=INDICATORS.dtypes())

    return build
