"""The demo's figures against a second computation that shares no code with the first.

Values and coverages come from ``tests/figures_by_hand.py``, which reads the landing files; goalposts, weights and means
are written out here as config/methodology/hqc-2024.yaml declares them.
"""

import math
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from suanheng.config.workspace import Workspace
from suanheng.schemas.tables.scorecards import SCORECARDS
from suanheng.transforms.definitions.catalogue import catalogue
from suanheng.transforms.scoring.methodology import load
from suanheng.transforms.scoring.scorecard import score
from suanheng.warehouse.lake import reading
from tests.demo_workspace import demo_workspace  # noqa: F401 - a fixture
from tests.figures_by_hand import CentreByHand, Figure

pytestmark = pytest.mark.long

REGIONS = {"qinglan": "CN-HE", "xiliu": "CN-SC", "chaosheng": "CN-SH"}

# A quarter and a year of every centre. Qinglan: bills from the 18th, solar panels, a third server from April 2023.
# Xiliu: Chinese headers and local times, an estimated bill, four days of 2022 without telemetry. Chaosheng: one device
# cut into three, a late bill, hardware of unknown carbon, no claims of green power before 2023.
PERIODS = {
    "qinglan": {"2023Q2": (date(2023, 4, 1), date(2023, 7, 1)), "2023": (date(2023, 1, 1), date(2024, 1, 1))},
    "xiliu": {"2023Q2": (date(2023, 4, 1), date(2023, 7, 1)), "2023": (date(2023, 1, 1), date(2024, 1, 1))},
    "chaosheng": {"2023Q3": (date(2023, 7, 1), date(2023, 10, 1)), "2023": (date(2023, 1, 1), date(2024, 1, 1))},
}
SITE_PERIODS = [(site, period) for site, periods in PERIODS.items() for period in periods]

OF_THE_PERIOD = (
    "theoretical_efficiency",
    "measured_performance",
    "model_compute_efficiency",
    "productive_goodput",
    "operational_carbon_intensity",
    "lifecycle_carbon_intensity",
    "market_carbon_intensity",
    "demand_fulfilment",
    "affordability",
    "compatibility",
    "supply_chain_completeness",
    "ecosystem_openness",
)
OF_A_YEAR = ("resource_utilisation", "pue", "wue", "ref")
CHAIN = ("availability", "allocation_ratio", "activity_ratio")

H100_BF16 = 1413.0
GOALPOSTS = {
    "compute_efficiency": {
        "theoretical_efficiency": (0, H100_BF16),
        "measured_performance": (0, 0.563),
        "resource_utilisation": (0, 1),
    },
    "intelligence_efficiency": {"model_compute_efficiency": (0, 10.7), "productive_goodput": (0, 1)},
    "carbon_efficiency": {"operational_carbon_intensity": (5.63, 0), "lifecycle_carbon_intensity": (5.7, 0)},
    "accessibility": {"demand_fulfilment": (0, 1), "affordability": (192, 34.2)},
    "sustainability": {"compatibility": (0, 1), "supply_chain_completeness": (0, 1), "ecosystem_openness": (0, 1)},
}
MINIMUM_COVERAGE = {
    "theoretical_efficiency": 0.9,
    "measured_performance": 0.25,
    "model_compute_efficiency": 0.5,
    "productive_goodput": 0.5,
    "affordability": 0.5,
    "compatibility": 0.5,
    "supply_chain_completeness": 0.5,
}
OTHERWISE = 0.75


@pytest.fixture(scope="module")
def found(demo_workspace: Workspace) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:  # noqa: F811
    """Rows of indicators.all by site and period, then by indicator."""
    by_period: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    with reading(demo_workspace) as lake:
        for row in lake.frame('SELECT * FROM indicators."all"').iter_rows(named=True):
            by_period.setdefault((row["site_id"], row["period"]), {})[row["indicator"]] = row
    return by_period


@pytest.fixture(scope="module")
def by_hand(demo_workspace: Workspace):  # noqa: F811
    """``by_hand(site, period, indicator)``: the figure worked out from the files."""
    centre = cache(lambda site: CentreByHand(_landing(demo_workspace) / site, REGIONS[site]))

    def figure(site: str, period: str, indicator: str) -> Figure:
        start, end = PERIODS[site][period]
        if indicator in OF_THE_PERIOD:
            return getattr(centre(site), indicator)(start, end)
        if indicator in OF_A_YEAR:
            return getattr(centre(site), indicator)(end)
        return centre(site).utilisation_chain(end)[indicator]

    return figure


def _landing(workspace: Workspace) -> Path:
    return workspace.root / "landing"


@pytest.mark.parametrize("indicator", [*OF_THE_PERIOD, *OF_A_YEAR, *CHAIN])
@pytest.mark.parametrize(("site", "period"), SITE_PERIODS)
def test_an_indicator_is_what_the_files_say(found, by_hand, site, period, indicator):
    expected, row = by_hand(site, period, indicator), found[site, period][indicator]
    assert row["status"] == "ok"
    assert row["value"] == pytest.approx(expected.value, rel=1e-6)
    assert row["coverage"] == pytest.approx(expected.coverage, rel=1e-6)
    assert row["evidence_class"] == "simulated"


@pytest.mark.parametrize(("site", "period"), SITE_PERIODS)
def test_availability_allocation_and_activity_multiply_to_utilisation(found, site, period):
    rows = found[site, period]
    product = math.prod(rows[name]["value"] for name in CHAIN)
    assert product == pytest.approx(rows["resource_utilisation"]["value"], rel=1e-6)


@pytest.mark.parametrize(("site", "period"), SITE_PERIODS)
def test_three_months_are_the_quarter_and_four_quarters_the_year(found, site, period):
    year = period[:4]
    months = [f"{year}-{month:02}" for month in range(1, 13)]
    quarter = int(period[5:]) if "Q" in period else None
    parts = months[3 * quarter - 3 : 3 * quarter] if quarter else [f"{year}Q{number}" for number in (1, 2, 3, 4)]
    for indicator, row in found[site, period].items():
        for side in ("numerator", "denominator"):
            known = [found[site, part][indicator][side] for part in parts]
            assert row[side] == (sum(filter(None, known)) if any(x is not None for x in known) else None), indicator


def test_a_composite_is_the_mean_of_means_of_points(demo_workspace: Workspace, found):  # noqa: F811
    with reading(demo_workspace) as lake:
        composites = lake.frame("SELECT * FROM scorecards.composites").to_dicts()
    scored = 0
    for composite in composites:
        rows = found[composite["site_id"], composite["period"]]
        low, high = (_composite(rows, unknown) for unknown in (0.0, 100.0))
        assert composite["score_low"] == pytest.approx(low, rel=1e-6, abs=1e-9)
        assert composite["score_high"] == pytest.approx(high, rel=1e-6)
        known = sum(_points(name, rows[name], posts) is not None for name, posts in _scored())
        assert (composite["indicators_scored"], composite["indicators_total"]) == (known, 12)
        assert (composite["score"] is None) == (known < 12)
        if composite["score"] is not None:
            assert composite["score"] == pytest.approx(low, rel=1e-6)
            scored += 1
    assert scored > 0


EU_GOALPOSTS = {"pue": (1.5, 1.2), "wue": (2.0, 0.4), "erf": (0.0, 0.2), "ref": (0.0, 1.0)}
"""As config/methodology/eu-2024-1364.yaml declares them; all four weigh the same and need three quarters covered."""


def test_the_same_indicators_under_the_methodology_of_the_eu(demo_workspace: Workspace, found):  # noqa: F811
    with reading(demo_workspace) as lake:
        indicators = lake.frame('SELECT * FROM indicators."all"')

    scorecards = score(indicators.drop("run_id", strict=False), load("eu-2024-1364"), catalogue())

    assert scorecards.composites.height == len(found)
    for composite in scorecards.composites.iter_rows(named=True):
        rows = found[composite["site_id"], composite["period"]]
        points = [_points(name, rows[name], posts) for name, posts in EU_GOALPOSTS.items()]
        low, high = (sum(unknown if p is None else p for p in points) / 4 for unknown in (0.0, 100.0))
        assert composite["score_low"] == pytest.approx(low, rel=1e-6, abs=1e-9)
        assert composite["score_high"] == pytest.approx(high, rel=1e-6)
        assert composite["indicators_scored"] == sum(point is not None for point in points)
    assert scorecards.composites["indicators_scored"].max() >= 3
    for name in ("dimensions", "indicators"):
        frame = getattr(scorecards, name)
        assert SCORECARDS[name].schema.validate(frame, lazy=True).height == frame.height


def _scored():
    return [(name, posts) for indicators in GOALPOSTS.values() for name, posts in indicators.items()]


def _points(name: str, row: dict[str, Any], posts: tuple[float, float]) -> float | None:
    """0 to 100 between the goalposts; nothing where the value is missing or rests on too little."""
    if row["status"] != "ok" or row["coverage"] < MINIMUM_COVERAGE.get(name, OTHERWISE):
        return None
    worst, best = posts
    return min(max(100 * (row["value"] - worst) / (best - worst), 0.0), 100.0)


def _composite(rows: dict[str, dict[str, Any]], unknown: float) -> float:
    """Geometric mean of five arithmetic means, taken on 1 to 100 and moved back to 0 to 100."""
    product = 1.0
    for indicators in GOALPOSTS.values():
        points = [_points(name, rows[name], posts) for name, posts in indicators.items()]
        mean = sum(unknown if point is None else point for point in points) / len(points)
        product *= 1 + 0.99 * mean
    return (product ** (1 / 5) - 1) / 0.99
